"""The equations of client-based DMM (HDMM paper, equations 5 and 13)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from emu.analysis.hdmm import Scheme
from emu.analysis.journey import Task, anchors
from emu.host_based.keys import Security

if TYPE_CHECKING:
    from emu.scenario.model import Scenario


def tasks(scenario: Scenario, visited: Sequence[str], target: str) -> list[Task]:
    """The node tells each router that anchors an address of its own."""
    previous = anchors(visited, target)
    secured = scenario.mobility.of(Security).security.return_routability
    return [Task(Scheme.CLIENT, previous, previous, secured)]
