"""What every topology of a DMM domain has in common; kinds differ in how MARs reach each other.

Nodes carry the attribute ``role``. Links carry ``kind``, ``quality`` (``back``: that of
the other direction) and ``metric`` (routes follow the cheapest path, as with OSPF costs). Mininet
ignores what it does not know, so these classes also work with the ``mn`` command.
"""

from __future__ import annotations

from collections.abc import Mapping

from mininet.topo import Topo

from topologies.parameters import EndNode, Parameters, Quality

RADIO = "radio"
ROOT = "mr1"
SECOND_CMD = "cmd2"
"""Another operator's, or the one that stands in for the first."""
MCC = "mcc"
"""The multicast channel control, where it is a node of its own."""
NAME_LENGTH = 9
"""Characters in a node's name, so that ``radio-<node>`` fits the 15 of an interface's."""

PLAIN = Quality()

# A MAR reaches MARs by the backhaul, the centre by its own link, everything else by its core link,
# never through the centre.
BACKHAUL_METRIC, ACCESS_METRIC, CORE_METRIC, HOME_METRIC = 10, 10_000, 10_000, 10_000
SPINE_METRIC = 1


class Domain(Topo):  # type: ignore[misc]
    """A domain of MARs, without the links between them."""

    def build(
        self, parameters: Parameters | None = None, nodes: Mapping[str, EndNode] | None = None
    ) -> None:
        """Called by Mininet with the arguments of the constructor."""
        parameters = parameters or Parameters()
        mars = [f"mar{number}" for number in range(1, parameters.mars + 1)]
        self.addSwitch(RADIO, role="radio", dpid="1")
        self.node(parameters.centre, parameters.centre)
        if parameters.second_domain or parameters.standby is not None:
            self.node(SECOND_CMD, "cmd")
        if parameters.standby is not None:
            self.join(parameters.centre, SECOND_CMD, "standby", parameters.standby, CORE_METRIC)
        if parameters.mcc is not None:
            self.node(MCC, "mcc")
        for mar in mars:
            self.node(mar, "mar")
            down, up = parameters.radios.get(mar, (parameters.access, parameters.access))
            self.join(mar, RADIO, "access", down, ACCESS_METRIC, back=up)
            if mar not in parameters.second_domain:
                self.join(mar, parameters.centre, "cmd", parameters.cmd, CORE_METRIC)
            if mar in parameters.second_domain or parameters.standby is not None:
                self.join(mar, SECOND_CMD, "cmd", parameters.cmd, CORE_METRIC)
            if parameters.mcc is not None:
                self.join(mar, MCC, "mcc", parameters.mcc, CORE_METRIC)
        self.core(mars, parameters)
        if parameters.centre != "cmd":
            self.join(parameters.centre, ROOT, "home", parameters.home, HOME_METRIC)
        self.backhaul(mars, parameters)
        for name, node in (nodes or {}).items():
            self.attach(name, node)

    def node(self, name: str, role: str) -> None:
        """Add a host or router; Mininet gives it no IPv4 address."""
        if len(name) > NAME_LENGTH:
            raise ValueError(f"node name {name!r} is longer than {NAME_LENGTH} characters")
        self.addHost(name, role=role, ip=None)

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

    def join(
        self,
        a: str,
        b: str,
        kind: str,
        quality: Quality,
        metric: int,
        *,
        what: str | None = None,
        back: Quality | None = None,
    ) -> None:
        """Link two nodes by interfaces ``<a>-<b>``, or ``<a>-<what>`` if given, and ``<b>-<a>``.

        ``quality`` is what ``a`` sends with, ``back`` what ``b`` does, if that is another.
        """
        names = {"intfName1": f"{a}-{what or b}", "intfName2": f"{b}-{a}"}
        qualities = {"quality": quality, "back": back or quality}
        self.addLink(a, b, kind=kind, metric=metric, **qualities, **names)
