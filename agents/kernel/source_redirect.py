"""Multicast data of some sources leaves by a device at once, past multicast routing.

A table of multicast routing has one incoming interface for each source and group. Where a source's
data must go one way and come back another, an eBPF program takes it from the link where it begins.
"""

from __future__ import annotations

import os
from ipaddress import IPv6Address, IPv6Network

from agents.kernel import bpf, tc
from agents.kernel.bpf import FRAME_POINTER, Assembler, Helper
from agents.kernel.bpf_header import (
    DESTINATION,
    NEXT_FILTER,
    SOURCE,
    VALUE,
    load_header,
    match_address,
    take_ipv6,
)
from agents.kernel.netlink import Netlink

_MULTICAST = 0xFF
_ON_LINK = tuple(flags | scope for flags in range(0, 256, 16) for scope in (1, 2))
"""The second octet of groups whose packets no router forwards (RFC 4291 section 2.7)."""


def redirection(prefix: IPv6Network, device: int) -> bytes:
    """The program; ``device`` is the index of the one by which the data leaves."""
    a = Assembler()
    take_ipv6(a, "not ours")
    load_header(a, "not ours")
    a.load_byte(VALUE, FRAME_POINTER, DESTINATION)
    a.jump_unless_equal(VALUE, _MULTICAST, "not ours")
    a.load_byte(VALUE, FRAME_POINTER, DESTINATION + 1)
    for second in _ON_LINK:
        a.jump_if_equal(VALUE, second, "not ours")
    match_address(a, SOURCE, IPv6Address(prefix.network_address), "not ours", prefix.prefixlen // 8)
    a.move_value(1, device)
    a.move_value(2, 0)
    a.call(Helper.REDIRECT)
    a.exit()
    a.label("not ours")
    a.exit(NEXT_FILTER)
    return a.assemble()


class SourceRedirect:
    """Sends what hosts of ``prefix`` say to groups on ``link`` out by ``device``, until it ends.

    The length of the prefix is a multiple of 32 bits. ``number`` is unique among those of the link.
    OSError where the kernel has no eBPF.
    """

    def __init__(self, prefix: IPv6Network, link: str, device: str, number: int) -> None:
        self._netlink = netlink = Netlink()
        self._link, self._number = netlink.index(link), number
        program = bpf.load(redirection(prefix, netlink.index(device)), "source")
        try:
            tc.add_clsact(netlink.rtnetlink, self._link)
            tc.attach(netlink.rtnetlink, self._link, tc.INGRESS, number, program, "source")
        finally:
            os.close(program)

    def close(self) -> None:
        """Leave the data to multicast routing."""
        tc.detach(self._netlink.rtnetlink, self._link, tc.INGRESS, self._number)
        self._netlink.close()
