"""What every topology of a DMM domain has in common; kinds differ in how MARs reach each other."""

from __future__ import annotations

from collections.abc import Mapping

from topologies.base import PLAIN, RADIO, Base
from topologies.parameters import SECOND_CMD, EndNode, Parameters

ROOT = "mr1"

# A MAR reaches MARs by the backhaul, the centre by its own link, everything else by its core link,
# never through the centre. Two anchors reach each other by the root, never through a MAR.
BACKHAUL_METRIC, ACCESS_METRIC, CORE_METRIC, HOME_METRIC = 10, 10_000, 10_000, 9_990
SPINE_METRIC = 1


class Domain(Base):
    """A domain of MARs, without the links between them."""

    def lay_out(self, parameters: Parameters, nodes: Mapping[str, EndNode]) -> None:
        """Add the routers, their links, and the end nodes."""
        mars = [f"mar{number}" for number in range(1, parameters.mars + 1)]
        centre = parameters.centre.role
        self.node(centre, centre, parameters.centre)
        if parameters.second_domain or parameters.standby is not None:
            self.node(SECOND_CMD, "cmd")
        if parameters.standby is not None:
            self.join(centre, SECOND_CMD, "standby", parameters.standby, CORE_METRIC)
        for extra in parameters.extras:
            self.node(extra.name, extra.kind.role, extra.kind)
        for mar in mars:
            self.node(mar, "mar")
            down, up = parameters.radios.get(mar, (parameters.access, parameters.access))
            self.join(mar, RADIO, "access", down, ACCESS_METRIC, back=up)
            if mar not in parameters.second_domain:
                self.join(mar, centre, "cmd", parameters.cmd, CORE_METRIC)
            if mar in parameters.second_domain or parameters.standby is not None:
                self.join(mar, SECOND_CMD, "cmd", parameters.cmd, CORE_METRIC)
            for extra in parameters.extras:
                if extra.mars is None or mar in extra.mars:
                    self.join(mar, extra.name, extra.kind.role, extra.link, CORE_METRIC)
        self.core(mars, parameters)
        if parameters.centre.anchors:
            self.join(centre, ROOT, "home", parameters.home, HOME_METRIC)
        for extra in parameters.extras:
            if extra.kind.anchors:
                self.join(extra.name, ROOT, "home", extra.home, HOME_METRIC)
        self.backhaul(mars, parameters)
        for name, node in nodes.items():
            self.attach(name, node)

    def core(self, mars: list[str], parameters: Parameters) -> None:
        """Native multicast routers: the root in the middle, the MARs on the others in turn."""
        names = [f"mr{number}" for number in range(1, parameters.routers + 1)]
        for name in names:
            self.node(name, "mr")
        for name in names[1:]:
            self.join(name, ROOT, "spine", PLAIN, SPINE_METRIC)
        edge = names[1:] or names
        for index, mar in enumerate(mars):
            router = edge[index % len(edge)]
            self.join(mar, router, "core", parameters.core, CORE_METRIC, what="core")

    def backhaul(self, mars: list[str], parameters: Parameters) -> None:
        """Join the MARs with each other."""
        raise NotImplementedError

    def attach(self, name: str, node: EndNode) -> None:
        """Add a mobile node to the radio, or a source or server to the root multicast router."""
        self.node(name, node.role)
        if node.role == "mn":
            self.join(name, RADIO, "wireless", PLAIN, ACCESS_METRIC)
        else:
            self.join(name, ROOT, "lan", PLAIN, SPINE_METRIC)
