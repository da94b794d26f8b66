"""Fitting MLD messages into packets of the minimum MTU (RFC 3810 sections 5.1.10, 5.2.15)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv6Address

from agents.wire.mld import EXCLUDE_TYPES, AddressRecord

# The minimum MTU of IPv6 less IPv6 header, hop-by-hop header, and the message's fixed part.
_REPORT_SPACE = 1280 - 40 - 8 - 8
_QUERY_SPACE = 1280 - 40 - 8 - 28
_RECORD_SIZE = 20
_SOURCE_SIZE = 16
_RECORD_SOURCES = (_REPORT_SPACE - _RECORD_SIZE) // _SOURCE_SIZE
_QUERY_SOURCES = _QUERY_SPACE // _SOURCE_SIZE

Sources = tuple[IPv6Address, ...]


def reports(records: Iterable[AddressRecord]) -> list[tuple[AddressRecord, ...]]:
    """The records, in as few reports as they fit into, in order."""
    packed: list[list[AddressRecord]] = []
    space = 0
    for record in records:
        for piece in _pieces(record):
            size = _RECORD_SIZE + _SOURCE_SIZE * len(piece.sources)
            if size > space:
                packed.append([])
                space = _REPORT_SPACE
            packed[-1].append(piece)
            space -= size
    return [tuple(report) for report in packed]


def query_sources(sources: Sources) -> list[Sources]:
    """The source lists of as many queries as these sources need."""
    return list(_chunks(sources, _QUERY_SOURCES))


def _pieces(record: AddressRecord) -> Iterator[AddressRecord]:
    """A record too long is split, or cut where splitting would change what it says."""
    if len(record.sources) <= _RECORD_SOURCES:
        yield record
    elif record.type in EXCLUDE_TYPES:
        yield AddressRecord(record.type, record.group, record.sources[:_RECORD_SOURCES])
    else:
        for sources in _chunks(record.sources, _RECORD_SOURCES):
            yield AddressRecord(record.type, record.group, sources)


def _chunks(sources: Sources, size: int) -> Iterator[Sources]:
    for start in range(0, len(sources), size):
        yield sources[start : start + size]
