"""What members of a multicast group on i3 tell each other: the data of an i3 packet (docs/wire.md).

The messages are those of figures 6, 9 and 10 of "End-host controlled multicast routing"; their
octets are ours. The first one is the type. Times are ns of the sender's clock, which no other clock
has to agree with (section 3.2.1).
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import NamedTuple

from agents.wire.errors import MalformedPacket, UnknownMessage
from agents.wire.i3 import ENDPOINT_LENGTH, IDENTIFIER_LENGTH, Endpoint, Identifier, Target

_DATA = struct.Struct("!BIQq")
_QUERY = struct.Struct(f"!BI{ENDPOINT_LENGTH}s")
_DISTANCE = struct.Struct(f"!BI{IDENTIFIER_LENGTH}sqq")
_OF_DISTANCE = struct.Struct(f"!xI{IDENTIFIER_LENGTH}sqq")
_IDENTIFIER = struct.Struct(f"!B{IDENTIFIER_LENGTH}s")
_REQUEST = struct.Struct(f"!BIQB{IDENTIFIER_LENGTH}s")
_TO = {ENDPOINT_LENGTH: 2, IDENTIFIER_LENGTH: 1}


class Data(NamedTuple):
    """A packet of a source; ``time_stamp`` is its time when it sent it."""

    source: int
    """0 is whose group it is; distances are those from it."""
    sequence: int
    time_stamp: int
    payload: bytes = b""


class QueryDistance(NamedTuple):
    """How far from the source are you? To all receivers of a set."""

    nonce: int
    requester: Endpoint


class Distance(NamedTuple):
    """So far: the answer, straight to who asked."""

    nonce: int
    identifier: Identifier
    """At which one can join, or to which one can go on."""
    time_stamp: int
    source_distance: int
    """ns, of this receiver's clock less the source's."""


class RefreshAck(NamedTuple):
    """The trigger at ``identifier`` through which this comes has been refreshed just now."""

    identifier: Identifier


class Joined(NamedTuple):
    """Somebody has tried to join at an identifier: its owner may want to see how full it is.

    Those below it hear of it when nobody has been found there: their parents may be gone. The paper
    has owners, and those below, find that out from time to time; told, they do so at once.
    """

    identifier: Identifier


class RepairRequest(NamedTuple):
    """Who has this packet? To an anycast group; the repair goes to an endpoint or a subtree."""

    source: int
    sequence: int
    reply_to: Target


class Repair(NamedTuple):
    """A packet once more."""

    source: int
    sequence: int
    time_stamp: int
    payload: bytes


Message = Data | QueryDistance | Distance | RefreshAck | RepairRequest | Repair | Joined

DATA, QUERY_DISTANCE, DISTANCE, REFRESH_ACK, REPAIR_REQUEST, REPAIR, JOINED = range(1, 8)


def encode(message: Message) -> bytes:
    """The data of the i3 packet."""
    if isinstance(message, Distance):
        return _DISTANCE.pack(DISTANCE, *message)
    if isinstance(message, QueryDistance):
        return _QUERY.pack(QUERY_DISTANCE, *message)
    if isinstance(message, RefreshAck):
        return _IDENTIFIER.pack(REFRESH_ACK, *message)
    if isinstance(message, Joined):
        return _IDENTIFIER.pack(JOINED, *message)
    if isinstance(message, RepairRequest):
        *packet, reply_to = message
        return _REQUEST.pack(REPAIR_REQUEST, *packet, _TO[len(reply_to)], reply_to)
    kind = DATA if isinstance(message, Data) else REPAIR
    return _DATA.pack(kind, *message[:-1]) + message.payload


def decode(data: bytes) -> Message:
    """The message in an i3 packet.

    Raises ``MalformedPacket`` for what is none, ``UnknownMessage`` for a type that is not known.
    """
    if len(data) == _DISTANCE.size and data[0] == DISTANCE:
        return Distance._make(_OF_DISTANCE.unpack(data))
    return _decode(data)


@lru_cache(maxsize=256)
def _decode(data: bytes) -> Message:
    """What one has sent to very many is decoded once; an answer to a question goes to one alone."""
    if not data:
        raise MalformedPacket("a group's message has at least its type")
    kind = data[0]
    if kind in (DATA, REPAIR):
        if len(data) < _DATA.size:
            raise MalformedPacket("data has a sequence number and a time stamp")
        _, source, sequence, time_stamp = _DATA.unpack_from(data)
        message = Data if kind == DATA else Repair
        return message(source, sequence, time_stamp, data[_DATA.size :])
    if kind == DISTANCE:
        raise MalformedPacket(f"a distance takes {_DISTANCE.size} octets, {len(data)} are here")
    try:
        if kind == QUERY_DISTANCE:
            return QueryDistance(*_QUERY.unpack(data)[1:])
        if kind == REFRESH_ACK:
            return RefreshAck(*_IDENTIFIER.unpack(data)[1:])
        if kind == JOINED:
            return Joined(*_IDENTIFIER.unpack(data)[1:])
        if kind == REPAIR_REQUEST:
            return _repair_request(data)
    except struct.error as error:
        raise MalformedPacket(f"a group's message of type {kind}: {error}") from None
    raise UnknownMessage(kind)


def _repair_request(data: bytes) -> RepairRequest:
    _, source, sequence, to, octets = _REQUEST.unpack(data)
    if to == _TO[IDENTIFIER_LENGTH]:
        return RepairRequest(source, sequence, Identifier(octets))
    if to == _TO[ENDPOINT_LENGTH]:
        return RepairRequest(source, sequence, Endpoint(octets[:ENDPOINT_LENGTH]))
    raise MalformedPacket("a repair goes to an identifier (1) or to an endpoint (2)")
