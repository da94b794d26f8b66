"""What every topology has in common.

Nodes carry the attribute ``role``. Links carry ``kind``, ``quality`` (``back``: that of the other
direction; ``toward``: that to some hosts) and ``metric`` (routes follow the cheapest path, as with
OSPF costs). Mininet ignores what it does not know, so these classes also work with the ``mn``
command.
"""

from __future__ import annotations

from collections.abc import Mapping

from mininet.topo import Topo

from topologies.parameters import Centre, EndNode, Parameters, Quality

RADIO = "radio"
"""The switch of all access points; a topology without mobile nodes has it, without any port."""
NAME_LENGTH = 9
"""Characters in a node's name, so that ``radio-<node>`` fits the 15 of an interface's."""

PLAIN = Quality()


class Base(Topo):  # type: ignore[misc]
    """Nodes and links that carry what addressing, routing and shaping need to know."""

    def build(
        self, parameters: Parameters | None = None, nodes: Mapping[str, EndNode] | None = None
    ) -> None:
        """Called by Mininet with the arguments of the constructor."""
        self.addSwitch(RADIO, role="radio", dpid="1")
        self.lay_out(parameters or Parameters(), nodes or {})

    def lay_out(self, parameters: Parameters, nodes: Mapping[str, EndNode]) -> None:
        """Add all nodes and links besides the radio."""
        raise NotImplementedError

    def node(self, name: str, role: str, centre: Centre | None = None) -> None:
        """Add a host or router, which may be a centre; Mininet gives it no IPv4 address."""
        if len(name) > NAME_LENGTH:
            raise ValueError(f"node name {name!r} is longer than {NAME_LENGTH} characters")
        self.addHost(name, role=role, centre=centre, ip=None)

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
        toward: Mapping[str, Quality] | None = None,
    ) -> None:
        """Link two nodes by interfaces ``<a>-<b>``, or ``<a>-<what>`` if given, and ``<b>-<a>``.

        ``quality`` is what ``a`` sends with, ``back`` what ``b`` does, if that is another.
        ``toward`` has the quality of what ``a`` sends to hosts for which it is another one.
        """
        names = {"intfName1": f"{a}-{what or b}", "intfName2": f"{b}-{a}"}
        qualities = {"quality": quality, "back": back or quality, "toward": toward or {}}
        self.addLink(a, b, kind=kind, metric=metric, **qualities, **names)
