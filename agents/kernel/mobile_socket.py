"""Packets with Mobile IPv6's extension headers, which most kernels do nothing with.

A kernel without MIP6 answers a Home Address option or a type 2 routing header with an ICMPv6
Parameter Problem, one with it drops them silently. So they are read where they come in, before the
kernel's own processing, and (with eBPF) kept from that.
"""

from __future__ import annotations

import os
import socket
from ipaddress import IPv6Address

from agents.kernel import bpf_calls, socket_filter, tc
from agents.kernel.bpf import FRAME_POINTER, Assembler
from agents.kernel.bpf_header import (
    DESTINATION,
    DROP,
    NEXT_FILTER,
    NEXT_HEADER,
    VALUE,
    load_header,
    match_address,
    take_ipv6,
)
from agents.kernel.netlink import Netlink
from agents.kernel.sockets import losing

_ETH_P_ALL, _ETH_P_IPV6 = 0x0003, 0x86DD
_ROUTING, _DESTINATION_OPTIONS = 43, 60
_IPV6_HEADER = 40
_MAXIMUM_PACKET = 65575
MARK = 0x6275
"""Of the sockets that send (SO_MARK), so that rules of routing can tell their packets."""
_PACKET_PROTOCOL, _PACKET_TYPE = 0xFFFFF000, 0xFFFFF004  # what the kernel knows beside the octets
_FILTER = (
    (0x28, 0, 0, _PACKET_PROTOCOL),  # 0
    (0x15, 0, 6, _ETH_P_IPV6),  # 1
    (0x28, 0, 0, _PACKET_TYPE),  # 2
    (0x15, 0, 4, socket.PACKET_HOST),  # 3
    (0x30, 0, 0, 6),  # 4: the next header
    (0x15, 1, 0, _ROUTING),  # 5
    (0x15, 0, 1, _DESTINATION_OPTIONS),  # 6
    (0x06, 0, 0, 0xFFFF),  # 7: keep
    (0x06, 0, 0, 0),  # 8
)
"""Opcodes as in ``socket_filter``: 0x28 loads two octets, 0x30 one; 0x15 compares; 0x06 returns."""


class MobileSocket:
    """Sends any IPv6 packet; receives, of all links, those with a routing header or options.

    What it receives may also be for others. Non-blocking.
    """

    def __init__(self) -> None:
        # Sockets for all protocols have their copy before the programs of ``keep_from_kernel`` run.
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_ALL))
        self._socket.setblocking(False)
        socket_filter.attach(self._socket, _FILTER)
        self._senders: dict[IPv6Address, socket.socket] = {}

    def fileno(self) -> int:
        """The descriptor, readable when a packet waits."""
        return self._socket.fileno()

    def receive(self) -> bytes | None:
        """The next packet that came to this node's link-layer address, from the IPv6 header on."""
        try:
            return self._socket.recv(_MAXIMUM_PACKET)
        except BlockingIOError:
            return None

    def send(self, packet: bytes) -> None:
        """Send a packet as it is; the routes for its source address apply."""
        source = IPv6Address(packet[8:24])
        destination = str(IPv6Address(packet[24:_IPV6_HEADER]))
        with losing():
            self._sender(source).sendto(packet, (destination, 0))

    def _sender(self, source: IPv6Address) -> socket.socket:
        if source not in self._senders:
            sender = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
            sender.setblocking(False)
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, MARK)
            sender.bind((str(source), 0))
            self._senders[source] = sender
        return self._senders[source]

    def close(self) -> None:
        """Close the sockets."""
        for sender in self._senders.values():
            sender.close()
        self._socket.close()


def keep_from_kernel(interface: str, destination: IPv6Address | None) -> None:
    """Keep what a ``MobileSocket`` receives on a link from the kernel, as long as the link is.

    With a destination only what is for that address; a router forwards the rest.
    """
    with Netlink() as netlink:
        index = netlink.index(interface)
        program = bpf_calls.load(_dropping(destination), "mobile")
        try:
            tc.add_clsact(netlink.rtnetlink, index)
            tc.attach(netlink.rtnetlink, index, tc.INGRESS, index, program, "mobile")
        finally:
            os.close(program)


def _dropping(destination: IPv6Address | None) -> bytes:
    """The program that drops them."""
    a = Assembler()
    take_ipv6(a, "not ours")
    load_header(a, "not ours")
    if destination is not None:
        match_address(a, DESTINATION, destination, "not ours")
    a.load_byte(VALUE, FRAME_POINTER, NEXT_HEADER)
    a.jump_if_equal(VALUE, _ROUTING, "ours")
    a.jump_unless_equal(VALUE, _DESTINATION_OPTIONS, "not ours")
    a.label("ours")
    a.exit(DROP)
    a.label("not ours")
    a.exit(NEXT_FILTER)
    return a.assemble()
