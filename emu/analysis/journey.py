"""What a handover has to keep: by which equations, and which MARs anchor addresses of the node."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emu.analysis.hdmm import Scheme
from emu.analysis.multicast import Path

if TYPE_CHECKING:
    from emu.analysis.moves import Move
    from emu.scenario.model import Scenario


class Equations(ABC):
    """What a source other than the HDMM paper says of one handover under its scheme."""

    value: str
    """The scheme's name in tables."""

    @abstractmethod
    def binding(self, path: Path, farthest: float, *, secured: bool) -> float:
        """Like `emu.analysis.moves.binding_ms`; ms."""

    @abstractmethod
    def messages(self, move: Move) -> float:
        """How many messages its signalling has."""

    @abstractmethod
    def cost(self, move: Move, tau: float, omega: float) -> float:
        """Weighted hops of these: ``tau`` a wired one, ``omega`` the radio's."""


@dataclass(frozen=True)
class Task:
    """What one handover asks of one mobility management."""

    scheme: Scheme | Equations
    previous: tuple[str, ...]
    """The MARs that anchor earlier addresses (P-DARs), the one where the node was last at the
    end."""
    told: tuple[str, ...]
    """Those that hear of it from the new place."""
    secured: bool = False
    """Whether a mobile node's care-of address is tested before each Binding Update."""


Tasks = Callable[["Scenario", Sequence[str], str], list[Task]]
"""Of a scenario's handover to a MAR of a node that was at these MARs, in their order."""


def always(scheme: Scheme | Equations) -> Tasks:
    """That one mobility management does all, and tells all who anchor addresses."""

    def tasks(scenario: Scenario, visited: Sequence[str], target: str) -> list[Task]:
        previous = anchors(visited, target)
        return [Task(scheme, previous, previous)]

    return tasks


def anchors(visited: Sequence[str], target: str) -> tuple[str, ...]:
    """Each but the target, in the order in which the node left it last."""
    return tuple(mar for mar in dict.fromkeys(reversed(visited)) if mar != target)[::-1]
