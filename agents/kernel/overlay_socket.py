"""UDP of an overlay's member: datagrams to many, marked as what they carry, and never lost to
their own size. Many of one length pass the kernel in one call each way (UDP_SEGMENT, UDP_GRO).

IPv4 datagrams may be fragmented on their way. Of IPv6 only the sender fragments, at the path MTU
that routers tell, or at one that is configured where they do not.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from ipaddress import IPv6Address

from agents.wire.i3 import Endpoint, address_and_port, endpoint

_MAXIMUM_DATAGRAM = 65535
_UDP_SEGMENT, _UDP_GRO = 103, 104
_SEGMENTS, _SEGMENTED = 64, 65_000
"""How many datagrams the kernel takes in one call, and how many octets."""
_NOT_AT_ONCE = (errno.EINVAL, errno.EMSGSIZE, errno.EIO)
"""What the kernel says of datagrams that are longer than the device or the path takes, or that it
has to fragment, and of devices that cannot do it."""
_SO_SNDBUFFORCE, _SO_RCVBUFFORCE = 32, 33
_BUFFER = 4 << 20
_ANCILLARY = 128
_IP_MTU_DISCOVER, _IPV6_MTU, _IPV6_MTU_DISCOVER = 10, 24, 23
_IPV6_DONTFRAG = 62
_DONT, _PROBE = 0, 3
_ANY = IPv6Address("::")
_IP_RECVTOS = 13
_ECN = 0x03

Address = tuple[str, int]


class OverlaySocket:
    """Datagrams of one port, non-blocking, of both IPs; ``mtu`` None: as routers tell.

    ``address``, mapped if it is one of IPv4: the only one that it has. ``whole``: nobody may
    fragment its datagrams, whatever routers tell. ``together``: datagrams may be joined on their
    way to it, which programs on the link would see as one, too.
    """

    def __init__(
        self,
        port: int,
        mtu: int | None = None,
        *,
        address: IPv6Address = _ANY,
        whole: bool = False,
        together: bool = True,
    ) -> None:
        self._socket = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        options = {
            (socket.IPPROTO_IPV6, socket.IPV6_V6ONLY): 0,
            (socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS): 1,
            (socket.IPPROTO_IP, _IP_RECVTOS): 1,
            (socket.IPPROTO_IP, _IP_MTU_DISCOVER): _DONT,
            (socket.SOL_SOCKET, _SO_RCVBUFFORCE): _BUFFER,
            (socket.SOL_SOCKET, _SO_SNDBUFFORCE): _BUFFER,
            (socket.SOL_UDP, _UDP_GRO): int(together),
        }
        if mtu is not None:
            options[socket.IPPROTO_IPV6, _IPV6_MTU_DISCOVER] = _DONT
            options[socket.IPPROTO_IPV6, _IPV6_MTU] = mtu
        if whole:
            options[socket.IPPROTO_IP, _IP_MTU_DISCOVER] = _PROBE
            options[socket.IPPROTO_IPV6, _IPV6_MTU_DISCOVER] = _PROBE
            options[socket.IPPROTO_IPV6, _IPV6_DONTFRAG] = 1
        for (level, option), value in options.items():
            self._socket.setsockopt(level, option, value)
        self._socket.bind((str(address), port))
        self._buffer = bytearray(_MAXIMUM_DATAGRAM)
        self._view = memoryview(self._buffer)

    def fileno(self) -> int:
        """The descriptor, readable when a datagram waits."""
        return self._socket.fileno()

    def send(
        self, datagram: bytes | memoryview, destinations: Iterable[Endpoint], traffic_class: int
    ) -> int:
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

    def send_run(
        self,
        datagrams: Sequence[bytes | memoryview],
        destinations: Sequence[Endpoint],
        traffic_class: int,
    ) -> int:
        """Send datagrams to each, those of one length at once; to how many they could not be."""
        unsent = 0
        for group, length in _of_one_length(datagrams):
            segmented = [(socket.SOL_UDP, _UDP_SEGMENT, struct.pack("H", length))]
            at_once = (b"".join(group),) if len(destinations) > 1 else group
            for destination in destinations:
                address = _address(destination)
                beside = _marks(destination, traffic_class) if traffic_class else []
                try:
                    if address is None or len(group) == 1:
                        unsent += self.send(group[0], (destination,), traffic_class) * len(group)
                    else:
                        self._socket.sendmsg(at_once, beside + segmented, 0, address)
                except OSError as error:
                    if error.errno not in _NOT_AT_ONCE:
                        unsent += len(group)
                        continue
                    for datagram in group:
                        unsent += self.send(datagram, (destination,), traffic_class)
        return unsent

    def receive(self) -> tuple[list[memoryview], Endpoint, int] | None:
        """The next datagrams, all from one sender; who sent them, and their ECN field.

        They are parts of a buffer, and gone with the next call.
        """
        try:
            length, beside, _, sender = self._socket.recvmsg_into((self._buffer,), _ANCILLARY)
        except BlockingIOError:
            return None
        traffic_class, size = 0, length
        for level, _, value in beside:
            if level == socket.SOL_UDP:
                (size,) = struct.unpack("i", value)
            else:
                traffic_class = value[0]
        view = self._view[:length]
        datagrams = [view[start : start + size] for start in range(0, length, size or 1)]
        return datagrams or [view], _endpoint(sender[0], sender[1]), traffic_class & _ECN

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def _of_one_length(
    datagrams: Sequence[bytes | memoryview],
) -> Iterator[tuple[Sequence[bytes | memoryview], int]]:
    """What the kernel takes at once, and the length: the last of a group may be shorter."""
    start = 0
    while start < len(datagrams):
        length = len(datagrams[start])
        limit = min(len(datagrams), start + max(1, min(_SEGMENTS, _SEGMENTED // length)))
        end = start + 1
        while end < limit and len(datagrams[end]) == length:
            end += 1
        if end < limit and len(datagrams[end]) < length:
            end += 1
        yield datagrams[start:end], length
        start = end


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
