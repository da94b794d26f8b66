"""UDP over IPv6 at one address of this node, or on one link."""

from __future__ import annotations

import errno
import socket
from ipaddress import IPv6Address

from agents.kernel.sockets import PACKET_INFORMATION, Received

_MAXIMUM_DATAGRAM = 65535
_ANCILLARY = 256
_ANY = IPv6Address("::")
LOST = (
    errno.ENOBUFS,
    errno.EAGAIN,
    errno.ENETDOWN,
    errno.ENETUNREACH,
    errno.EHOSTUNREACH,
    errno.EADDRNOTAVAIL,
)
"""A full queue, a link that is down, or one whose addresses are tentative yet: a packet is lost."""


class UdpSocket:
    """Datagrams of one port, non-blocking.

    With an ``interface`` only that link's, and link-local addresses are on it.
    """

    def __init__(self, port: int, local: IPv6Address = _ANY, interface: str | None = None) -> None:
        self._port = port
        self.scope = socket.if_nametoindex(interface) if interface else 0
        """The index of the interface."""
        self._socket = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        if interface:
            self._socket.setsockopt(
                socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode() + b"\0"
            )
        self._socket.bind((str(local), port, 0, self.scope if local.is_link_local else 0))

    def fileno(self) -> int:
        """The descriptor, readable when a datagram waits."""
        return self._socket.fileno()

    def send(self, data: bytes, destination: IPv6Address) -> None:
        """Send a datagram to the same port of another node."""
        try:
            self._socket.sendto(data, (str(destination), self._port, 0, self.scope))
        except OSError as error:
            if error.errno not in LOST:
                raise

    def receive(self) -> Received | None:
        """The next datagram, and where it comes from."""
        try:
            data, ancillary, _, sender = self._socket.recvmsg(_MAXIMUM_DATAGRAM, _ANCILLARY)
        except BlockingIOError:
            return None
        ((_, _, information),) = ancillary  # what IPV6_RECVPKTINFO asks for
        destination, interface = PACKET_INFORMATION.unpack(information)
        source = IPv6Address(sender[0].partition("%")[0])
        return Received(data, source, IPv6Address(destination), interface)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
