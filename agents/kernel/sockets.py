"""The sockets of the agents: Mobility Header messages, and control packets on one link.

All are non-blocking: ``receive`` returns None when nothing waits.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import NamedTuple

from agents.kernel import socket_filter
from agents.wire.addresses import shared_address

_MOBILITY_HEADER = 135
_CHECKSUM_OFFSET = 4
_IPV6_CHECKSUM = 7
_ETH_P_ALL, _ETH_P_IPV6 = 0x0003, 0x86DD
_ARPHRD_ETHER = 1
_SIOCGIFHWADDR = 0x8927
_SOL_PACKET = 263
_PACKET_ADD_MEMBERSHIP = 1
_PACKET_MR_ALLMULTI = 2
_MAXIMUM_PACKET = 65575
_ANCILLARY = 256
_GROUP_HOPS = 64
_IPV6_HEADER = 40


PACKET_INFORMATION = struct.Struct("=16si")
"""struct in6_pktinfo: destination, index of the interface where the packet came in."""


_LOST = frozenset(
    (
        errno.ENOBUFS,
        errno.EAGAIN,
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.EHOSTUNREACH,
        errno.EMSGSIZE,
        errno.EPERM,
    )
)
"""A full queue, a mobile node between two links, a link that is down or has a smaller MTU, no way
to where the packet is to go (who is answered may have any address written as its own), and rules of
nftables that drop it."""


@contextlib.contextmanager
def losing() -> Iterator[None]:
    """A packet that is lost here, as it may be anywhere, is no error."""
    try:
        yield
    except OSError as error:
        if error.errno not in _LOST:
            raise


class Received(NamedTuple):
    """One message, and where it comes from."""

    message: bytes
    source: IPv6Address
    destination: IPv6Address
    interface: int
    """The index of the interface where it came in."""


class ProtocolSocket:
    """Packets of one protocol over IPv6, to and from one address of this node."""

    def __init__(self, local: IPv6Address, protocol: int) -> None:
        self.local = local
        self._socket = socket.socket(socket.AF_INET6, socket.SOCK_RAW, protocol)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        self._socket.bind((str(local), 0))

    def fileno(self) -> int:
        """The descriptor, readable when a message waits."""
        return self._socket.fileno()

    def send(self, message: bytes, destination: IPv6Address) -> None:
        """Send one message; where there is no way to the destination, it is lost."""
        with losing():
            self._socket.sendto(message, (str(destination), 0))

    def receive(self) -> Received | None:
        """The next message, and where it comes from."""
        try:
            message, ancillary, _, sender = self._socket.recvmsg(_MAXIMUM_PACKET, _ANCILLARY)
        except BlockingIOError:
            return None
        ((_, _, data),) = ancillary  # what IPV6_RECVPKTINFO asks for
        destination, interface = PACKET_INFORMATION.unpack(data)
        source = socket.inet_pton(socket.AF_INET6, sender[0].partition("%")[0])
        return Received(message, shared_address(source), shared_address(destination), interface)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


class MobilitySocket(ProtocolSocket):
    """Mobility Header messages (RFC 6275 section 6.1).

    With ``join`` it gets those to a multicast group as well, and sends to it on one interface. The
    kernel computes the checksum of what is sent and drops what comes with a wrong one.
    """

    def __init__(self, local: IPv6Address) -> None:
        super().__init__(local, _MOBILITY_HEADER)
        self._socket.setsockopt(socket.IPPROTO_IPV6, _IPV6_CHECKSUM, _CHECKSUM_OFFSET)

    def join(self, group: IPv6Address, interface: str) -> None:
        """Be a member of a group on an interface; what the node itself sends is not returned."""
        index = socket.if_nametoindex(interface)
        options = {
            socket.IPV6_JOIN_GROUP: group.packed + struct.pack("=I", index),
            socket.IPV6_MULTICAST_IF: struct.pack("=i", index),
            socket.IPV6_MULTICAST_HOPS: struct.pack("=i", _GROUP_HOPS),
            socket.IPV6_MULTICAST_LOOP: struct.pack("=i", 0),
        }
        for option, value in options.items():
            self._socket.setsockopt(socket.IPPROTO_IPV6, option, value)


@dataclass(frozen=True)
class Frame:
    """One IPv6 packet as it was on the link."""

    packet: bytes
    """From the IPv6 header on."""
    link_layer_source: bytes
    """Empty on tunnels."""
    outgoing: bool
    """This node sent it."""
    time: int
    """When it was read: monotonic ns."""
    for_another: bool = False
    """Whether it is for another host's link-layer address, and so not for this node's kernel."""


class LinkSocket:
    """Whole IPv6 packets on one link, past the routing and the neighbour cache of the kernel.

    It receives what ``program`` keeps, and what this node itself sends only with ``outgoing``.
    """

    def __init__(
        self,
        interface: str,
        program: socket_filter.Program = socket_filter.CONTROL,
        *,
        outgoing: bool = False,
    ) -> None:
        self.interface = interface
        index = socket.if_nametoindex(interface)
        self._ethernet = _is_ethernet(interface)
        # Tunnels have no header to leave out, and SOCK_DGRAM on ip6tnl wants a 16-byte address,
        # more than Python's sockaddr_ll has. Protocol 0 takes no packet before the filter stands.
        kind = socket.SOCK_DGRAM if self._ethernet else socket.SOCK_RAW
        self._socket = socket.socket(socket.AF_PACKET, kind, 0)
        self._socket.setblocking(False)
        socket_filter.attach(self._socket, program)
        membership = struct.pack("=iHH8x", index, _PACKET_MR_ALLMULTI, 0)
        self._socket.setsockopt(_SOL_PACKET, _PACKET_ADD_MEMBERSHIP, membership)
        # Only sockets for all protocols see what leaves; the others also spare the wake-ups.
        self._socket.bind((interface, _ETH_P_ALL if outgoing else _ETH_P_IPV6))

    def fileno(self) -> int:
        """The descriptor, readable when a packet waits."""
        return self._socket.fileno()

    def send(self, packet: bytes, link_layer_destination: bytes | None = None) -> None:
        """Send a packet as it is, to a link-layer address of choice.

        None stands for the one of the packet's multicast destination (RFC 2464 section 7).
        """
        address = b""
        if self._ethernet:
            address = link_layer_destination or _multicast_link_layer(packet)
        with losing():
            self._socket.sendto(packet, (self.interface, _ETH_P_IPV6, 0, 0, address))

    def receive(self) -> Frame | None:
        """The next packet that the filter kept."""
        while True:
            try:
                packet, sender = self._socket.recvfrom(_MAXIMUM_PACKET)
            except BlockingIOError:
                return None
            _, protocol, kind, _, address = sender
            if protocol == _ETH_P_IPV6:
                outgoing = kind == socket.PACKET_OUTGOING
                another = kind == socket.PACKET_OTHERHOST
                return Frame(packet, address, outgoing, time.monotonic_ns(), another)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def _is_ethernet(interface: str) -> bool:
    request = struct.pack("16s16x", interface.encode())
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as control:
        answer = fcntl.ioctl(control, _SIOCGIFHWADDR, request)
    return bool(struct.unpack_from("=H", answer, 16)[0] == _ARPHRD_ETHER)


def _multicast_link_layer(packet: bytes) -> bytes:
    """The Ethernet address 33:33:… of the packet's destination."""
    destination = packet[24:_IPV6_HEADER]
    if len(packet) < _IPV6_HEADER or destination[0] != 0xFF:
        raise ValueError("a unicast packet needs a link-layer destination")
    return b"\x33\x33" + destination[-4:]
