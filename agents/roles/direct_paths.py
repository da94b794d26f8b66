"""Packets between a mobile node and a correspondent that do not pass the home agent.

Linux without MIP6 can neither add nor remove the extension headers of these packets. So what goes
to the other end is routed to a TUN device, of which the agent reads it; and what came from there
comes in by the device as if it had never had the headers. Messages of the agent's have a mark and
take the other routes, as home tests have to.
"""

from __future__ import annotations

import os
from ipaddress import IPv6Address, IPv6Network

from agents.kernel import tunnel
from agents.kernel.netlink import Netlink
from agents.kernel.tun_device import open_tun
from agents.roles.daemon import BUDGET, Daemon
from agents.roles.hook import Hook
from agents.wire import ipv6, mobile_packet
from agents.wire.errors import MalformedPacket
from agents.wire.mobile_packet import EXTENSION_SIZE, MobilePacket

_NAME = "direct"
_MTU = tunnel.MTU - EXTENSION_SIZE
"""A care-of address, too, may be at the far end of a tunnel: of a DAR's, or a foreign domain's."""
_ALL = IPv6Network("::/0")
_TABLE = 0x30000
_PRIORITY = 950
"""Behind the rule that has packets from a care-of address take the main table."""
_MAXIMUM_PACKET = 65575


class DirectPaths:
    """The device, and the rules for the other ends."""

    def __init__(self, daemon: Daemon, source: IPv6Address | None = None) -> None:
        """``source`` is the address that packets have unless their socket says otherwise."""
        self.on_packet: Hook[MobilePacket] = Hook()
        """Gets what leaves by them."""
        self._daemon = daemon
        self._source = source
        self._device = open_tun(_NAME)
        os.set_blocking(self._device, False)
        self._netlink = Netlink()
        self._netlink.set_mtu(_NAME, _MTU)
        self._netlink.disable_address_generation(_NAME)
        self._netlink.up(_NAME)
        self._netlink.route_replace(_ALL, oif=_NAME, source=source, table=_TABLE)
        daemon.watch(self._device, self._read)

    def add(self, peer: IPv6Address, own: IPv6Address | None = None) -> None:
        """Send what goes to this address directly, if it is from an address of the node's own."""
        # A rule, as connected sockets would not notice a new route in another table.
        self._netlink.rule_add_unmarked(peer, self._from(own), table=_TABLE, priority=_PRIORITY)
        self._daemon.log.write("direct_path", peer=peer, used=True)

    def remove(self, peer: IPv6Address, own: IPv6Address | None = None) -> None:
        """Send it as anything else."""
        self._netlink.rule_delete_unmarked(peer, self._from(own), table=_TABLE, priority=_PRIORITY)
        self._daemon.log.write("direct_path", peer=peer, used=False)

    def _from(self, own: IPv6Address | None) -> IPv6Address | None:
        """The source to ask for: none, if packets get that one by this very route."""
        return None if own == self._source else own

    def deliver(self, packet: MobilePacket) -> None:
        """Give the kernel a packet as upper layers are to see it."""
        bare = MobilePacket(
            packet.sender,
            packet.receiver,
            packet.next_header,
            packet.payload,
            hop_limit=packet.hop_limit,
        )
        os.write(self._device, mobile_packet.encode(bare))

    def close(self) -> None:
        """Remove the device, and with it its route, and the rules."""
        os.close(self._device)
        self._netlink.rules_delete(_PRIORITY)
        self._netlink.close()

    def _read(self) -> None:
        for _ in range(BUDGET):
            try:
                data = os.read(self._device, _MAXIMUM_PACKET)
            except BlockingIOError:
                return
            try:
                read = ipv6.parse(data, skip=())
            except MalformedPacket:
                self._daemon.count_malformed()
                continue
            self.on_packet(
                MobilePacket(
                    read.source,
                    read.destination,
                    read.next_header,
                    read.payload,
                    hop_limit=read.hop_limit,
                )
            )
