"""The OpenFlow 1.3 messages that make a switch a set of access points.

An access point is a port with a MAR behind it. What a MAR sends to a mobile node's link-layer
address goes to that node if it is attached there; what it sends to a multicast or broadcast address
goes to a group of exactly the nodes attached there. What a mobile node sends goes to its MAR only.
Nothing else goes anywhere.

Nor does a Redirect get to a mobile node: links are point-to-point (RFC 5213 section 6.9.3). A
kernel sends one where a packet leaves by the link that it came by, and two nodes of a MAR would
then send to each other where nothing gets there.

With the source guard a mobile node sends from its own link-layer address only, and never as a
router (RFC 7039, RFC 6105). The flows that drop the rest count it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv6Network
from typing import Any

_POINT_TO_POINT, _REFUSING, PRIORITY, _REST = 30, 20, 10, 5
REASONS = {_REFUSING: "router", _REST: "link_layer"}
"""Why the source guard's flows drop, by their priority: speaking for a router, or as another."""
_IPV6, _ICMPV6 = 0x86DD, 58
_ROUTER_ADVERTISEMENT, _NEIGHBOUR_ADVERTISEMENT, _REDIRECT = 134, 136, 137
MULTICAST = ("01:00:00:00:00:00", "01:00:00:00:00:00")
"""Address and mask: the bit that multicast and broadcast addresses have set (IEEE 802, I/G)."""
ALL_BITS = 2**64 - 1


class Flows:
    """Makes messages for one switch (the framework's Datapath).

    ``routers`` are the prefixes of routers' addresses, for whom no mobile node may speak; None:
    there is no source guard.
    """

    def __init__(self, datapath: Any, routers: Sequence[IPv6Network] | None) -> None:
        self._datapath = datapath
        self._routers = routers
        self._ofproto = datapath.ofproto
        self._parser = datapath.ofproto_parser

    def access_point(self, port: int) -> list[Any]:
        """A new access point with nobody attached; its group has the number of its port."""
        group = self._parser.OFPGroupMod(
            self._datapath, self._ofproto.OFPGC_ADD, self._ofproto.OFPGT_ALL, port, []
        )
        match = self._parser.OFPMatch(in_port=port, eth_dst=MULTICAST)
        return [group, self._flow(0, match, self._parser.OFPActionGroup(port))]

    def members(self, port: int, attached: Iterable[int]) -> Any:
        """From now on the access point's multicast goes to these ports."""
        buckets = [
            self._parser.OFPBucket(actions=[self._parser.OFPActionOutput(member)])
            for member in sorted(attached)
        ]
        return self._parser.OFPGroupMod(
            self._datapath, self._ofproto.OFPGC_MODIFY, self._ofproto.OFPGT_ALL, port, buckets
        )

    def associate(self, port: int, link_layer_address: str, access_point: int) -> list[Any]:
        """Unicast between a mobile node and an access point."""
        redirect = self._parser.OFPMatch(
            in_port=access_point,
            eth_dst=link_layer_address,
            eth_type=_IPV6,
            ip_proto=_ICMPV6,
            icmpv6_type=_REDIRECT,
        )
        to_node = self._parser.OFPMatch(in_port=access_point, eth_dst=link_layer_address)
        own = {} if self._routers is None else {"eth_src": link_layer_address}
        from_node = self._parser.OFPMatch(in_port=port, **own)
        return [
            *self._guard(port),
            self._drop(port, redirect, _POINT_TO_POINT),
            self._flow(port, to_node, self._parser.OFPActionOutput(port)),
            self._flow(port, from_node, self._parser.OFPActionOutput(access_point)),
        ]

    def _guard(self, port: int) -> list[Any]:
        """Drop, and count, what a mobile node sends as a router or from another's address."""
        if self._routers is None:
            return []
        icmp = {"in_port": port, "eth_type": _IPV6, "ip_proto": _ICMPV6}
        refused: list[dict[str, Any]] = [
            {"icmpv6_type": kind} for kind in (_ROUTER_ADVERTISEMENT, _REDIRECT)
        ]
        for routers in self._routers:
            target = str(routers.network_address), str(routers.netmask)
            refused.append({"icmpv6_type": _NEIGHBOUR_ADVERTISEMENT, "ipv6_nd_target": target})
        matches = [self._parser.OFPMatch(**icmp, **kind) for kind in refused]
        flows = [self._drop(port, match, _REFUSING) for match in matches]
        return [*flows, self._drop(port, self._parser.OFPMatch(in_port=port), _REST)]

    def counts(self) -> Any:
        """How many packets each flow has taken."""
        return self._parser.OFPFlowStatsRequest(self._datapath)

    def dissociate(self, port: int) -> Any:
        """Remove the flows that ``associate`` made for the mobile node's port."""
        return self._parser.OFPFlowMod(
            self._datapath,
            cookie=port,
            cookie_mask=ALL_BITS,
            table_id=self._ofproto.OFPTT_ALL,
            command=self._ofproto.OFPFC_DELETE,
            out_port=self._ofproto.OFPP_ANY,
            out_group=self._ofproto.OFPG_ANY,
        )

    def carrier(self, port: Any, *, up: bool) -> Any:
        """Give the far end of a switch port carrier, or take it."""
        down = self._ofproto.OFPPC_PORT_DOWN
        return self._parser.OFPPortMod(
            self._datapath, port.port_no, port.hw_addr, config=0 if up else down, mask=down
        )

    def _drop(self, cookie: int, match: Any, priority: int) -> Any:
        """A flow to nowhere; when it goes, the switch says how much it has taken."""
        return self._parser.OFPFlowMod(
            self._datapath,
            cookie=cookie,
            priority=priority,
            match=match,
            flags=self._ofproto.OFPFF_SEND_FLOW_REM,
        )

    def _flow(self, cookie: int, match: Any, action: Any) -> Any:
        instructions = [
            self._parser.OFPInstructionActions(self._ofproto.OFPIT_APPLY_ACTIONS, [action])
        ]
        return self._parser.OFPFlowMod(
            self._datapath,
            cookie=cookie,
            priority=PRIORITY,
            match=match,
            instructions=instructions,
        )
