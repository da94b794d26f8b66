"""Networks whose nodes have very different numbers of links: a few have very many.

Each node that comes links itself to some of those that are there, the more probably the more links
one has (Barabási and Albert, "Emergence of scaling in random networks", 1999). Shortest paths from
a node are found when they are first asked for, by a compiled search.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from random import Random

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra

from agents.core import MILLISECOND
from emu.simulator.underlay import Link

_MICROSECOND = 1000
"""Delays are whole microseconds: a row of them takes half the room."""
_ROWS_OF_NODES = 256
"""Of how many nodes the ways are kept, besides the delays."""


@dataclass(frozen=True)
class PowerLaw:
    """The size and the delays of a power-law network."""

    nodes: int = 10_000
    links: int = 2
    """Of a node that comes."""
    delay: tuple[int, int] = (5 * MILLISECOND, 15 * MILLISECOND)
    """Least and most of a link, drawn uniformly; ns."""

    def draw(self, random: Random) -> PowerLawNetwork:
        """One network."""
        return PowerLawNetwork(self, random)


class PowerLawNetwork:
    """One network drawn from a seed. Nodes are numbers, delays ns."""

    def __init__(self, shape: PowerLaw, random: Random) -> None:
        self.sites = range(shape.nodes)
        self.delays: dict[Link, int] = {}
        """Of each link."""
        least, most = (end // _MICROSECOND for end in shape.delay)
        for link in _links(shape, random):
            self.delays[link] = random.randint(least, most) * _MICROSECOND
        one, other = zip(*self.delays, strict=True)
        ends = (np.array(one), np.array(other))
        self._graph = coo_matrix(
            (np.array(list(self.delays.values())) / _MICROSECOND, ends),
            shape=(shape.nodes, shape.nodes),
        ).tocsr()
        self._rows: dict[int, NDArray[np.int32]] = {}
        self._before = lru_cache(maxsize=_ROWS_OF_NODES)(self._find_ways)

    def delay(self, one: int, other: int) -> int:
        """Of the shortest path between two nodes, ns."""
        row = self._rows.get(one)
        if row is None:
            found = dijkstra(self._graph, directed=False, indices=one)
            row = self._rows[one] = np.rint(found).astype(np.int32)
        return int(row[other]) * _MICROSECOND

    def neighbours(self, node: int) -> range:
        """The node itself."""
        return range(node, node + 1)

    def path(self, one: int, other: int) -> Iterator[Link]:
        """The links of the shortest path between two nodes."""
        before = self._before(one)
        while other != one:
            previous = int(before[other])
            yield min(previous, other), max(previous, other)
            other = previous

    def _find_ways(self, node: int) -> NDArray[np.int32]:
        """From a node to all others: on each way the node before the last."""
        _, before = dijkstra(self._graph, directed=False, indices=node, return_predecessors=True)
        return np.asarray(before, np.int32)


def _links(shape: PowerLaw, random: Random) -> Iterator[Link]:
    first = shape.links + 1
    ends = [node for node in range(first) for _ in range(shape.links)]
    """Each node as often as it has links."""
    yield from ((one, other) for other in range(first) for one in range(other))
    for node in range(first, shape.nodes):
        chosen: dict[int, None] = {}
        while len(chosen) < shape.links:
            chosen[random.choice(ends)] = None
        for other in chosen:
            ends += (other, node)
            yield other, node
