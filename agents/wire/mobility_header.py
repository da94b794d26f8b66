"""The Mobility Header itself (RFC 6275 section 6.1.1), which every message of protocol 135 has."""

from __future__ import annotations

import struct
from ipaddress import IPv6Address

from agents.wire.errors import MalformedPacket
from agents.wire.ipv6 import MOBILITY, checksum

_NO_NEXT_HEADER = 59
_HEADER = struct.Struct("!BBBxH")  # payload protocol, header length, type, checksum
TYPE_OFFSET = 2

SIZE = _HEADER.size
"""Octets before the message's own data; mobility options are aligned from the header's start."""


def message_type(data: bytes) -> int | None:
    """The type of a message that is not checked yet; None when it is too short to have one."""
    return data[TYPE_OFFSET] if len(data) > TYPE_OFFSET else None


def encode(kind: int, body: bytes, source: IPv6Address, destination: IPv6Address) -> bytes:
    """A message of this type with the checksum for these two addresses."""
    units = (SIZE + len(body)) // 8 - 1
    if units > 0xFF:
        raise ValueError(f"a mobility message of {8 * (units + 1)} octets; 2048 are the most")
    without = _HEADER.pack(_NO_NEXT_HEADER, units, kind, 0) + body
    value = checksum(source, destination, MOBILITY, without)
    return _HEADER.pack(_NO_NEXT_HEADER, units, kind, value) + body


def decode(data: bytes, source: IPv6Address, destination: IPv6Address) -> tuple[int, bytes]:
    """Check a message as RFC 6275 section 9.2 has it; its type and its data."""
    if len(data) < 8:
        raise MalformedPacket(f"mobility header of {len(data)} octets")
    protocol, units, kind, _ = _HEADER.unpack_from(data)
    if len(data) != 8 * (units + 1):
        raise MalformedPacket(f"mobility header of {len(data)} octets says {8 * (units + 1)}")
    if protocol != _NO_NEXT_HEADER:
        raise MalformedPacket(f"mobility header with payload protocol {protocol}")
    if checksum(source, destination, MOBILITY, data) != 0:
        raise MalformedPacket("wrong checksum of the mobility header")
    return kind, data[SIZE:]
