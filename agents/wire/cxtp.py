"""Context Transfer Protocol messages between access routers (RFC 4067 section 2.5).

The context is that of a multicast listener (appendix B): context profile type 1. Its data are the
subnet prefix, which is not used here, and the group; behind these, where the RFC has padding only,
we put what MLDv2 adds to a group: the record's type and its sources.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
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
_KEY = struct.Struct("!HH")  # algorithm, length of the key
_BLOCK = struct.Struct("!HBB")  # profile type, length in 8 octets, presence vector or not
_PREFIX = bytes(8)  # of the new router's wireless interface, of which it has only one
_GROUP = struct.Struct("!16s")
_MLD_V2 = struct.Struct("!BxH")  # record type, sources
_FLAG = 0x40  # A of a CTD: acknowledge; S of a CTDR: all was received
_IPV4 = 0x80  # V
_PRESENCE = 0x80
_PREFIX_PRESENT, _GROUP_PRESENT = 1 << 31, 1 << 30
"""A bit for each field, in their order, the first one leftmost."""
_HMAC_SHA1 = 1
LISTENER_PROFILE = 1
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
    """Of the mobile node; 0: it has said nothing yet, so its key is asked for."""
    profiles: tuple[int, ...] = ()
    """The contexts that are asked for; none: all."""

    @property
    def wants_listeners(self) -> bool:
        """Whether it asks for what the node listens to."""
        return not self.profiles or LISTENER_PROFILE in self.profiles


@dataclass(frozen=True)
class ContextData:
    """CTD, previous to new router: here it is; ``elapsed`` ms after it was sent at first.

    With a ``key``, that of the node for its tokens, it is a PCTD; an empty one: the node has none.
    """

    TYPE: ClassVar[int] = 3
    PREDICTIVE_TYPE: ClassVar[int] = 4
    address: IPv6Address
    records: tuple[AddressRecord, ...]
    elapsed: int = 0
    acknowledge: bool = True
    key: bytes | None = None


@dataclass(frozen=True)
class ContextReply:
    """CTDR, new to previous router: all of it has come, or not."""

    TYPE: ClassVar[int] = 5
    address: IPv6Address
    success: bool


@dataclass(frozen=True)
class ContextCancel:
    """CTC, new to previous router: it is no longer wanted."""

    TYPE: ClassVar[int] = 6
    address: IPv6Address


Message = ContextRequest | ContextData | ContextReply | ContextCancel


def encode(message: Message) -> bytes:
    """The message, which SCTP carries whole."""
    kind, flags = message.TYPE, 0
    if isinstance(message, ContextRequest):
        body = _REQUEST.pack(message.address.packed, message.sequence, message.token)
        body += b"".join(_BLOCK.pack(profile, 0, 0) for profile in message.profiles)
    elif isinstance(message, ContextData):
        flags = _FLAG if message.acknowledge else 0
        body = _DATA.pack(message.elapsed, message.address.packed)
        if message.key is not None:
            kind = message.PREDICTIVE_TYPE
            body += _KEY.pack(_HMAC_SHA1, len(message.key)) + message.key
        body += b"".join(map(_encode_block, message.records))
    else:
        flags = _FLAG if isinstance(message, ContextReply) and message.success else 0
        body = _REPLY.pack(message.address.packed)
    return _HEADER.pack(_VERSION << 5 | kind, flags, _HEADER.size + len(body)) + body


def decode(data: bytes) -> Message:
    """Check a message and take it apart."""
    if len(data) < _HEADER.size:
        raise MalformedPacket(f"CXTP message of {len(data)} octets")
    version_type, flags, length = _HEADER.unpack_from(data)
    version, kind = version_type >> 5, version_type & 0x1F
    if version != _VERSION or length != len(data) or flags & _IPV4:
        raise MalformedPacket(f"CXTP message of version {version} and {length} octets")
    try:
        return _decode_body(kind, bool(flags & _FLAG), data[_HEADER.size :])
    except struct.error as error:
        raise MalformedPacket(f"CXTP message {kind} of {length} octets") from error


def _decode_body(kind: int, flag: bool, body: bytes) -> Message:
    if kind == ContextRequest.TYPE:
        address, sequence, token = _REQUEST.unpack_from(body)
        profiles = tuple(_profiles(body[_REQUEST.size :]))
        return ContextRequest(IPv6Address(address), sequence, token, profiles)
    if kind in (ContextData.TYPE, ContextData.PREDICTIVE_TYPE):
        elapsed, address = _DATA.unpack_from(body)
        key, blocks = None, body[_DATA.size :]
        if kind == ContextData.PREDICTIVE_TYPE:
            key, blocks = _split_key(blocks)
        return ContextData(IPv6Address(address), _decode_blocks(blocks), elapsed, flag, key)
    if kind == ContextReply.TYPE:
        return ContextReply(IPv6Address(*_REPLY.unpack_from(body)), flag)
    if kind == ContextCancel.TYPE:
        return ContextCancel(IPv6Address(*_REPLY.unpack_from(body)))
    raise UnknownMessage(kind)


def _split_key(data: bytes) -> tuple[bytes, bytes]:
    """The key of a PCTD, and what follows it."""
    _, length = _KEY.unpack_from(data)
    end = _KEY.size + length
    if end > len(data):
        raise MalformedPacket("CXTP key longer than its message")
    return data[_KEY.size : end], data[end:]


def _profiles(data: bytes) -> Iterator[int]:
    """The profile types of request blocks: "only the first 4 octets are typically necessary"."""
    offset = 0
    while offset < len(data):
        profile, units, _ = _BLOCK.unpack_from(data, offset)
        yield profile
        offset += max(units * _UNIT, _BLOCK.size)


def _encode_block(record: AddressRecord) -> bytes:
    if len(record.sources) > MAXIMUM_SOURCES:
        raise ValueError(f"a context of {len(record.sources)} sources: 64 at most")
    data = _PREFIX + record.group.packed + _MLD_V2.pack(record.type, len(record.sources))
    data += b"".join(source.packed for source in record.sources)
    units = (_BLOCK.size + len(data)) // _UNIT
    return _BLOCK.pack(LISTENER_PROFILE, units, 0) + data


def _decode_blocks(data: bytes) -> tuple[AddressRecord, ...]:
    """The listener contexts; profiles that are not known here are left out."""
    records = []
    offset = 0
    while offset < len(data):
        profile, units, presence = _BLOCK.unpack_from(data, offset)
        end = offset + units * _UNIT
        if units == 0 or end > len(data):
            raise MalformedPacket("CXTP context data block longer than its message")
        if profile == LISTENER_PROFILE:
            content = data[offset + _BLOCK.size : end]
            records.append(_decode_listener(content, bool(presence & _PRESENCE)))
        offset = end
    return tuple(records)


def _decode_listener(data: bytes, has_vector: bool) -> AddressRecord:
    """A group, and what we add: without it somebody listens to it, from whatever source.

    A presence vector says which of the fields are there; the prefix may be left out.
    """
    present, offset = _PREFIX_PRESENT | _GROUP_PRESENT, 0
    if has_vector:
        (present,) = struct.unpack_from("!I", data)
        offset = 4
    if not present & _GROUP_PRESENT:
        raise MalformedPacket("CXTP listener context without a group")
    if present & _PREFIX_PRESENT:
        offset += len(_PREFIX)
    (group,) = _GROUP.unpack_from(data, offset)
    offset += _GROUP.size
    padded = data[offset:] + bytes(_MLD_V2.size)
    kind, count = _MLD_V2.unpack_from(padded)
    if kind == 0:
        return AddressRecord(RecordType.MODE_IS_EXCLUDE, IPv6Address(group))
    start = offset + _MLD_V2.size
    sources = data[start : start + count * _ADDRESS]
    if len(sources) != count * _ADDRESS or count > MAXIMUM_SOURCES:
        raise MalformedPacket("CXTP listener context that is cut off")
    if kind not in (RecordType.MODE_IS_INCLUDE, RecordType.MODE_IS_EXCLUDE):
        raise MalformedPacket(f"CXTP listener context with records of type {kind}")
    addresses = (sources[n : n + _ADDRESS] for n in range(0, len(sources), _ADDRESS))
    return AddressRecord(RecordType(kind), IPv6Address(group), tuple(map(IPv6Address, addresses)))
