"""What comes for nodes that are not here yet, kept for them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from ipaddress import IPv6Address

from agents.wire.mld import AddressRecord, RecordType

_SOURCE, _GROUP, _HEADER = slice(8, 24), slice(24, 40), 40


class Buffer:
    """Packets in the order in which they came, ``maximum`` octets; a full one loses its oldest."""

    def __init__(self, maximum: int) -> None:
        self._maximum = maximum
        self._packets: deque[bytes] = deque()
        self._size = 0

    def put(self, packet: bytes) -> int:
        """Keep a packet; how many older ones were lost to make room."""
        self._packets.append(packet)
        self._size += len(packet)
        lost = 0
        while self._size > self._maximum:
            self._size -= len(self._packets.popleft())
            lost += 1
        return lost

    def take(self) -> list[bytes]:
        """All that was kept, which leaves the buffer empty."""
        packets, self._packets, self._size = list(self._packets), deque(), 0
        return packets


@dataclass
class _Waiting:
    records: tuple[AddressRecord, ...]
    buffer: Buffer


class Buffers:
    """One buffer of at most ``maximum`` octets a node; a full one loses its oldest packet.

    ``dropped`` counts these.
    """

    def __init__(self, maximum: int) -> None:
        self._maximum = maximum
        self._waiting: dict[str, _Waiting] = {}
        self.dropped = 0

    def open(self, identifier: str, records: tuple[AddressRecord, ...]) -> None:
        """From now on keep what a node listens to."""
        self._waiting[identifier] = _Waiting(records, Buffer(self._maximum))

    def put(self, packet: bytes) -> None:
        """An IPv6 packet came: keep it for each node that listens to it."""
        if len(packet) < _HEADER:
            return
        source, group = IPv6Address(packet[_SOURCE]), IPv6Address(packet[_GROUP])
        for waiting in self._waiting.values():
            if any(_accepts(record, source, group) for record in waiting.records):
                self.dropped += waiting.buffer.put(packet)

    def take(self, identifier: str) -> list[bytes]:
        """What was kept for a node, in the order in which it came."""
        return self._waiting[identifier].buffer.take()

    def close(self, identifier: str) -> None:
        """Keep nothing more for a node."""
        self._waiting.pop(identifier, None)


def _accepts(record: AddressRecord, source: IPv6Address, group: IPv6Address) -> bool:
    """Whether the filter of a context's record lets a packet pass (RFC 3810 section 5.2.12)."""
    including = record.type is RecordType.MODE_IS_INCLUDE
    return record.group == group and (source in record.sources) == including
