"""Topology ``dmm-domain``: any two MARs are equally far apart, through a backhaul exchange."""

from __future__ import annotations

from topologies.domain import BACKHAUL_METRIC, Domain
from topologies.parameters import Parameters

EXCHANGE = "ix"


class DmmDomain(Domain):
    """A star of MARs around the router ``ix``; MAR to MAR has the backhaul's quality."""

    def backhaul(self, mars: list[str], parameters: Parameters) -> None:
        """Join every MAR with the exchange."""
        self.node(EXCHANGE, "ix")
        for mar in mars:
            self.join(mar, EXCHANGE, "backhaul", parameters.backhaul.half(), BACKHAUL_METRIC)
