"""Which equations hold in a handover of the hybrid scheme (HDMM paper, equations 2 and 3)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import TYPE_CHECKING

from emu.analysis.hdmm import Scheme
from emu.analysis.journey import Task, anchors
from emu.host_based.keys import Security
from emu.schemes.dmm.prediction import tasks as in_domain
from emu.schemes.hybrid.keys import Domains

if TYPE_CHECKING:
    from emu.scenario.model import Scenario


def tasks(scenario: Scenario, visited: Sequence[str], target: str) -> list[Task]:
    """In a domain its own network acts, between domains the client.

    The client acts after the network, if it is to rebind in the foreign domain (footnote 6).
    """
    secured = scenario.mobility.of(Security).security.return_routability
    return [replace(task, secured=secured) for task in _tasks(scenario, visited, target)]


def _tasks(scenario: Scenario, visited: Sequence[str], target: str) -> list[Task]:
    domains = scenario.mobility.of(Domains)
    at_home = [mar for mar in visited if mar in domains.home_domain]
    if target in domains.home_domain:
        return in_domain(scenario, at_home, target)
    previous = anchors(at_home, target)
    told = {"all": previous, "last": previous[-1:]}
    client = Task(Scheme.CLIENT, previous, told[domains.update])
    if target in domains.foreign_domain and visited[-1] in domains.foreign_domain:
        network = in_domain(scenario, _latest_stay(visited, domains.foreign_domain), target)
        return [*network, client] if domains.care_of == "update" else network
    return [client]


def _latest_stay(visited: Sequence[str], domain: Collection[str]) -> list[str]:
    return list(takewhile(lambda mar: mar in domain, reversed(visited)))[::-1]
