"""Multicast Listener Discovery messages: version 1 (RFC 2710) and version 2 (RFC 3810).

What a listener or router must know beside the octets is its own to check: a hop limit of 1, the
Router Alert, a link-local source (RFC 3810 sections 5.1.14, 5.2.13 and 6.2).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv6Address

from agents.wire import icmpv6
from agents.wire.codes import DELAY_MANTISSA, OCTET_MANTISSA, carried, from_code, to_code
from agents.wire.errors import MalformedPacket, UnknownMessage

QUERY = 130
REPORT_V1 = 131
DONE_V1 = 132
REPORT_V2 = 143

TYPES = frozenset({QUERY, REPORT_V1, DONE_V1, REPORT_V2})
"""The ICMPv6 types that ``decode`` knows."""

ALL_NODES = IPv6Address("ff02::1")
"""Where general queries go."""
ALL_ROUTERS = IPv6Address("ff02::2")
"""Where version 1's Done goes."""
ALL_MLDV2_ROUTERS = IPv6Address("ff02::16")
"""Where version 2's reports go."""

UNSPECIFIED = IPv6Address("::")

_VERSION_1 = struct.Struct("!H2x16s")  # maximum response delay, group
_QUERY_TAIL = struct.Struct("!BBH")  # S flag and QRV, QQIC, number of sources
_REPORT = struct.Struct("!2xH")  # number of records
_RECORD = struct.Struct("!BBH16s")  # type, words of auxiliary data, number of sources, group
_SUPPRESS = 0x08
_MAXIMUM_ROBUSTNESS = 7


class RecordType(IntEnum):
    """What an address record says (RFC 3810 section 5.2.12)."""

    MODE_IS_INCLUDE = 1
    MODE_IS_EXCLUDE = 2
    CHANGE_TO_INCLUDE_MODE = 3
    CHANGE_TO_EXCLUDE_MODE = 4
    ALLOW_NEW_SOURCES = 5
    BLOCK_OLD_SOURCES = 6


EXCLUDE_TYPES = frozenset({RecordType.MODE_IS_EXCLUDE, RecordType.CHANGE_TO_EXCLUDE_MODE})
"""What says that all sources are wanted but those listed."""


@dataclass(frozen=True)
class MulticastListenerQuery:
    """A query (RFC 3810 section 5.1; RFC 2710 section 3 when ``version`` is 1).

    ``group`` is :: in a general query. The two intervals become the largest that the wire can carry
    and that is not greater than what was asked for (in version 2, above 32,768 ms and 128 s, it
    carries 13 and 5 significant bits). ``robustness`` (QRV) and ``query_interval_s`` (QQIC)
    are 0 where the querier does not tell them, as in version 1.
    """

    group: IPv6Address
    maximum_response_delay_ms: int
    sources: tuple[IPv6Address, ...] = ()
    suppress: bool = False
    robustness: int = 0
    query_interval_s: int = 0
    version: int = 2

    def __post_init__(self) -> None:
        if self.version == 1:
            if self.sources or self.suppress or self.robustness or self.query_interval_s:
                raise ValueError("a query of MLD version 1 has a group and a delay only")
            return
        delay = carried(self.maximum_response_delay_ms, DELAY_MANTISSA)
        interval = carried(self.query_interval_s, OCTET_MANTISSA)
        # A robustness that three bits cannot carry is sent as 0 (RFC 3810 section 5.1.8).
        robustness = self.robustness if self.robustness <= _MAXIMUM_ROBUSTNESS else 0
        object.__setattr__(self, "robustness", robustness)
        object.__setattr__(self, "maximum_response_delay_ms", delay)
        object.__setattr__(self, "query_interval_s", interval)


@dataclass(frozen=True)
class AddressRecord:
    """One group of a report, with sources (RFC 3810 section 5.2.4)."""

    type: RecordType
    group: IPv6Address
    sources: tuple[IPv6Address, ...] = ()


@dataclass(frozen=True)
class MulticastListenerReport:
    """A version 2 report (RFC 3810 section 5.2)."""

    records: tuple[AddressRecord, ...]


@dataclass(frozen=True)
class ListenerReportV1:
    """A version 1 report: somebody listens to ``group`` (RFC 2710 section 3)."""

    group: IPv6Address


@dataclass(frozen=True)
class ListenerDoneV1:
    """Version 1's Done: its sender stopped to listen to ``group`` (RFC 2710 section 3)."""

    group: IPv6Address


Message = MulticastListenerQuery | MulticastListenerReport | ListenerReportV1 | ListenerDoneV1


def encode(message: Message, source: IPv6Address, destination: IPv6Address) -> bytes:
    """The ICMPv6 message with the checksum for these two addresses."""
    return icmpv6.encode(_frame(message), source, destination)


