"""MIH protocol messages (IEEE 802.21-2008 section 8.4), as RFC 5677 carries them over UDP.

A header of eight octets, the identifiers of the two MIH functions, and a TLV for each value. There
are no fragments (section 8.4.1): no message here is longer than an Ethernet frame.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeVar

from agents.wire import mih_layouts as layouts
from agents.wire.errors import MalformedPacket, UnknownMessage
from agents.wire.mih_types import decode_value
from agents.wire.mih_values import DestinationMihf, SourceMihf, Value

PORT = 4551
"""Of UDP and TCP, ``ieee-mih`` (RFC 5677 section 8)."""

TRANSACTIONS = 1 << 12
"""Transaction identifiers wrap at 12 bits (section 8.4.1)."""

_VERSION = 1
_HEADER = struct.Struct("!BBHHH")  # version and flags, fragment (7 bits), message, …
_ACK_REQ, _ACK_RSP, _UNAUTHENTICATED, _MORE_FRAGMENTS = 0x08, 0x04, 0x02, 0x01
_OPCODE_SHIFT, _OPCODE_MASK = 10, 0x3

V = TypeVar("V", bound=Value)


class Kind(IntEnum):
    """The service (upper four bits) and the action of a message, with an opcode of 0 (annex L)."""

    LINK_UP = 0x2002
    LINK_GOING_DOWN = 0x2006
    NET_HO_CANDIDATE_QUERY = 0x3004
    N2N_HO_QUERY_RESOURCES = 0x3006
    NET_HO_COMMIT = 0x3008
    N2N_HO_COMMIT = 0x3009


class Opcode(IntEnum):
    """What a message is in its exchange."""

    REQUEST = 1
    RESPONSE = 2
    INDICATION = 3


_NAMES = {
    Kind.LINK_UP: "MIH_Link_Up",
    Kind.LINK_GOING_DOWN: "MIH_Link_Going_Down",
    Kind.NET_HO_CANDIDATE_QUERY: "MIH_Net_HO_Candidate_Query",
    Kind.N2N_HO_QUERY_RESOURCES: "MIH_N2N_HO_Query_Resources",
    Kind.NET_HO_COMMIT: "MIH_Net_HO_Commit",
    Kind.N2N_HO_COMMIT: "MIH_N2N_HO_Commit",
}


def name(kind: Kind, opcode: Opcode) -> str:
    """The standard's name, such as ``MIH_Link_Up indication``."""
    return f"{_NAMES[kind]} {opcode.name.lower()}"


@dataclass(frozen=True)
class MihMessage:
    """One message; ``source`` and ``destination`` are the identifiers of MIH functions."""

    kind: Kind
    opcode: Opcode
    transaction: int
    source: str
    destination: str
    values: tuple[Value, ...] = ()
    ack_requested: bool = False
    acknowledges: bool = False

    def value(self, kind: type[V]) -> V | None:
        """Its first value of a kind."""
        return next((value for value in self.values if isinstance(value, kind)), None)


def encode(message: MihMessage) -> bytes:
    """The message's octets."""
    ends = (SourceMihf(message.source), DestinationMihf(message.destination))
    body = b"".join(
        bytes((value.TYPE,)) + layouts.length(len(data)) + data
        for value in (*ends, *message.values)
        for data in (value.encode(),)
    )
    flags = (_ACK_REQ if message.ack_requested else 0) | (_ACK_RSP if message.acknowledges else 0)
    number = message.kind | message.opcode << _OPCODE_SHIFT
    return _HEADER.pack(_VERSION << 4 | flags, 0, number, message.transaction, len(body)) + body


def decode(data: bytes) -> MihMessage:
    """Read a message; unknown values in it are skipped."""
    if len(data) < _HEADER.size:
        raise MalformedPacket(f"MIH message of {len(data)} octets")
    first, fragment, number, transaction, size = _HEADER.unpack_from(data)
    if first >> 4 != _VERSION:
        raise MalformedPacket(f"MIH version {first >> 4}")
    if fragment >> 1 or first & _MORE_FRAGMENTS:
        raise MalformedPacket("a fragment of an MIH message")
    if len(data) != _HEADER.size + size:
        raise MalformedPacket(f"MIH message of {len(data)} octets says {_HEADER.size + size}")
    kind, opcode = message_name(number)
    source, destination, *values = _values(layouts.Reader(data[_HEADER.size :]))
    if not isinstance(source, SourceMihf) or not isinstance(destination, DestinationMihf):
        raise MalformedPacket("MIH message without its two identifiers at the front")
    return MihMessage(
        kind,
        opcode,
        transaction % TRANSACTIONS,
        source.text,
        destination.text,
        tuple(value for value in values if value is not None),
        bool(first & _ACK_REQ),
        bool(first & _ACK_RSP),
    )


def message_name(number: int) -> tuple[Kind, Opcode]:
    """What a message identifier (service, opcode and action) stands for."""
    try:
        opcode = Opcode(number >> _OPCODE_SHIFT & _OPCODE_MASK)
        return Kind(number & ~(_OPCODE_MASK << _OPCODE_SHIFT)), opcode
    except ValueError:
        raise UnknownMessage(number) from None


def _values(reader: layouts.Reader) -> list[Value | None]:
    """The two values that there must be, and those that follow; None: unknown."""
    values: list[Value | None] = []
    while not reader.at_end:
        kind = reader.number(1)
        values.append(decode_value(kind, reader.octets(reader.length())))
    if len(values) < 2:
        raise MalformedPacket("MIH message without identifiers")
    return values
