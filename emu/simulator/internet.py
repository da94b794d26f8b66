"""Networks of very many nodes, as generators make them: delays between nodes, and paths.

The transit-stub model (Zegura, Calvert, Bhattacharjee, "How to model an internetwork"): domains of
transit routers, and behind each router some stub networks. Every stub hangs on one link, so that a
path is the way out of a stub, the shortest way between two transit routers, and the way into
another stub: that is exact, and no table of all pairs of nodes is needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra

from agents.core import MILLISECOND
from emu.simulator.underlay import Link

Span = tuple[float, float]
"""Least and most, ms; drawn uniformly."""


@dataclass(frozen=True)
class TransitStub:
    """The sizes and the delays of a transit-stub network."""

    domains: int = 4
    routers: int = 4
    """Of each transit domain."""
    stubs: int = 12
    """At each transit router."""
    stub_nodes: int = 52
    between_transit: Span = (20, 50)
    transit_to_stub: Span = (5, 10)
    inside_stub: Span = (1, 3)
    inside_domain: Span | None = None
    """Between transit routers of one domain; None: as between domains."""
    links_in_domain: float = 1 / 3
    links_between_domains: float = 1 / 2
    """The shares of pairs of routers of a domain, and of domains, that have a link, besides those
    without which the network would not be one."""

    @property
    def transit(self) -> int:
        """The number of transit routers, which are the first nodes."""
        return self.domains * self.routers

    def draw(self, random: Random) -> Internet:
        """One network."""
        return Internet(self, random)


class Internet:
    """One network drawn from a seed. Nodes are numbers, delays ns."""

    def __init__(self, shape: TransitStub, random: Random) -> None:
        transit = shape.transit
        self.delays: dict[Link, int] = {}
        """Of each link."""
        _transit_links(shape, random, self.delays)
        self._core, self._core_before = _shortest(transit, self.delays)
        self.sites: list[int] = []
        """The nodes of stubs."""
        self._stub: list[int] = [-1] * transit
        self._router: list[int] = [*range(transit)]
        self._out: list[int] = [0] * transit
        """From each node to its transit router, ns."""
        self._first: list[int] = []
        self._inside: list[list[list[int]]] = []
        self._inside_before: list[list[list[int]]] = []
        self._gateway: list[int] = []
        for router in range(transit):
            for _ in range(shape.stubs):
                self._add_stub(shape, random, router)
        across = [[core[r] + out for r, out in zip(self._router, self._out, strict=True)]
                  for core in self._core]  # fmt: skip
        self._across = [across[router] for router in self._router]
        """Of each node: from its transit router to every node, ns."""

    def delay(self, one: int, other: int) -> int:
        """Of the shortest path between two nodes, ns."""
        stub = self._stub[one]
        if stub == self._stub[other] and stub >= 0:
            first = self._first[stub]
            return self._inside[stub][one - first][other - first]
        return self._out[one] + self._across[one][other]

    def neighbours(self, node: int) -> range:
        """All nodes of a node's stub: any of them is nearer than any other node."""
        first = self._first[self._stub[node]]
        return range(first, first + len(self._inside[self._stub[node]]))

    def path(self, one: int, other: int) -> Iterator[Link]:
        """The links of the shortest path between two nodes."""
        stub = self._stub[one]
        if stub == self._stub[other] and stub >= 0:
            yield from self._within(stub, one, other)
            return
        yield from self._to_router(one)
        yield from _walk(self._core_before[self._router[one]], self._router[other], 0)
        yield from self._to_router(other)

    def _to_router(self, node: int) -> Iterator[Link]:
        stub = self._stub[node]
        if stub >= 0:
            gateway = self._gateway[stub]
            yield from self._within(stub, node, gateway)
            yield self._router[node], gateway

    def _within(self, stub: int, one: int, other: int) -> Iterator[Link]:
        first = self._first[stub]
        yield from _walk(self._inside_before[stub][one - first], other - first, first)

    def _add_stub(self, shape: TransitStub, random: Random, router: int) -> None:
        first, size = len(self._stub), shape.stub_nodes
        links: dict[Link, int] = {}
        for number in range(1, size):
            links[random.randrange(number), number] = _draw(shape.inside_stub, random)
        for _ in range(size // 3):
            one, other = sorted(random.sample(range(size), 2))
            links.setdefault((one, other), _draw(shape.inside_stub, random))
        inside, before = _shortest(size, links)
        gateway = random.randrange(size)
        up = _draw(shape.transit_to_stub, random)
        self.delays[router, first + gateway] = up
        self.delays.update({(first + a, first + b): delay for (a, b), delay in links.items()})
        self._stub += [len(self._first)] * size
        self._router += [router] * size
        self._out += [up + inside[number][gateway] for number in range(size)]
        self._first.append(first)
        self._gateway.append(first + gateway)
        self._inside.append(inside)
        self._inside_before.append(before)
        self.sites += range(first, first + size)


def _transit_links(shape: TransitStub, random: Random, links: dict[Link, int]) -> None:
    """Each domain is connected, with a share of the other links it could have; so are domains."""
    inside = shape.inside_domain or shape.between_transit
    for domain in range(shape.domains):
        first = domain * shape.routers
        for number in range(1, shape.routers):
            for other in range(number):
                if other == number - 1 or random.random() < shape.links_in_domain:
                    links[first + other, first + number] = _draw(inside, random)
    for domain in range(1, shape.domains):
        for other in range(domain):
            if other == domain - 1 or random.random() < shape.links_between_domains:
                one = other * shape.routers + random.randrange(shape.routers)
                two = domain * shape.routers + random.randrange(shape.routers)
                links[one, two] = _draw(shape.between_transit, random)


def _draw(span: Span, random: Random) -> int:
    return int(random.uniform(*span) * MILLISECOND)


def _shortest(size: int, links: dict[Link, int]) -> tuple[list[list[int]], list[list[int]]]:
    """Delays between all nodes, and on each way the node before the last."""
    one, other = zip(*links, strict=True) if links else ((), ())  # One router has none.
    graph = coo_matrix((list(links.values()), (one, other)), shape=(size, size)).tocsr()
    delays, before = dijkstra(graph, directed=False, return_predecessors=True)
    return np.rint(delays).astype(np.int64).tolist(), before.tolist()


def _walk(before: list[int], node: int, first: int) -> Iterator[Link]:
    """The links of a shortest path, from its end."""
    while before[node] >= 0:
        previous = before[node]
        yield (first + min(previous, node), first + max(previous, node))
        node = previous
