"""A channel's data leaves by a device at once, past multicast routing.

A table of multicast routing has one incoming interface for each source and group. Where a source's
data must go one way and come back another, an eBPF program takes it from the link where it begins.
"""

from __future__ import annotations

import os
from ipaddress import IPv6Address

from agents.kernel import bpf_calls, tc
from agents.kernel.bpf import Assembler, Helper
from agents.kernel.bpf_header import (
    DESTINATION,
    NEXT_FILTER,
    SOURCE,
    load_header,
    match_address,
    match_sender,
    take_ipv6,
)
from agents.kernel.netlink import Netlink


def redirection(
    source: IPv6Address, group: IPv6Address, device: int, sender: bytes | None
) -> bytes:
    """The program; ``device`` is the index of the one by which the data leaves."""
    a = Assembler()
    take_ipv6(a, "not ours")
    load_header(a, "not ours")
    match_address(a, DESTINATION, group, "not ours")
    match_address(a, SOURCE, source, "not ours")
    if sender is not None:
        match_sender(a, sender, group, "not ours")
    a.move_value(1, device)
    a.move_value(2, 0)
    a.call(Helper.REDIRECT)
    a.exit()
    a.label("not ours")
    a.exit(NEXT_FILTER)
    return a.assemble()


class SourceRedirect:
    """Sends what ``source`` says to a group on ``link`` out by ``device``, until it ends.

    ``number`` is unique among those of the link. If a ``sender`` is named it is from this
    link-layer address only: the program comes before the rules of nftables that watch over sources.
    OSError where the kernel has no eBPF.
    """

    def __init__(
        self,
        source: IPv6Address,
        group: IPv6Address,
        link: str,
        device: str,
        number: int,
        sender: bytes | None = None,
    ) -> None:
        self._netlink = netlink = Netlink()
        self._link, self._number = netlink.index(link), number
        code = redirection(source, group, netlink.index(device), sender)
        program = bpf_calls.load(code, "source")
        try:
            tc.add_clsact(netlink.rtnetlink, self._link)
            tc.attach(netlink.rtnetlink, self._link, tc.INGRESS, number, program, "source")
        finally:
            os.close(program)

    def close(self) -> None:
        """Leave the data to multicast routing."""
        tc.detach(self._netlink.rtnetlink, self._link, tc.INGRESS, self._number)
        self._netlink.close()
