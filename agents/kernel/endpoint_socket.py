"""UDP of one port of this host, to and from any port of others."""

from __future__ import annotations

import socket
from ipaddress import IPv6Address

_MAXIMUM_DATAGRAM = 65535
_RECEIVE_BUFFER = 4 << 20
_ANY = IPv6Address("::")

Sender = tuple[IPv6Address, int]


class EndpointSocket:
    """Datagrams of one port, non-blocking. IPv4 addresses are mapped (RFC 4291 section 2.5.5.2)."""

    def __init__(self, port: int, local: IPv6Address = _ANY) -> None:
        self._among_loopback = local.is_loopback
        self._socket = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        self._socket.bind((_text(local), port))

    def fileno(self) -> int:
        """The descriptor, readable when a datagram waits."""
        return self._socket.fileno()

    def send(self, data: bytes, address: IPv6Address, port: int) -> bool:
        """Send a datagram; False if it cannot be sent, or must not be.

        Where it goes may be a stranger's wish: never to a group, nor to this machine itself, unless
        all of this is inside one machine.
        """
        plain = address.ipv4_mapped or address
        if plain.is_multicast or plain.is_unspecified or plain.is_link_local or not port:
            return False
        if plain.is_loopback and not self._among_loopback:
            return False
        try:
            self._socket.sendto(data, (_text(address), port))
        except OSError:  # no route, a full queue, no address yet: as good as lost on the way
            return False
        return True

    def receive(self) -> tuple[bytes, Sender] | None:
        """The next datagram and who sent it."""
        try:
            data, sender = self._socket.recvfrom(_MAXIMUM_DATAGRAM)
        except BlockingIOError:
            return None
        return data, (IPv6Address(sender[0].partition("%")[0]), sender[1])

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def _text(address: IPv6Address) -> str:
    """As the kernel writes it: Pythons differ in how they write a mapped address."""
    return socket.inet_ntop(socket.AF_INET6, address.packed)
