"""Internet Group Management Protocol: versions 1 (RFC 1112), 2 (RFC 2236) and 3 (RFC 3376).

The octets are those of the IP payload. What a host or router must know beside them is its own to
check: a TTL of 1 and the Router Alert (RFC 3376 section 4), which version 1 has not.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address

from agents.wire.codes import OCTET_MANTISSA, carried, from_code, to_code
from agents.wire.errors import MalformedPacket, UnknownMessage
from agents.wire.ipv4 import checksum
from agents.wire.mld import RecordType

QUERY = 0x11
REPORT_V1 = 0x12
REPORT_V2 = 0x16
LEAVE_V2 = 0x17
REPORT_V3 = 0x22

ALL_SYSTEMS = IPv4Address("224.0.0.1")
"""Where general queries go."""
ALL_ROUTERS = IPv4Address("224.0.0.2")
"""Where version 2's Leave goes."""
ALL_IGMPV3_ROUTERS = IPv4Address("224.0.0.22")
"""Where version 3's reports go."""
UNSPECIFIED = IPv4Address("0.0.0.0")

TENTH_MS = 100
"""The unit of response times, 1/10 s, in ms."""

_SHORT = struct.Struct("!BBH4s")  # type, code, checksum, group
_QUERY_TAIL = struct.Struct("!BBH")  # S flag and QRV, QQIC, number of sources
_REPORT = struct.Struct("!BxHxxH")  # type, checksum, number of records
_RECORD = struct.Struct("!BBH4s")  # type, words of auxiliary data, number of sources, group
_SUPPRESS = 0x08
_MAXIMUM_ROBUSTNESS = 7


@dataclass(frozen=True)
class MembershipQuery:
    """A query (RFC 3376 section 4.1); ``group`` is 0.0.0.0 in a general one.

    Response time and interval become the largest that the wire can carry and that is not greater.
    Version 1 tells no response time: it is 10 s (RFC 3376 section 7.2.1).
    """

    group: IPv4Address
    maximum_response_time_ms: int = 10_000
    sources: tuple[IPv4Address, ...] = ()
    suppress: bool = False
    robustness: int = 0
    query_interval_s: int = 0
    version: int = 3

    def __post_init__(self) -> None:
        tenths = self.maximum_response_time_ms // TENTH_MS
        if self.version < 3:
            if self.sources or self.suppress or self.robustness or self.query_interval_s:
                raise ValueError("a query of IGMP version 1 or 2 has a group and a time only")
            if self.version == 1 and tenths != 100:
                raise ValueError("IGMP version 1 has a response time of 10 s")
            if not 1 <= tenths <= 255:
                raise ValueError("IGMP version 2 has response times of 100 ms to 25.5 s")
        else:
            interval = carried(self.query_interval_s, OCTET_MANTISSA)
            # A robustness that three bits cannot carry is sent as 0 (section 4.1.6).
            robustness = self.robustness if self.robustness <= _MAXIMUM_ROBUSTNESS else 0
            object.__setattr__(self, "query_interval_s", interval)
            object.__setattr__(self, "robustness", robustness)
            tenths = carried(tenths, OCTET_MANTISSA)
        object.__setattr__(self, "maximum_response_time_ms", tenths * TENTH_MS)


@dataclass(frozen=True)
class GroupRecord:
    """One group of a version 3 report, with sources (RFC 3376 section 4.2.4)."""

    type: RecordType
    group: IPv4Address
    sources: tuple[IPv4Address, ...] = ()


@dataclass(frozen=True)
class MembershipReport:
    """A version 3 report (RFC 3376 section 4.2)."""

    records: tuple[GroupRecord, ...]


@dataclass(frozen=True)
class OlderReport:
    """A report of ``version`` 1 or 2: somebody is a member of ``group`` (RFC 2236 section 2)."""

    group: IPv4Address
    version: int = 2


@dataclass(frozen=True)
class LeaveGroup:
    """Version 2's Leave: its sender is no member of ``group`` any more (RFC 2236 section 2)."""

    group: IPv4Address


Message = MembershipQuery | MembershipReport | OlderReport | LeaveGroup


def encode(message: Message) -> bytes:
    """The octets of a message, with its checksum."""
    data = _encode(message)
    return data[:2] + checksum(data).to_bytes(2, "big") + data[4:]


