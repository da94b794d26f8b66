"""What programs send to groups, read many packets at once and sorted by source and group.

A *lane* has the packets of one source and group with one DSCP and ECN field. They stay where they
were read, behind room for what the overlay puts before them, and are changed there: no packet is
copied or taken apart. What is not plain data of a group that is carried is left to others.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from ipaddress import IPv6Address

from agents.kernel.island_interface import IslandInterface
from agents.kernel.virtual_interface import VirtualInterface
from agents.overlay.interface import ROOM
from agents.wire import ipv4, ipv6
from agents.wire.addresses import is_link_scope, shared_address

_PACKETS = 64
"""Read at most, before they go on."""
_LARGEST = 65535 + 14
_BUFFER = 4 * (ROOM + _LARGEST)
_CHANNELS = 4096
_V4 = struct.Struct("!BBH4xBB2x8s")
"""Version and header length, type of service, length, TTL, protocol, both addresses."""
_V6 = struct.Struct("!IHBB32s")
"""Version, traffic class and flow label, payload length, next header, hop limit, addresses."""
_V4_PLAIN = 0x45
_MAPPED = bytes(10) + b"\xff\xff"

Channel = tuple[IPv6Address, IPv6Address]
"""Source and group."""
_Key = tuple[int, bytes]
"""DSCP and ECN, both addresses."""


class Lanes:
    """Reads the interface.

    ``carried`` tells whether packets of a group leave the link; lanes are given to ``carry``, any
    other packet to ``other``, in the order in which they came.
    """

    def __init__(
        self,
        interface: VirtualInterface | IslandInterface,
        *,
        tap: bool,
        threshold: int,
        carried: Callable[[IPv6Address], bool],
        carry: Callable[[list[memoryview], IPv6Address, IPv6Address], None],
        other: Callable[[bytes], None],
    ) -> None:
        self._interface = interface
        self._before = 14 if tap else 0
        self._threshold, self._carried = threshold, carried
        self._carry, self._other = carry, other
        self._buffer = bytearray(_BUFFER)
        self._view = memoryview(self._buffer)
        self._channels: dict[bytes, Channel | None] = {}
        self._lanes: dict[_Key, list[memoryview]] = {}

    def read(self) -> None:
        """Read what waits, up to a limit."""
        offset = count = 0
        while count < _PACKETS and offset + ROOM + _LARGEST <= _BUFFER:
            start = offset + ROOM
            length = self._interface.read_into(self._view[start - self._before :]) - self._before
            if length <= 0:
                break
            count += 1
            key = self._key(start, length)
            if key is None:
                self._flush()
                self._other(bytes(self._view[start : start + length]))
                continue
            framed = self._view[offset : start + length]
            lane = self._lanes.get(key)
            if lane is None:
                self._lanes[key] = [framed]
            else:
                lane.append(framed)
            offset = start + length
        self._flush()

    def _flush(self) -> None:
        for (_, ends), framed in self._lanes.items():
            channel = self._channels[ends]
            assert channel is not None
            self._carry(framed, *channel)
        self._lanes.clear()

    def _key(self, start: int, length: int) -> _Key | None:
        """The lane of a packet, which has one hop less now; None: it goes by none."""
        if length < ipv4.HEADER_LENGTH:
            return None
        first, mark, total, hops, protocol, ends = _V4.unpack_from(self._buffer, start)
        if first == _V4_PLAIN:
            plain = total == length and protocol != ipv4.IGMP
        else:
            word, payload, protocol, hops, ends = _V6.unpack_from(self._buffer, start)
            mark = word >> 20 & 0xFF
            whole = word >> 28 == 6 and payload + ipv6.HEADER_LENGTH == length
            plain = whole and protocol not in (ipv6.HOP_BY_HOP, ipv6.ICMPV6)
        if not plain or hops <= self._threshold or self._channel(ends) is None:
            return None
        if first == _V4_PLAIN:
            ipv4.forward_in_place(self._buffer, start)
        else:
            self._buffer[start + ipv6.HOP_LIMIT] -= 1
        return mark, ends

    def _channel(self, ends: bytes) -> Channel | None:
        """Source and group of addresses as a packet has them; None: they need a closer look."""
        try:
            return self._channels[ends]
        except KeyError:
            pass
        if len(self._channels) >= _CHANNELS:
            self._flush()
            self._channels.clear()
        half = len(ends) // 2
        prefix = _MAPPED if half == 4 else b""
        source, group = (shared_address(prefix + part) for part in (ends[:half], ends[half:]))
        octet = ends[half]
        multicast = octet >> 4 == 0xE if half == 4 else octet == 0xFF
        plain = multicast and not is_link_scope(group) and self._carried(group)
        channel = self._channels[ends] = (source, group) if plain else None
        return channel
