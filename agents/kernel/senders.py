"""Who sends packets to an address of this node: a sample, which costs the same at any rate."""

from __future__ import annotations

import socket
from ipaddress import IPv6Address

from agents.kernel import socket_filter

_ETH_P_IPV6 = 0x86DD
_DESTINATION = 24
_ICMPV6, _MOBILITY, _ERRORS = 58, 135, 128
_KEPT = 41
"""Octets of each packet: the IPv6 header, and the type of an ICMPv6 message."""

_LOAD_WORD, _JUMP_EQUAL, _RETURN = 0x20, 0x15, 0x06
_PACKET_TYPE = 0xFFFFF004  # what the kernel knows beside the octets


class Senders:
    """The sources of users' packets that came for one address, by whatever link.

    A few packets wait in a queue until they are looked at; there is no room for those behind them.
    """

    def __init__(self, address: IPv6Address) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_IPV6))
        self._socket.setblocking(False)
        socket_filter.attach(self._socket, _filter(address))

    def look(self) -> set[IPv6Address]:
        """Those of the packets that wait; the queue is empty then."""
        found = set[IPv6Address]()
        while (header := self._next()) is not None:
            protocol = header[6]
            error = protocol == _ICMPV6 and header[_KEPT - 1] < _ERRORS
            if len(header) == _KEPT and not error and protocol != _MOBILITY:
                found.add(IPv6Address(header[8:_DESTINATION]))
        return found

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _next(self) -> bytes | None:
        try:
            return self._socket.recv(_KEPT)
        except BlockingIOError:
            return None


def _filter(address: IPv6Address) -> socket_filter.Program:
    """Keep what comes in with this destination."""
    words = [int.from_bytes(address.packed[at : at + 4], "big") for at in range(0, 16, 4)]
    tests = [(_PACKET_TYPE, socket.PACKET_HOST)]
    tests += [(_DESTINATION + 4 * step, word) for step, word in enumerate(words)]
    program: list[tuple[int, int, int, int]] = []
    for left, (offset, value) in zip(range(len(tests) - 1, -1, -1), tests, strict=True):
        to_the_end = 2 * left + 1
        program += [(_LOAD_WORD, 0, 0, offset), (_JUMP_EQUAL, 0, to_the_end, value)]
    return (*program, (_RETURN, 0, 0, _KEPT), (_RETURN, 0, 0, 0))
