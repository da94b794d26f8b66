"""Context Transfer Protocol messages between access routers (RFC 4067 section 2.5).

The context is that of a multicast listener (appendix B): context profile type 1. Its data are the
subnet prefix, which is not used here, and the group; behind these, where the RFC ends, we put what
MLDv2 adds to a group: the record's type and its sources.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import ClassVar

from agents.wire.errors import MalformedPacket, UnknownMessage
from agents.wire.mld import AddressRecord, RecordType

PORT = 5091
"""The SCTP port (IANA)."""

_VERSION = 1
_HEADER = struct.Struct("!BBH")  # version and type, flags, length of all in octets
_REQUEST = struct.Struct("!16sII")  # previous address, sequence number, authorization token
_DATA = struct.Struct("!I16s")  # elapsed time in ms, previous address
_REPLY = struct.Struct("!16s")
_BLOCK = struct.Struct("!HBB")  # profile type, length in 8 octets, presence vector or not
_LISTENER = struct.Struct("!16x16sBxH4x")  # subnet prefix, group, record type, sources
_FLAG = 0x40  # A of a CTD: acknowledge; S of a CTDR: all was received
_IPV4 = 0x80  # V
_PRESENCE = 0x80
_LISTENER_PROFILE = 1
_UNIT = 8
_ADDRESS = 16

MAXIMUM_SOURCES = 64
"""Of one group: a host has no more."""


@dataclass(frozen=True)
class ContextRequest:
    """CT-Req, new to previous router: what is the context of the node that had this address?"""

    TYPE: ClassVar[int] = 7
    address: IPv6Address
    sequence: int
    token: int = 0
    """Of the mobile node; 0 where it takes no part."""


@dataclass(frozen=True)
class ContextData:
    """CTD, previous to new router: here it is; ``elapsed`` ms after it was sent at first."""

    TYPE: ClassVar[int] = 3
    address: IPv6Address
    records: tuple[AddressRecord, ...]
    elapsed: int = 0
    acknowledge: bool = True


@dataclass(frozen=True)
class ContextReply:
    """CTDR, new to previous router: it has come, and all of it was understood, or not."""

    TYPE: ClassVar[int] = 5
    address: IPv6Address
    success: bool


Message = ContextRequest | ContextData | ContextReply


def encode(message: Message) -> bytes:
    """The message, which SCTP carries whole."""
    flags, body = 0, b""
    if isinstance(message, ContextRequest):
        body = _REQUEST.pack(message.address.packed, message.sequence, message.token)
    elif isinstance(message, ContextData):
        flags = _FLAG if message.acknowledge else 0
        body = _DATA.pack(message.elapsed, message.address.packed)
        body += b"".join(map(_encode_block, message.records))
    else:
        flags = _FLAG if message.success else 0
        body = _REPLY.pack(message.address.packed)
    head = _HEADER.pack(_VERSION << 5 | message.TYPE, flags, _HEADER.size + len(body))
    return head + body


def decode(data: bytes) -> Message:
    """Check a message and take it apart."""
    if len(data) < _HEADER.size:
        raise MalformedPacket(f"CXTP message of {len(data)} octets")
    version_type, flags, length = _HEADER.unpack_from(data)
    version, kind = version_type >> 5, version_type & 0x1F
    if version != _VERSION or length != len(data) or flags & _IPV4:
        raise MalformedPacket(f"CXTP message of version {version} and {length} octets")
    body = data[_HEADER.size :]
    flag = bool(flags & _FLAG)
    try:
        if kind == ContextRequest.TYPE:
            address, sequence, token = _REQUEST.unpack_from(body)
            return ContextRequest(IPv6Address(address), sequence, token)
        if kind == ContextData.TYPE:
            elapsed, address = _DATA.unpack_from(body)
            records = _decode_blocks(body[_DATA.size :])
            return ContextData(IPv6Address(address), records, elapsed, flag)
        if kind == ContextReply.TYPE:
            return ContextReply(IPv6Address(*_REPLY.unpack_from(body)), flag)
    except struct.error as error:
        raise MalformedPacket(f"CXTP message {kind} of {length} octets") from error
    raise UnknownMessage(kind)


def _encode_block(record: AddressRecord) -> bytes:
    if len(record.sources) > MAXIMUM_SOURCES:
        raise ValueError(f"a context of {len(record.sources)} sources: 64 at most")
    data = _LISTENER.pack(record.group.packed, record.type, len(record.sources))
    data += b"".join(source.packed for source in record.sources)
    units = -(-(_BLOCK.size + len(data)) // _UNIT)
    block = _BLOCK.pack(_LISTENER_PROFILE, units, 0) + data
    return block + bytes(units * _UNIT - len(block))


def _decode_blocks(data: bytes) -> tuple[AddressRecord, ...]:
    """The listener contexts; profiles that are not known here are left out."""
    records = []
    offset = 0
    while offset < len(data):
        profile, units, presence = _BLOCK.unpack_from(data, offset)
        end = offset + units * _UNIT
        if units == 0 or end > len(data):
            raise MalformedPacket("CXTP context data block longer than its message")
        start = offset + _BLOCK.size + (4 if presence & _PRESENCE else 0)
        if profile == _LISTENER_PROFILE:
            records.append(_decode_listener(data[start:end]))
        offset = end
    return tuple(records)


def _decode_listener(data: bytes) -> AddressRecord:
    group, kind, count = _LISTENER.unpack_from(data)
    sources = data[_LISTENER.size : _LISTENER.size + count * _ADDRESS]
    if len(sources) != count * _ADDRESS or count > MAXIMUM_SOURCES:
        raise MalformedPacket("CXTP listener context that is cut off")
    if kind not in (RecordType.MODE_IS_INCLUDE, RecordType.MODE_IS_EXCLUDE):
        raise MalformedPacket(f"CXTP listener context with records of type {kind}")
    addresses = (sources[n : n + _ADDRESS] for n in range(0, len(sources), _ADDRESS))
    return AddressRecord(RecordType(kind), IPv6Address(group), tuple(map(IPv6Address, addresses)))
