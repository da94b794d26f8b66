"""The equations of network-based DMM, by its variant (HDMM paper, equations 7 to 10)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from emu.analysis.hdmm import Scheme
from emu.analysis.journey import Task, anchors
from emu.schemes.keys import Variants

if TYPE_CHECKING:
    from emu.scenario.model import Scenario

_VARIANTS = {
    "relay": Scheme.RELAY,
    "locator": Scheme.LOCATOR,
    "proxy": Scheme.PROXY,
    "distributed": Scheme.FULLY,
    "mih": Scheme.FULLY,
}


def tasks(scenario: Scenario, visited: Sequence[str], target: str) -> list[Task]:
    """The domain's signalling."""
    previous = anchors(visited, target)
    return [Task(_VARIANTS[scenario.mobility.of(Variants).variant], previous, previous)]
