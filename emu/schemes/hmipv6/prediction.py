"""What the round trips of Hierarchical Mobile IPv6 say of a handover.

RFC 5380 has no equations. One round trip to the MAP binds a node that stays in its domain; whoever
comes to a MAP's domain has another one, by the tunnel, to its home agent. Without a MAP that is
asked alone, as in Mobile IPv6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emu.analysis.journey import Equations, Task
from emu.analysis.multicast import Path
from emu.schemes.hmipv6.anchor_points import anchor_of, anchor_points

if TYPE_CHECKING:
    from emu.analysis.moves import Move
    from emu.scenario.model import Scenario

_TO_HOME = 2
"""Hops from a MAP to the home agent, by the root multicast router."""


@dataclass(frozen=True)
class Hierarchical(Equations):
    """One handover; one-way delays in ms."""

    to_map: float | None
    """From the new access router to its MAP; None: it tells of none."""
    to_agent: float | None
    """From that to the home agent; None: that hears nothing of it from there."""
    left: bool
    """Whether there is a MAP whose domain is left."""

    @property
    def value(self) -> str:  # type: ignore[override]
        """What it is called in tables: it depends on where the node goes."""
        if self.to_map is None:
            return "hmipv6, to no MAP"
        return "hmipv6" if self.to_agent is None else "hmipv6, to a MAP"

    def binding(self, path: Path, farthest: float, *, secured: bool) -> float:
        """A round trip to the MAP, and then perhaps one to the home agent; or that one alone."""
        if self.to_map is None:
            return 2 * (path.access + path.cmd)
        local = 2 * (path.access + self.to_map)
        return local if self.to_agent is None else 2 * local + 2 * self.to_agent

    def messages(self, move: Move) -> float:
        """Two for each of them; the MAP that is left is told where the node is, and later goes."""
        asked = (self.to_map is not None) + (self.to_map is None or self.to_agent is not None)
        return 2.0 * asked + 4.0 * self.left

    def cost(self, move: Move, tau: float, omega: float) -> float:
        """The MAP is one hop from its access routers, the one left as far as one of these more."""
        near = 2 * (omega + tau)
        left = 4 * (omega + tau * (move.hops + 1)) if self.left else 0.0
        if self.to_map is None or self.to_agent is None:
            return near + left
        return 2 * near + 2 * tau * _TO_HOME + left


def tasks(scenario: Scenario, visited: Sequence[str], target: str) -> list[Task]:
    """What is to be done depends on the MAPs of the access routers left and reached."""
    before, here = anchor_of(scenario, visited[-1]), anchor_of(scenario, target)
    maps, to_map, to_agent = anchor_points(scenario), None, None
    if here is not None:
        to_map = maps[here].link.delay / 1e6
        if here != before:
            to_agent = (maps[here].home.delay + scenario.topology.home.delay) / 1e6
    scheme = Hierarchical(to_map, to_agent, before not in (None, here))
    told = (visited[-1],)
    return [Task(scheme, told, told)]
