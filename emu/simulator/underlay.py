"""The network below an overlay: what it has to say to those who play the overlay on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Protocol

Link = tuple[int, int]
"""Two nodes, the lower number first."""


class Underlay(Protocol):
    """Nodes are numbers, delays ns."""

    @property
    def sites(self) -> Sequence[int]:
        """The nodes at which hosts may be."""

    def delay(self, one: int, other: int) -> int:
        """Of the shortest path between two nodes."""

    def neighbours(self, node: int) -> range:
        """Nodes of which any is nearer to a node than every other one."""

    def path(self, one: int, other: int) -> Iterator[Link]:
        """The links of the shortest path between two nodes."""


class Shape(Protocol):
    """What a network is drawn from."""

    def draw(self, random: Random) -> Underlay:
        """One network."""
