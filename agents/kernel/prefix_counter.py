"""Whether packets of a prefix pass through this router: what a flow is to a router.

A packet socket counts what its filter lets through even if nobody reads it, so this costs no copy
and no wake-up, and needs neither netfilter nor connection tracking, on any kernel.
"""

from __future__ import annotations

import socket
import struct
from ipaddress import IPv6Network

from agents.kernel import socket_filter

_ETH_P_ALL = 0x0003
_SOL_PACKET = 263
_PACKET_STATISTICS = 6
_STATISTICS = struct.Struct("=II")
_LOAD_WORD, _LOAD_BYTE, _AND = 0x20, 0x30, 0x54
_EQUAL, _AT_LEAST, _GREATER = 0x15, 0x35, 0x25
_RETURN = 0x06
_SOURCE, _DESTINATION, _ICMPV6_TYPE = 8, 24, 40
_NEXT_HEADER, _ICMPV6 = 6, 58
_ROUTER_SOLICITATION, _REDIRECT = 133, 137


class PrefixCounter:
    """Counts packets from or to a prefix, on every interface, without Neighbor Discovery.

    Inside a tunnel a packet is counted where it enters and where it leaves.
    """

    def __init__(self, prefix: IPv6Network) -> None:
        every = socket.htons(_ETH_P_ALL)
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, every)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 0)  # the least there is
        socket_filter.attach(self._socket, _program(prefix))
        self.packets()  # what came before the filter

    def packets(self) -> int:
        """How many there were since the last call; at least one if there was any."""
        data = self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, _STATISTICS.size)
        seen, _dropped = _STATISTICS.unpack(data)
        return int(seen)

    def close(self) -> None:
        """Count no more; this takes the kernel tens of milliseconds."""
        self._socket.close()


def _program(prefix: IPv6Network) -> socket_filter.Program:
    """Keep nothing of Neighbor Discovery, else one byte of what is from or to the prefix."""
    source, destination = (_comparison(prefix, offset) for offset in (_SOURCE, _DESTINATION))
    # Each comparison ends with "go on if equal"; a mismatch leads behind it.
    keep = ((_RETURN, 0, 0, 1),)
    head = (
        (_LOAD_BYTE, 0, 0, 0),
        (_AND, 0, 0, 0xF0),
        (_EQUAL, 1, 0, 0x60),
        (_RETURN, 0, 0, 0),
        (_LOAD_BYTE, 0, 0, _NEXT_HEADER),
        (_EQUAL, 0, 4, _ICMPV6),
        (_LOAD_BYTE, 0, 0, _ICMPV6_TYPE),
        (_AT_LEAST, 0, 2, _ROUTER_SOLICITATION),
        (_GREATER, 1, 0, _REDIRECT),
        (_RETURN, 0, 0, 0),
    )
    return (*head, *source, *keep, *destination, *keep, (_RETURN, 0, 0, 0))


def _comparison(prefix: IPv6Network, offset: int) -> socket_filter.Program:
    """Skip the instruction behind unless the prefix is at this offset."""
    program: list[tuple[int, int, int, int]] = []
    masks = struct.unpack("!4I", prefix.netmask.packed)
    words = struct.unpack("!4I", prefix.network_address.packed)
    compared = [(i, w, m) for i, (w, m) in enumerate(zip(words, masks, strict=True)) if m]
    for place, (index, word, mask) in enumerate(compared):
        left = 3 * (len(compared) - place - 1) + 1
        program += [
            (_LOAD_WORD, 0, 0, offset + 4 * index),
            (_AND, 0, 0, mask),
            (_EQUAL, 0, left, word),
        ]
    return tuple(program)
