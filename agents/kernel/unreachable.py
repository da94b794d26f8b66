"""Which endpoints datagrams of a UDP port did not reach, as ICMP tells (RFC 792, RFC 4443)."""

from __future__ import annotations

import socket
import struct
from ipaddress import IPv4Address

from agents.wire.addresses import mapped, shared_address
from agents.wire.i3 import Endpoint, endpoint

_SOL_RAW, _ICMP_FILTER, _ICMPV6_FILTER = 255, 1, 1
_V4_UNREACHABLE, _TOO_BIG = 3, 4
_V6_UNREACHABLE = 1
_UDP = 17
_HEADER = 8
"""Of ICMP, before the packet that it quotes."""
_LONGEST = 2048
_ALL = (1 << 32) - 1
"""Types that a filter keeps away."""
_PORTS = struct.Struct("!HH")


class Unreachables:
    """Reads Destination Unreachable about datagrams from ``port``; OSError: we may not."""

    def __init__(self, port: int) -> None:
        self._port = port
        v4 = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        v4.setsockopt(_SOL_RAW, _ICMP_FILTER, struct.pack("=I", _ALL & ~(1 << _V4_UNREACHABLE)))
        v6 = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        blocked = struct.pack("=8I", _ALL & ~(1 << _V6_UNREACHABLE), *[_ALL] * 7)
        v6.setsockopt(socket.IPPROTO_ICMPV6, _ICMPV6_FILTER, blocked)
        self.sockets = v4, v6
        for each in self.sockets:
            each.setblocking(False)

    def receive(self, source: socket.socket) -> tuple[bool, Endpoint | None]:
        """Whether a message came, and which endpoint it is about; None: it is not about us."""
        try:
            message = source.recv(_LONGEST)
        except BlockingIOError:
            return False, None
        return True, self._of_v4(message) if source is self.sockets[0] else self._of_v6(message)

    def _of_v4(self, packet: bytes) -> Endpoint | None:
        icmp = packet[4 * (packet[0] & 0x0F) :]
        quoted = icmp[_HEADER:]
        if len(quoted) < 20 or icmp[1] == _TOO_BIG or quoted[9] != _UDP:
            return None
        start = 4 * (quoted[0] & 0x0F)
        return self._about(quoted[start : start + 4], mapped(IPv4Address(quoted[16:20])).packed)

    def _of_v6(self, icmp: bytes) -> Endpoint | None:
        quoted = icmp[_HEADER:]
        if len(quoted) < 40 or quoted[6] != _UDP:
            return None
        return self._about(quoted[40:44], quoted[24:40])

    def _about(self, ports: bytes, destination: bytes) -> Endpoint | None:
        if len(ports) < _PORTS.size:
            return None
        ours, theirs = _PORTS.unpack(ports)
        return endpoint(shared_address(destination), theirs) if ours == self._port else None