def decode(data: bytes, source: IPv6Address, destination: IPv6Address) -> Message:
    """Check an ICMPv6 message and take it apart."""
    frame = icmpv6.decode(data, source, destination)
    if frame.type not in TYPES:
        raise UnknownMessage(frame.type)
    if frame.type == REPORT_V2:
        return _decode_report(frame.body)
    if len(frame.body) < _VERSION_1.size:
        raise MalformedPacket(f"MLD message {frame.type} of {len(data)} octets")
    if frame.type == QUERY:
        return _decode_query(frame.body)
    group = _address(_VERSION_1.unpack_from(frame.body)[1])
    return ListenerReportV1(group) if frame.type == REPORT_V1 else ListenerDoneV1(group)


def _frame(message: Message) -> icmpv6.Icmpv6Message:
    if isinstance(message, MulticastListenerQuery):
        return icmpv6.Icmpv6Message(QUERY, 0, _encode_query(message))
    if isinstance(message, MulticastListenerReport):
        records = b"".join(encode_record(record) for record in message.records)
        return icmpv6.Icmpv6Message(REPORT_V2, 0, _REPORT.pack(len(message.records)) + records)
    kind = REPORT_V1 if isinstance(message, ListenerReportV1) else DONE_V1
    return icmpv6.Icmpv6Message(kind, 0, _VERSION_1.pack(0, message.group.packed))


def _encode_query(query: MulticastListenerQuery) -> bytes:
    if query.version == 1:
        return _VERSION_1.pack(query.maximum_response_delay_ms, query.group.packed)
    delay = to_code(query.maximum_response_delay_ms, DELAY_MANTISSA)
    tail = _QUERY_TAIL.pack(
        query.robustness | (_SUPPRESS if query.suppress else 0),
        to_code(query.query_interval_s, OCTET_MANTISSA),
        len(query.sources),
    )
    return _VERSION_1.pack(delay, query.group.packed) + tail + _packed(query.sources)


def _decode_query(body: bytes) -> MulticastListenerQuery:
    """The version follows from the length (RFC 3810 section 8.1)."""
    delay, packed_group = _VERSION_1.unpack_from(body)
    group = _address(packed_group)
    if len(body) == _VERSION_1.size:
        return MulticastListenerQuery(group, delay, version=1)
    if len(body) < _VERSION_1.size + _QUERY_TAIL.size:
        raise MalformedPacket(f"MLD query of {len(body) + 4} octets is of no version")
    bits, interval, count = _QUERY_TAIL.unpack_from(body, _VERSION_1.size)
    return MulticastListenerQuery(
        group,
        from_code(delay, DELAY_MANTISSA),
        _addresses(body, _VERSION_1.size + _QUERY_TAIL.size, count),
        bool(bits & _SUPPRESS),
        bits & _MAXIMUM_ROBUSTNESS,
        from_code(interval, OCTET_MANTISSA),
    )


def encode_record(record: AddressRecord) -> bytes:
    """The octets of one record (RFC 3810 section 5.2), which mobility options carry too."""
    head = _RECORD.pack(record.type, 0, len(record.sources), record.group.packed)
    return head + _packed(record.sources)


def decode_record(data: bytes, offset: int = 0) -> tuple[AddressRecord | None, int]:
    """The record at this offset, None if its type is unknown, and the offset behind it."""
    if len(data) < offset + _RECORD.size:
        raise MalformedPacket("MLD record that is cut off")
    kind, auxiliary_words, count, group = _RECORD.unpack_from(data, offset)
    sources = _addresses(data, offset + _RECORD.size, count)
    end = offset + _RECORD.size + 16 * count + 4 * auxiliary_words
    if len(data) < end:
        raise MalformedPacket("auxiliary data of an MLD record longer than its message")
    if kind not in _RECORD_TYPES:
        return None, end
    return AddressRecord(RecordType(kind), _address(group), sources), end


def _decode_report(body: bytes) -> MulticastListenerReport:
    """The records; those of an unknown type are left out (RFC 3810 section 5.2.12)."""
    if len(body) < _REPORT.size:
        raise MalformedPacket(f"MLD report of {len(body) + 4} octets")
    records = []
    offset = _REPORT.size
    for _ in range(_REPORT.unpack_from(body)[0]):
        record, offset = decode_record(body, offset)
        if record is not None:
            records.append(record)
    return MulticastListenerReport(tuple(records))


_RECORD_TYPES = frozenset(RecordType)


def _packed(addresses: tuple[IPv6Address, ...]) -> bytes:
    return b"".join(address.packed for address in addresses)


def _addresses(data: bytes, offset: int, count: int) -> tuple[IPv6Address, ...]:
    end = offset + 16 * count
    if len(data) < end:
        raise MalformedPacket("MLD message with fewer sources than it says")
    return tuple(_address(data[start : start + 16]) for start in range(offset, end, 16))


def _address(packed: bytes) -> IPv6Address:
    """An address of IPv6: to routers a mapped one is of IPv4, which has IGMP."""
    address = IPv6Address(packed)
    if address.ipv4_mapped is not None:
        raise MalformedPacket(f"IPv4-mapped address {address} in MLD")
    return address
