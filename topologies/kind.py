"""What a kind of topology declares of itself; it is known without Mininet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from topologies.base import Base


@dataclass(frozen=True, kw_only=True)
class Topology:
    """One kind of topology. Its name is the one under which it is registered."""

    topo: str
    """``module:Class`` of the subclass of `topologies.base.Base`, which needs Mininet."""
    hops: Callable[[int, int, int], int]
    """How many backhaul links are between two MARs, of so many: ``hops(1, 3, mars)``."""
    hop: float = 1.0
    """Of the backhaul's delay, what is on one of these links."""
    group_of_mars: bool = False
    """Whether its ``ix`` takes multicast from any MAR to all, as those without a CMD need it."""

    def apart(self, one: int, other: int, mars: int) -> float:
        """How many times the backhaul's delay is between two MARs."""
        return self.hops(one, other, mars) * self.hop

    def farthest(self, mars: int) -> float:
        """The same of the two that are farthest apart."""
        return max(
            (self.apart(a, b, mars) for a in range(1, mars + 1) for b in range(1, a)), default=0.0
        )

    def load(self) -> type[Base]:
        """The class; ValueError if there is none."""
        from topologies.base import Base

        try:
            found: object = EntryPoint("topo", self.topo, "").load()
        except (ImportError, AttributeError, ValueError) as error:
            raise ValueError(f"topo: {self.topo} cannot be loaded ({error})") from None
        if not (isinstance(found, type) and issubclass(found, Base)):
            raise ValueError(f"topo: {self.topo} is no subclass of {Base.__module__}.Base")
        return found
