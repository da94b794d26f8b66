"""The packets to groups that pass an interface, of IPv4 and IPv6, whole as they are on the link."""

from __future__ import annotations

import socket
import struct

from agents.kernel import socket_filter
from agents.wire import ipv4, ipv6

_ETH_P_ALL, _PROTOCOLS = 0x0003, (0x0800, 0x86DD)
_SOL_PACKET, _PACKET_AUXDATA = 263, 8
_AUXDATA = struct.Struct("=I16x")
_CHECKSUM_NOT_READY = 0x08
_BUFFER = 4 << 20
_MAXIMUM_PACKET = 65536
_UDP, _UDP_CHECKSUM = 17, 6


class GroupSocket:
    """Reads packets to groups there, those that this host sends itself, too; non-blocking."""

    def __init__(self, interface: str) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        self._socket.setsockopt(_SOL_PACKET, _PACKET_AUXDATA, 1)
        socket_filter.attach(self._socket, socket_filter.GROUPS)
        self._socket.bind((interface, _ETH_P_ALL))

    def fileno(self) -> int:
        """The descriptor, readable when a packet waits."""
        return self._socket.fileno()

    def read(self) -> bytes | None:
        """The next packet; None: there is none."""
        while True:
            try:
                packet, beside, _, sender = self._socket.recvmsg(_MAXIMUM_PACKET, 64)
            except BlockingIOError:
                return None
            if sender[1] not in _PROTOCOLS:
                continue
            status = _AUXDATA.unpack(beside[0][2])[0] if beside else 0
            return _completed(packet) if status & _CHECKSUM_NOT_READY else packet

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def _completed(packet: bytes) -> bytes:
    """A UDP datagram whose checksum was left to the network card, which it has not reached."""
    if packet[0] >> 4 == 4:
        start, protocol = 4 * (packet[0] & 0x0F), packet[9]
        ends = packet[12:20]
    else:
        start, protocol = ipv6.HEADER_LENGTH, packet[6]
        ends = packet[8:40]
    if protocol != _UDP or len(packet) < start + 8:
        return packet
    length = int.from_bytes(packet[start + 4 : start + 6], "big")
    field = start + _UDP_CHECKSUM
    datagram = packet[start:field] + b"\0\0" + packet[field + 2 : start + length]
    pseudo = ends + struct.pack("!II", length, protocol)
    checksum = ipv4.checksum(pseudo + datagram) or 0xFFFF
    return packet[:field] + checksum.to_bytes(2, "big") + packet[field + 2 :]
