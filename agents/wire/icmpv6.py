"""The frame of every ICMPv6 message (RFC 4443 section 2.1): type, code, checksum, body."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv6Address

from agents.wire.errors import MalformedPacket
from agents.wire.ipv6 import ICMPV6, checksum

_HEADER = struct.Struct("!BBH")


@dataclass(frozen=True)
class Icmpv6Message:
    """An ICMPv6 message with a right checksum; ``body`` is what follows the checksum."""

    type: int
    code: int
    body: bytes


def message_type(data: bytes) -> int:
    """The type of an ICMPv6 message: which decoder it belongs to (``mld.TYPES``, ``ndp.TYPES``)."""
    if len(data) < _HEADER.size:
        raise MalformedPacket(f"ICMPv6 message of {len(data)} octets")
    return data[0]


def encode(message: Icmpv6Message, source: IPv6Address, destination: IPv6Address) -> bytes:
    """The message with the checksum for these two addresses."""
    without = _HEADER.pack(message.type, message.code, 0) + message.body
    value = checksum(source, destination, ICMPV6, without)
    return _HEADER.pack(message.type, message.code, value) + message.body


def decode(data: bytes, source: IPv6Address, destination: IPv6Address) -> Icmpv6Message:
    """Check length and checksum, and split the message."""
    kind = message_type(data)
    if checksum(source, destination, ICMPV6, data) != 0:
        raise MalformedPacket("wrong ICMPv6 checksum")
    return Icmpv6Message(kind, data[1], data[_HEADER.size :])
