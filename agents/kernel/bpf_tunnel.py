"""An RFC 2473 tunnel of a TUN device and two eBPF programs in traffic control.

What leaves by the TUN gets an outer IPv6 header and goes to the underlay device; what comes in on
the underlay from the other end loses it and comes in again on the TUN.
"""

from __future__ import annotations

import fcntl
import os
import struct
from ipaddress import IPv6Address

from agents.kernel import bpf_calls, tc
from agents.kernel.bpf import FRAME_POINTER, Assembler, Helper
from agents.kernel.bpf_header import (
    DESTINATION,
    DROP,
    HEADER,
    IPV6_HEADER,
    LENGTH,
    NEXT_FILTER,
    NEXT_HEADER,
    SKB,
    SOURCE,
    VALUE,
    load_header,
    match_address,
    take_ipv6,
)
from agents.kernel.netlink import Netlink
from agents.kernel.tun_device import open_tun

HOP_LIMIT = 64
_IPV6_IN_IPV6 = 41
_ETHERNET_HEADER = 14
_VERSION = struct.pack("!I", 6 << 28)

_SKB_LENGTH = 0  # in struct __sk_buff

_ADJUST_ROOM_MAC = 1
_FIXED_GSO, _ENCAPSULATE_IPV6 = 1 << 0, 1 << 2
_REDIRECT_INGRESS = 1

_TUNSETOFFLOAD, _CHECKSUM = 0x400454D0, 0x01


def encapsulation(local: IPv6Address, remote: IPv6Address, underlay: int) -> bytes:
    """Program of the TUN's egress; ``underlay`` is the interface index of the underlay."""
    a = Assembler()
    take_ipv6(a, "drop")
    # The kernel notes only one level of encapsulation; a packet that came out of another tunnel
    # still has the mark of that, and is given its new header without one.
    a.load_word(VALUE, SKB, _SKB_LENGTH)
    for flags in (_FIXED_GSO | _ENCAPSULATE_IPV6, _FIXED_GSO):
        a.move(1, SKB)
        a.move_value(2, IPV6_HEADER)
        a.move_value(3, _ADJUST_ROOM_MAC)
        a.move_value(4, flags)
        a.call(Helper.SKB_ADJUST_ROOM)
        a.jump_if_equal(0, 0, "grown")
    a.jump("drop")
    a.label("grown")
    a.store_words(FRAME_POINTER, HEADER, _VERSION)
    a.store_words(FRAME_POINTER, LENGTH, bytes([0, 0, _IPV6_IN_IPV6, HOP_LIMIT]))
    a.to_network_order(VALUE)
    a.store_half(FRAME_POINTER, LENGTH, VALUE)
    a.store_words(FRAME_POINTER, SOURCE, local.packed)
    a.store_words(FRAME_POINTER, DESTINATION, remote.packed)
    a.move(1, SKB)
    a.move_value(2, 0)
    a.move(3, FRAME_POINTER)
    a.add_value(3, HEADER)
    a.move_value(4, IPV6_HEADER)
    a.move_value(5, 0)
    a.call(Helper.SKB_STORE_BYTES)
    a.jump_unless_equal(0, 0, "drop")
    # redirect_neigh drops packets that have no room for a link-layer header in front.
    a.move(1, SKB)
    a.move_value(2, _ETHERNET_HEADER)
    a.move_value(3, 0)
    a.call(Helper.SKB_CHANGE_HEAD)
    a.jump_unless_equal(0, 0, "drop")
    a.move_value(1, underlay)
    for argument in (2, 3, 4):
        a.move_value(argument, 0)
    a.call(Helper.REDIRECT_NEIGH)
    a.exit()
    a.label("drop")
    a.exit(DROP)
    return a.assemble()


def decapsulation(local: IPv6Address, remote: IPv6Address, tun: int) -> bytes:
    """Program of the underlay's ingress; ``tun`` is the interface index of the TUN."""
    a = Assembler()
    take_ipv6(a, "not ours")
    load_header(a, "not ours")
    a.load_byte(VALUE, FRAME_POINTER, NEXT_HEADER)
    a.jump_unless_equal(VALUE, _IPV6_IN_IPV6, "not ours")
    match_address(a, SOURCE, remote, "not ours")
    match_address(a, DESTINATION, local, "not ours")
    a.move(1, SKB)
    a.move_value(2, -IPV6_HEADER)
    a.move_value(3, _ADJUST_ROOM_MAC)
    a.move_value(4, _FIXED_GSO)
    a.call(Helper.SKB_ADJUST_ROOM)
    a.jump_unless_equal(0, 0, "drop")
    a.move_value(1, tun)
    a.move_value(2, _REDIRECT_INGRESS)
    a.call(Helper.REDIRECT)
    a.exit()
    a.label("drop")
    a.exit(DROP)
    a.label("not ours")
    a.exit(NEXT_FILTER)
    return a.assemble()


class BpfTunnel:
    """The device and the programs of one tunnel.

    Its filter on the underlay has the TUN's interface index as its handle: no two tunnels of a
    namespace can meet, and only this one filter goes at the end.
    """

    def __init__(
        self, netlink: Netlink, name: str, local: IPv6Address, remote: IPv6Address
    ) -> None:
        self._netlink = netlink
        self._local, self._remote = local, remote
        self._underlay = self._route()
        self._device = open_tun(name)
        try:
            # The underlay device computes checksums. Else the kernel loses track of where that of
            # many datagrams at once (UDP_SEGMENT) is when a header comes before it, and drops them.
            fcntl.ioctl(self._device, _TUNSETOFFLOAD, _CHECKSUM)
            self._index = netlink.index(name)
            self._attach(self._underlay)
        except BaseException:
            os.close(self._device)
            raise

    def reroute(self) -> None:
        """Let packets out by the underlay that the route takes now, and in there alone."""
        before, underlay = self._underlay, self._route()
        if underlay != before:
            self._attach(underlay, again=True)
            self._underlay = underlay
            tc.detach(self._netlink.rtnetlink, before, tc.INGRESS, self._index)

    def _route(self) -> int:
        return self._netlink.index(self._netlink.route_lookup(self._remote, self._local).device)

    def _attach(self, underlay: int, *, again: bool = False) -> None:
        rtnetlink = self._netlink.rtnetlink
        into = decapsulation(self._local, self._remote, self._index)
        out = encapsulation(self._local, self._remote, underlay)
        for index, direction, name, code, replaces in (
            (underlay, tc.INGRESS, "decap", into, False),
            (self._index, tc.EGRESS, "encap", out, again),
        ):
            program = bpf_calls.load(code, name)
            try:
                tc.add_clsact(rtnetlink, index)
                tc.attach(
                    rtnetlink, index, direction, self._index, program, name, replaces=replaces
                )
            finally:
                os.close(program)

    def close(self) -> None:
        """Take the filter off the underlay, and remove the device."""
        tc.detach(self._netlink.rtnetlink, self._underlay, tc.INGRESS, self._index)
        os.close(self._device)
