"""UDP of an overlay's member: one datagram to many, marked as what it carries, and never lost to
its own size.

IPv4 datagrams may be fragmented on their way. Of IPv6 only the sender fragments, at the path MTU
that routers tell, or at one that is configured where they do not.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv6Address

from agents.wire.i3 import Endpoint, address_and_port, endpoint

_MAXIMUM_DATAGRAM = 65535
_BUFFER = 4 << 20
_ANCILLARY = 128
_IP_MTU_DISCOVER, _IPV6_MTU, _IPV6_MTU_DISCOVER = 10, 24, 23
_DONT = 0
_IP_RECVTOS = 13
_ECN = 0x03

Address = tuple[str, int]


class OverlaySocket:
    """Datagrams of one port, non-blocking, of both IPs; ``mtu`` None: as routers tell."""

    def __init__(self, port: int, mtu: int | None = None) -> None:
        self._socket = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        options = {
            (socket.IPPROTO_IPV6, socket.IPV6_V6ONLY): 0,
            (socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS): 1,
            (socket.IPPROTO_IP, _IP_RECVTOS): 1,
            (socket.IPPROTO_IP, _IP_MTU_DISCOVER): _DONT,
            (socket.SOL_SOCKET, socket.SO_RCVBUF): _BUFFER,
            (socket.SOL_SOCKET, socket.SO_SNDBUF): _BUFFER,
        }
        if mtu is not None:
            options[socket.IPPROTO_IPV6, _IPV6_MTU_DISCOVER] = _DONT
            options[socket.IPPROTO_IPV6, _IPV6_MTU] = mtu
        for (level, option), value in options.items():
            self._socket.setsockopt(level, option, value)
        self._socket.bind(("::", port))

    def fileno(self) -> int:
        """The descriptor, readable when a datagram waits."""
        return self._socket.fileno()

    def send(self, datagram: bytes, destinations: Iterable[Endpoint], traffic_class: int) -> int:
        """Send a datagram to each; to how many it could not be sent, or must not be."""
        unsent = 0
        for destination in destinations:
            address = _address(destination)
            try:
                if address is None:
                    unsent += 1
                elif traffic_class:
                    beside = _marks(destination, traffic_class)
                    self._socket.sendmsg((datagram,), beside, 0, address)
                else:
                    self._socket.sendto(datagram, address)
            except OSError:  # no route, a full queue, no address yet: as good as lost on the way
                unsent += 1
        return unsent

    def receive(self) -> tuple[bytes, Endpoint, int] | None:
        """The next datagram, who sent it, and its ECN field."""
        try:
            data, beside, _, sender = self._socket.recvmsg(_MAXIMUM_DATAGRAM, _ANCILLARY)
        except BlockingIOError:
            return None
        traffic_class = beside[0][2][0] if beside else 0
        return data, _endpoint(sender[0], sender[1]), traffic_class & _ECN

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


@lru_cache(maxsize=1 << 13)
def _address(destination: Endpoint) -> Address | None:
    """As the kernel has it; None: it may be a stranger's wish, and is no other host's."""
    address, port = address_and_port(destination)
    plain = address.ipv4_mapped or address
    local = plain.is_multicast or plain.is_unspecified or plain.is_link_local or plain.is_loopback
    return None if local or not port else (socket.inet_ntop(socket.AF_INET6, address.packed), port)


@lru_cache(maxsize=1 << 13)
def _endpoint(host: str, port: int) -> Endpoint:
    return endpoint(IPv6Address(host.partition("%")[0]), port)


@lru_cache(maxsize=1 << 13)
def _marks(destination: Endpoint, traffic_class: int) -> list[tuple[int, int, bytes]]:
    """What sendmsg has to be told for the DSCP and the ECN field of one datagram."""
    value = struct.pack("i", traffic_class)
    if address_and_port(destination)[0].ipv4_mapped is not None:
        return [(socket.IPPROTO_IP, socket.IP_TOS, value)]
    return [(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, value)]
