"""What comes for nodes that are not here yet, kept for them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from ipaddress import IPv6Address

from agents.wire.mld import AddressRecord, RecordType

_SOURCE, _GROUP, _HEADER = slice(8, 24), slice(24, 40), 40


@dataclass
class _Waiting:
    records: tuple[AddressRecord, ...]
    packets: deque[bytes] = field(default_factory=deque)
    size: int = 0


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
        self._waiting[identifier] = _Waiting(records)

    def put(self, packet: bytes) -> None:
        """An IPv6 packet came: keep it for each node that listens to it."""
        if len(packet) < _HEADER:
            return
        source, group = IPv6Address(packet[_SOURCE]), IPv6Address(packet[_GROUP])
        for waiting in self._waiting.values():
            if any(_accepts(record, source, group) for record in waiting.records):
                waiting.packets.append(packet)
                waiting.size += len(packet)
                while waiting.size > self._maximum:
                    waiting.size -= len(waiting.packets.popleft())
                    self.dropped += 1

    def take(self, identifier: str) -> list[bytes]:
        """What was kept for a node, in the order in which it came."""
        waiting = self._waiting[identifier]
        packets, waiting.packets, waiting.size = list(waiting.packets), deque(), 0
        return packets

    def close(self, identifier: str) -> None:
        """Keep nothing more for a node."""
        self._waiting.pop(identifier, None)


def _accepts(record: AddressRecord, source: IPv6Address, group: IPv6Address) -> bool:
    """Whether the filter of a context's record lets a packet pass (RFC 3810 section 5.2.12)."""
    including = record.type is RecordType.MODE_IS_INCLUDE
    return record.group == group and (source in record.sources) == including