def decode(data: bytes) -> Message:
    """Check a message and take it apart; octets behind version 2's eight count for the checksum."""
    if len(data) < _SHORT.size:
        raise MalformedPacket(f"IGMP message of {len(data)} octets")
    if checksum(data) != 0:
        raise MalformedPacket("wrong IGMP checksum")
    kind, code, _, packed_group = _SHORT.unpack_from(data)
    group = IPv4Address(packed_group)
    if kind == QUERY:
        return _decode_query(data, code, group)
    if kind == REPORT_V3:
        return _decode_report(data)
    if kind in (REPORT_V1, REPORT_V2):
        return OlderReport(group, 1 if kind == REPORT_V1 else 2)
    if kind == LEAVE_V2:
        return LeaveGroup(group)
    raise UnknownMessage(kind)


def _encode(message: Message) -> bytes:
    if isinstance(message, MembershipQuery):
        return _encode_query(message)
    if isinstance(message, MembershipReport):
        records = b"".join(
            _RECORD.pack(record.type, 0, len(record.sources), record.group.packed)
            + _packed(record.sources)
            for record in message.records
        )
        return _REPORT.pack(REPORT_V3, 0, len(message.records)) + records
    if isinstance(message, OlderReport):
        kind = REPORT_V1 if message.version == 1 else REPORT_V2
    else:
        kind = LEAVE_V2
    return _SHORT.pack(kind, 0, 0, message.group.packed)


def _encode_query(query: MembershipQuery) -> bytes:
    tenths = query.maximum_response_time_ms // TENTH_MS
    if query.version < 3:
        return _SHORT.pack(QUERY, 0 if query.version == 1 else tenths, 0, query.group.packed)
    tail = _QUERY_TAIL.pack(
        query.robustness | (_SUPPRESS if query.suppress else 0),
        to_code(query.query_interval_s, OCTET_MANTISSA),
        len(query.sources),
    )
    code = to_code(tenths, OCTET_MANTISSA)
    return _SHORT.pack(QUERY, code, 0, query.group.packed) + tail + _packed(query.sources)


def _decode_query(data: bytes, code: int, group: IPv4Address) -> MembershipQuery:
    """The version follows from length and code (RFC 3376 section 7.1)."""
    if len(data) == _SHORT.size:
        if code == 0:
            return MembershipQuery(group, version=1)
        return MembershipQuery(group, code * TENTH_MS, version=2)
    if len(data) < _SHORT.size + _QUERY_TAIL.size:
        raise MalformedPacket(f"IGMP query of {len(data)} octets is of no version")
    bits, interval, count = _QUERY_TAIL.unpack_from(data, _SHORT.size)
    return MembershipQuery(
        group,
        from_code(code, OCTET_MANTISSA) * TENTH_MS,
        _addresses(data, _SHORT.size + _QUERY_TAIL.size, count),
        bool(bits & _SUPPRESS),
        bits & _MAXIMUM_ROBUSTNESS,
        from_code(interval, OCTET_MANTISSA),
    )


def _decode_report(data: bytes) -> MembershipReport:
    """The records; those of an unknown type are left out (RFC 3376 section 4.2.12)."""
    records, offset = [], _REPORT.size
    for _ in range(_REPORT.unpack_from(data)[2]):
        if len(data) < offset + _RECORD.size:
            raise MalformedPacket("IGMP record that is cut off")
        kind, auxiliary_words, count, group = _RECORD.unpack_from(data, offset)
        sources = _addresses(data, offset + _RECORD.size, count)
        offset += _RECORD.size + 4 * (count + auxiliary_words)
        if len(data) < offset:
            raise MalformedPacket("auxiliary data of an IGMP record longer than its message")
        if kind in RecordType.__members__.values():
            records.append(GroupRecord(RecordType(kind), IPv4Address(group), sources))
    return MembershipReport(tuple(records))


def _packed(addresses: tuple[IPv4Address, ...]) -> bytes:
    return b"".join(address.packed for address in addresses)


def _addresses(data: bytes, offset: int, count: int) -> tuple[IPv4Address, ...]:
    end = offset + 4 * count
    if len(data) < end:
        raise MalformedPacket("IGMP message with fewer sources than it says")
    return tuple(IPv4Address(data[start : start + 4]) for start in range(offset, end, 4))
