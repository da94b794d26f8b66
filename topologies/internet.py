"""Topology ``internet``: hosts of which any two have delays and losses of their own between them.

What is between them is one router; each host's link to it does to a packet what the way to the
packet's destination would. An island is an Ethernet beside it, of some of these hosts and of others
that have no link to the router.
"""

from __future__ import annotations

from collections.abc import Mapping

from topologies.base import PLAIN, Base
from topologies.parameters import ISLAND, ISLAND_LINK, ISLANDER, EndNode, Parameters

ROUTER = "ix"
_METRIC = 1


class Internet(Base):
    """A star of hosts around the router ``ix``; it forwards unicast only."""

    def lay_out(self, parameters: Parameters, nodes: Mapping[str, EndNode]) -> None:
        """Join every host with the router."""
        self.node(ROUTER, "ix")
        for island in dict.fromkeys(node.island for node in nodes.values()):
            if island is not None:
                self.node(island, ISLAND)
        for name, node in nodes.items():
            self.node(name, node.role)
            toward = {end: q for (start, end), q in parameters.between.items() if start == name}
            if node.role != ISLANDER:
                self.join(name, ROUTER, "lan", PLAIN, _METRIC, toward=toward)
            if node.island is not None:
                self.join(name, node.island, ISLAND_LINK, PLAIN, _METRIC)
