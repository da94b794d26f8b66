"""An Ethernet interface that the host has already: multicast frames of others on that link.

What the host itself sends there is not seen, and what is written is not received by it.
"""

from __future__ import annotations

import fcntl
import socket
import struct
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from pathlib import Path

from agents.kernel import socket_filter
from agents.wire import ipv4, ipv6

_ETH_P_ALL = 0x0003
_SOL_PACKET = 263
_PACKET_ADD_MEMBERSHIP, _PACKET_AUXDATA, _PACKET_IGNORE_OUTGOING = 1, 8, 23
_PACKET_MR_ALLMULTI = 2
_AUXDATA = struct.Struct("@IIIHHHH")
_CHECKSUM_NOT_READY = 0x08
_SIOCGIFADDR, _SIOCGIFNETMASK, _SIOCGIFHWADDR = 0x8915, 0x891B, 0x8927
_ETHERNET = 14
_IPV6_LOCAL_SCOPE = "20"
_GLOBAL_SCOPE = "00"
_UDP, _UDP_CHECKSUM = 17, 6

TO_GROUPS = (
    (0x30, 0, 0, 0),  # A = frame[0]
    (0x54, 0, 0, 1),  # A &= 1: the group bit
    (0x15, 1, 0, 0),  # none: drop
    (0x06, 0, 0, 0x40000),
    (0x06, 0, 0, 0),
)
"""Frames to more than one station."""


class IslandInterface:
    """Reads and writes are whole Ethernet frames. OSError: there is no such interface."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        try:
            socket_filter.attach(self._socket, TO_GROUPS)
            self._socket.setblocking(False)
            self._socket.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
            self._socket.setsockopt(_SOL_PACKET, _PACKET_AUXDATA, 1)
            index = socket.if_nametoindex(name)
            all_groups = struct.pack("iHH8s", index, _PACKET_MR_ALLMULTI, 0, b"")
            self._socket.setsockopt(_SOL_PACKET, _PACKET_ADD_MEMBERSHIP, all_groups)
            self._socket.bind((name, _ETH_P_ALL))
            self.mac: bytes = self._request(_SIOCGIFHWADDR)[18:24]
        except BaseException:
            self.close()
            raise

    def fileno(self) -> int:
        """The descriptor, readable when a frame waits."""
        return self._socket.fileno()

    def read_into(self, buffer: memoryview) -> int:
        """Read the next frame into a buffer, without padding; its length, 0: there is none."""
        try:
            length, beside, _, _ = self._socket.recvmsg_into(
                [buffer], socket.CMSG_SPACE(_AUXDATA.size)
            )
        except BlockingIOError:
            return 0
        except OSError:  # it went down; reading the error has cleared it
            return 0
        packet = buffer[_ETHERNET:length]
        padded = len(packet) - _padding(packet)
        status = _AUXDATA.unpack_from(beside[0][2])[0] if beside else 0
        if status & _CHECKSUM_NOT_READY:
            _complete(packet[:padded])
        return _ETHERNET + padded

    def write(self, frame: bytes | memoryview) -> bool:
        """Send a frame; False: the interface does not take it."""
        try:
            self._socket.send(frame)
        except OSError:  # down, a full queue, larger than its MTU
            return False
        return True

    def close(self) -> None:
        """Read and write no more; the interface stays as it was."""
        self._socket.close()

    def address_v4(self) -> IPv4Interface | None:
        """Its first address of IPv4, and the network there."""
        try:
            address, mask = (
                IPv4Address(self._request(request)[20:24])
                for request in (_SIOCGIFADDR, _SIOCGIFNETMASK)
            )
        except OSError:
            return None
        return IPv4Interface(f"{address}/{mask}")

    def link_local(self) -> IPv6Address | None:
        """Its link-local address of IPv6."""
        return next((one.ip for one in self._addresses_v6(_IPV6_LOCAL_SCOPE)), None)

    def addresses_v6(self) -> list[IPv6Interface]:
        """Its other addresses of IPv6, and the networks there."""
        return self._addresses_v6(_GLOBAL_SCOPE)

    def _addresses_v6(self, wanted: str) -> list[IPv6Interface]:
        lines = Path("/proc/thread-self/net/if_inet6").read_text(encoding="ascii").splitlines()
        entries = (line.split() for line in lines)
        return [
            IPv6Interface((bytes.fromhex(packed), int(length, 16)))
            for packed, _, length, scope, _, name in entries
            if scope == wanted and name == self.name
        ]

    def _request(self, number: int) -> bytes:
        """One of the requests that answer with a struct ifreq."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            request = struct.pack("16s24x", self.name.encode())
            return bytes(fcntl.ioctl(control, number, request))


def _padding(packet: memoryview) -> int:
    """How many octets at the end are there for Ethernet's smallest frame only."""
    if len(packet) >= ipv4.HEADER_LENGTH and packet[0] >> 4 == 4:
        total = int.from_bytes(packet[2:4], "big")
    elif len(packet) >= ipv6.HEADER_LENGTH and packet[0] >> 4 == 6:
        total = ipv6.HEADER_LENGTH + int.from_bytes(packet[4:6], "big")
    else:
        return 0
    return max(0, len(packet) - total)


def _complete(packet: memoryview) -> None:
    """Compute the UDP checksum that a sender on this machine has left to its hardware."""
    if packet[0] >> 4 == 4:
        at, protocol, ends = (packet[0] & 0xF) * 4, packet[9], bytes(packet[12:20])
    else:
        at, protocol, ends = ipv6.HEADER_LENGTH, packet[6], bytes(packet[8:40])
    if protocol != _UDP or len(packet) < at + 8:
        return
    packet[at + _UDP_CHECKSUM : at + _UDP_CHECKSUM + 2] = b"\0\0"
    body = bytes(packet[at:])
    pseudo = ends + struct.pack("!I3xB", len(body), _UDP)
    computed = ipv4.checksum(pseudo + body) or 0xFFFF
    packet[at + _UDP_CHECKSUM : at + _UDP_CHECKSUM + 2] = computed.to_bytes(2, "big")
