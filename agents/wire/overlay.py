"""Messages between the members of an overlay, each the body of one sealed UDP datagram.

The protocol is ours, and so are its octets; docs/wire.md has them as tables. A datagram begins with
20 octets in clear: version (1), number of the key (0: none), two octets that are 0 and not looked
at, the sender (8), and a counter (8) that never repeats for this sender. What follows is the body,
encrypted with the tag at its end, or in clear without a key. ``agents.overlay.sealing`` does that.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar, NewType

from agents.wire.errors import MalformedPacket, UnknownMessage
from agents.wire.i3 import ENDPOINT_LENGTH, Endpoint

MemberId = NewType("MemberId", bytes)
"""Eight octets that a member draws anew each time it starts."""

PORT = 4754
"""Where members receive, unless they are told otherwise."""
MEMBER_ID_LENGTH = 8
VERSION = 1
NO_KEY = 0
"""The key number of what is sent in clear."""
HEADER = struct.Struct("!BBxx8sQ")
"""Version, key number, sender, counter."""

_DIGEST_ENTRY = struct.Struct("!8sI")
_NEWS_HEAD = struct.Struct("!8sIH")
_ITEM = struct.Struct("!HIH")
_ROUTE = struct.Struct("!8sIIH")
_HOP = struct.Struct("!8sHB")
_ROUTE_ACK = struct.Struct("!8sII")
_RECEIPT = struct.Struct("!IQQ")
_DATA = struct.Struct("!8sIIQ")
DATA_HEAD = struct.Struct("!B8sIIQ")
"""What the body of ``Data`` has before the packet: type, root, tree, version, sequence."""
_NONCE = struct.Struct("!Q")
_TRANSIT = 1
_URGENT = 1


@dataclass(frozen=True, slots=True)
class Ping:
    """Are you there? Whoever answers with this nonce has this address."""

    TYPE: ClassVar[int] = 1
    nonce: int


@dataclass(frozen=True, slots=True)
class Pong:
    """The answer, and from which endpoint the question seemed to come."""

    TYPE: ClassVar[int] = 2
    nonce: int
    observed: Endpoint


@dataclass(frozen=True, slots=True)
class Digest:
    """Which version of each member's items the sender has; it asks for what is newer."""

    TYPE: ClassVar[int] = 3
    versions: tuple[tuple[MemberId, int], ...]


@dataclass(frozen=True, slots=True)
class Item:
    """What a member says under one number, its ``slot``; the newest version counts."""

    slot: int
    version: int
    content: bytes


@dataclass(frozen=True, slots=True)
class Origin:
    """Items of one member in the order of their versions: all that are newer than ``base``."""

    member: MemberId
    base: int
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class News:
    """Items of members, by whoever has them; ``urgent`` ones are told on at once."""

    TYPE: ClassVar[int] = 4
    origins: tuple[Origin, ...]
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Forwarded:
    """A body for a member that its sender cannot reach, by way of one that can."""

    TYPE: ClassVar[int] = 5
    source: MemberId
    destination: MemberId
    body: bytes


@dataclass(frozen=True, slots=True)
class Hop:
    """One member in a route; so many of the hops behind it are below it."""

    member: MemberId
    below: int
    transit: bool = False
    """It passes on what it does not want itself."""


@dataclass(frozen=True, slots=True)
class Route:
    """The part of a tree below the receiver, itself first, parents before their children."""

    TYPE: ClassVar[int] = 6
    root: MemberId
    tree: int
    version: int
    interval_ms: int
    """How often the root wants a receipt."""
    hops: tuple[Hop, ...]


@dataclass(frozen=True, slots=True)
class RouteAck:
    """The sender has that route."""

    TYPE: ClassVar[int] = 7
    root: MemberId
    tree: int
    version: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """What came by one tree: the highest sequence number, and how many in all."""

    tree: int
    highest: int
    received: int


@dataclass(frozen=True, slots=True)
class Receipts:
    """What came by the receiver's trees."""

    TYPE: ClassVar[int] = 8
    receipts: tuple[Receipt, ...]


@dataclass(frozen=True, slots=True)
class Data:
    """One IP packet on its way down a tree; without octets it shows that the tree is whole."""

    TYPE: ClassVar[int] = 9
    root: MemberId
    tree: int
    version: int
    sequence: int
    packet: bytes


Message = Ping | Pong | Digest | News | Forwarded | Route | RouteAck | Receipts | Data


def encode(message: Message) -> bytes:
    """The body of a message."""
    return bytes((message.TYPE,)) + _encode(message)


def _encode(message: Message) -> bytes:
    match message:
        case Data():
            head = _DATA.pack(message.root, message.tree, message.version, message.sequence)
            return head + message.packet
        case Ping():
            return _NONCE.pack(message.nonce)
        case Pong():
            return _NONCE.pack(message.nonce) + message.observed
        case Digest():
            return b"".join(_DIGEST_ENTRY.pack(*entry) for entry in message.versions)
        case News():
            urgent = _URGENT if message.urgent else 0
            return bytes((urgent,)) + b"".join(map(_encode_origin, message.origins))
        case Forwarded():
            return message.source + message.destination + message.body
        case Route():
            head = _ROUTE.pack(message.root, message.tree, message.version, message.interval_ms)
            hops = (
                _HOP.pack(hop.member, hop.below, _TRANSIT if hop.transit else 0)
                for hop in message.hops
            )
            return head + b"".join(hops)
        case RouteAck():
            return _ROUTE_ACK.pack(message.root, message.tree, message.version)
        case Receipts():
            return b"".join(
                _RECEIPT.pack(receipt.tree, receipt.highest, receipt.received)
                for receipt in message.receipts
            )


