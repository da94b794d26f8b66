"""Topology ``line``: MARs in a row, as along a road; each forwards for the others."""

from __future__ import annotations

from itertools import pairwise

from topologies.domain import BACKHAUL_METRIC, Domain
from topologies.parameters import Parameters


class Line(Domain):
    """A chain of MARs; one hop has the backhaul's quality."""

    def backhaul(self, mars: list[str], parameters: Parameters) -> None:
        """Join every MAR with the next."""
        for mar, following in pairwise(mars):
            self.join(mar, following, "backhaul", parameters.backhaul, BACKHAUL_METRIC)
