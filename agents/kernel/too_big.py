"""ICMP for a packet that was too long to go on: Fragmentation Needed, or Packet Too Big.

RFC 792 and RFC 1191 section 4; RFC 4443 section 3.2.
"""

from __future__ import annotations

import contextlib
import socket
import struct

from agents.kernel import socket_filter
from agents.wire import ipv4

_UNREACHABLE, _FRAGMENTATION_NEEDED = 3, 4
_PACKET_TOO_BIG = 2
_V4_QUOTED = 8  # octets behind the header
_V6_QUOTED = 1280 - 40 - 8


class TooBig:
    """Tells sources; OSError: we may not."""

    def __init__(self) -> None:
        self._v4 = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        self._v6 = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        for each in (self._v4, self._v6):
            each.setblocking(False)
            socket_filter.attach(each, socket_filter.NOTHING)

    def tell(self, packet: bytes, mtu: int) -> None:
        """Tell the source of a packet how long its packets may be."""
        with contextlib.suppress(OSError):  # no way to it: as good as lost
            if packet[0] >> 4 == 4:
                quoted = packet[: 4 * (packet[0] & 0x0F) + _V4_QUOTED]
                octets = _message(_UNREACHABLE, _FRAGMENTATION_NEEDED, mtu, quoted)
                checked = octets[:2] + ipv4.checksum(octets).to_bytes(2, "big") + octets[4:]
                self._v4.sendto(checked, (socket.inet_ntop(socket.AF_INET, packet[12:16]), 0))
            else:  # the kernel adds the checksum
                octets = _message(_PACKET_TOO_BIG, 0, mtu, packet[:_V6_QUOTED])
                self._v6.sendto(octets, (socket.inet_ntop(socket.AF_INET6, packet[8:24]), 0))

    def close(self) -> None:
        """Close the sockets."""
        self._v4.close()
        self._v6.close()


def _message(kind: int, code: int, mtu: int, quoted: bytes) -> bytes:
    """Type, code, no checksum, the MTU in the last of its words, and of which packet it is."""
    return struct.pack("!BBHI", kind, code, 0, mtu) + quoted