def _encode_origin(origin: Origin) -> bytes:
    items = (
        _ITEM.pack(item.slot, item.version, len(item.content)) + item.content
        for item in origin.items
    )
    return _NEWS_HEAD.pack(origin.member, origin.base, len(origin.items)) + b"".join(items)


def decode(body: bytes) -> Message:
    """The message of a body.

    Raises ``MalformedPacket`` for what is none, ``UnknownMessage`` for a type that is not known.
    """
    if not body:
        raise MalformedPacket("an overlay message without a type")
    decoder = _DECODERS.get(body[0])
    if decoder is None:
        raise UnknownMessage(body[0])
    try:
        return decoder(body[1:])
    except struct.error as error:
        raise MalformedPacket(f"overlay message {body[0]} that is cut off: {error}") from None


def _decode_ping(data: bytes) -> Ping:
    return Ping(*_NONCE.unpack(data))


def _decode_pong(data: bytes) -> Pong:
    if len(data) != _NONCE.size + ENDPOINT_LENGTH:
        raise MalformedPacket("a pong has a nonce and an endpoint")
    (nonce,) = _NONCE.unpack_from(data)
    return Pong(nonce, Endpoint(data[_NONCE.size :]))


def _decode_digest(data: bytes) -> Digest:
    return Digest(tuple((MemberId(i), version) for i, version in _DIGEST_ENTRY.iter_unpack(data)))


def _decode_news(data: bytes) -> News:
    if not data:
        raise MalformedPacket("news without a first octet")
    origins, offset = [], 1
    while offset < len(data):
        member, base, count = _NEWS_HEAD.unpack_from(data, offset)
        offset += _NEWS_HEAD.size
        items = []
        for _ in range(count):
            slot, version, length = _ITEM.unpack_from(data, offset)
            offset += _ITEM.size + length
            if offset > len(data):
                raise MalformedPacket("an item that is cut off")
            items.append(Item(slot, version, data[offset - length : offset]))
        origins.append(Origin(MemberId(member), base, tuple(items)))
    return News(tuple(origins), bool(data[0] & _URGENT))


def _decode_forwarded(data: bytes) -> Forwarded:
    if len(data) < 2 * MEMBER_ID_LENGTH:
        raise MalformedPacket("a forwarded message names two members")
    source, destination = data[:MEMBER_ID_LENGTH], data[MEMBER_ID_LENGTH : 2 * MEMBER_ID_LENGTH]
    return Forwarded(MemberId(source), MemberId(destination), data[2 * MEMBER_ID_LENGTH :])


def _decode_route(data: bytes) -> Route:
    """Each member once, and no more below a hop than behind it: so it is a tree."""
    root, tree, version, interval_ms = _ROUTE.unpack_from(data)
    hops = tuple(
        Hop(MemberId(member), below, bool(bits & _TRANSIT))
        for member, below, bits in _HOP.iter_unpack(data[_ROUTE.size :])
    )
    if not hops or hops[0].below != len(hops) - 1:
        raise MalformedPacket("a route does not begin with the member above all others")
    members = {hop.member for hop in hops} | {root}
    if len(members) != len(hops) + 1:
        raise MalformedPacket("a route names a member twice")
    for _ in children(hops):
        pass
    return Route(MemberId(root), tree, version, interval_ms, hops)


def children(hops: tuple[Hop, ...]) -> Iterator[tuple[Hop, ...]]:
    """The part of each child of the first hop; MalformedPacket when it is no tree."""
    offset = 1
    while offset < len(hops):
        end = offset + hops[offset].below + 1
        if end > len(hops):
            raise MalformedPacket("more hops below a member than a route has")
        yield hops[offset:end]
        offset = end


def _decode_route_ack(data: bytes) -> RouteAck:
    root, tree, version = _ROUTE_ACK.unpack(data)
    return RouteAck(MemberId(root), tree, version)


def _decode_receipts(data: bytes) -> Receipts:
    return Receipts(tuple(Receipt(*fields) for fields in _RECEIPT.iter_unpack(data)))


def _decode_data(data: bytes) -> Data:
    root, tree, version, sequence = _DATA.unpack_from(data)
    return Data(MemberId(root), tree, version, sequence, data[_DATA.size :])


_DECODERS: dict[int, Callable[[bytes], Message]] = {
    Ping.TYPE: _decode_ping,
    Pong.TYPE: _decode_pong,
    Digest.TYPE: _decode_digest,
    News.TYPE: _decode_news,
    Forwarded.TYPE: _decode_forwarded,
    Route.TYPE: _decode_route,
    RouteAck.TYPE: _decode_route_ack,
    Receipts.TYPE: _decode_receipts,
    Data.TYPE: _decode_data,
}
NAMES = {
    one.TYPE: one.__name__
    for one in (Ping, Pong, Digest, News, Forwarded, Route, RouteAck, Receipts, Data)
}
"""The messages, by the first octet of the body."""
