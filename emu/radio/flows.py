"""The OpenFlow 1.3 messages that make a switch a set of access points.

An access point is a port with a MAR behind it. What a MAR sends to a mobile node's link-layer
address goes to that node if it is attached there; what it sends to a multicast or broadcast address
goes to a group of exactly the nodes attached there. What a mobile node sends goes to its MAR only.
Nothing else goes anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

PRIORITY = 10
MULTICAST = ("01:00:00:00:00:00", "01:00:00:00:00:00")
"""Address and mask: the bit that multicast and broadcast addresses have set (IEEE 802, I/G)."""
ALL_BITS = 2**64 - 1


class Flows:
    """Makes messages for one switch (the framework's Datapath)."""

    def __init__(self, datapath: Any) -> None:
        self._datapath = datapath
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
        to_node = self._parser.OFPMatch(in_port=access_point, eth_dst=link_layer_address)
        from_node = self._parser.OFPMatch(in_port=port)
        return [
            self._flow(port, to_node, self._parser.OFPActionOutput(port)),
            self._flow(port, from_node, self._parser.OFPActionOutput(access_point)),
        ]

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
