"""What a handover has to keep: under which scheme, and which MARs anchor addresses of the node."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import takewhile

from emu.analysis.hdmm import Scheme
from emu.scenario.mobility import Mobility
from emu.scenario.model import Scenario

_SCHEMES = {"pmipv6": Scheme.PMIPV6, "mipv6": Scheme.MIPV6, "client": Scheme.CLIENT}
_VARIANTS = {
    "relay": Scheme.RELAY,
    "locator": Scheme.LOCATOR,
    "proxy": Scheme.PROXY,
    "distributed": Scheme.FULLY,
    "mih": Scheme.FULLY,
}


@dataclass(frozen=True)
class Task:
    """What one handover asks of one mobility management."""

    scheme: Scheme
    previous: tuple[str, ...]
    """The MARs that anchor earlier addresses (P-DARs), the one where the node was last at the
    end."""
    told: tuple[str, ...]
    """Those that hear of it from the new place."""


def tasks(scenario: Scenario, visited: Sequence[str], target: str) -> list[Task]:
    """Of the handover to ``target`` of a node that was at the MARs ``visited``, in their order."""
    mobility = scenario.mobility
    if mobility.scheme == "hybrid":
        return _hybrid(mobility, visited, target)
    is_dmm = mobility.scheme == "dmm"
    scheme = _VARIANTS[mobility.variant] if is_dmm else _SCHEMES[mobility.scheme]
    previous = _anchors(visited, target)
    return [Task(scheme, previous, previous)]


def _hybrid(mobility: Mobility, visited: Sequence[str], target: str) -> list[Task]:
    """In a domain its own network acts, between domains the client (paper, equations 2 and 3).

    The client acts after the network, if it is to rebind in the foreign domain (footnote 6).
    """
    at_home = [mar for mar in visited if mar in mobility.home_domain]
    if target in mobility.home_domain:
        return [_in_domain(mobility, at_home, target)]
    previous = _anchors(at_home, target)
    told = {"all": previous, "last": previous[-1:]}
    client = Task(Scheme.CLIENT, previous, told[mobility.update])
    if target in mobility.foreign_domain and visited[-1] in mobility.foreign_domain:
        stay = _latest_stay(visited, mobility.foreign_domain)
        network = _in_domain(mobility, stay, target)
        return [network, client] if mobility.care_of == "update" else [network]
    return [client]


def _in_domain(mobility: Mobility, visited: Sequence[str], target: str) -> Task:
    previous = _anchors(visited, target)
    return Task(_VARIANTS[mobility.variant], previous, previous)


def _latest_stay(visited: Sequence[str], domain: Collection[str]) -> list[str]:
    return list(takewhile(lambda mar: mar in domain, reversed(visited)))[::-1]


def _anchors(visited: Sequence[str], target: str) -> tuple[str, ...]:
    """Each but the target, in the order in which the node left it last."""
    return tuple(mar for mar in dict.fromkeys(reversed(visited)) if mar != target)[::-1]
