"""Messages between i3 servers and those who use them, each one UDP datagram (docs/wire.md).

i3 is the Internet Indirection Infrastructure: who sends, sends to an identifier; who wants to
receive has put a trigger there. No standard fixes its octets, so the format is ours. Each message
begins with four octets: version (1), type, hops left, and a reserved one that is 0 and not looked
at. Identifiers take 32 octets; an endpoint takes 18, an IPv6 address and a UDP port.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv6Address
from typing import ClassVar, NamedTuple, NewType

from agents.wire.errors import MalformedPacket, UnknownMessage

Identifier = NewType("Identifier", bytes)
"""256 bits to which packets are sent, and at which triggers are."""
Endpoint = NewType("Endpoint", bytes)
"""An IPv6 address (or an IPv4 one, mapped) and a UDP port, as on the wire."""
Target = Identifier | Endpoint
"""Where a trigger points; the length says which of the two it is."""

IDENTIFIER_LENGTH = 32
ENDPOINT_LENGTH = 18
TOKEN_LENGTH = 16
NO_TOKEN = bytes(TOKEN_LENGTH)
HOP_LIMIT = 64
"""How many times a packet goes from one trigger, or one server, to the next at most."""

_VERSION = 1
_PACKET = 1
"""The type of a Packet."""
_HEADER = struct.Struct("!BBBx")
_PORT = struct.Struct("!H")
_LIFETIME = struct.Struct("!H")
_LOCATE = struct.Struct("!QQ")
_RESPONSIBLE = struct.Struct("!QQQ")
_TARGET_LENGTHS = {1: IDENTIFIER_LENGTH, 2: ENDPOINT_LENGTH}


def endpoint(address: IPv6Address, port: int) -> Endpoint:
    """The endpoint of an address and a UDP port."""
    return Endpoint(address.packed + _PORT.pack(port))


def address_and_port(target: Endpoint) -> tuple[IPv6Address, int]:
    """The address and the UDP port of an endpoint."""
    return IPv6Address(target[:16]), int(_PORT.unpack_from(target, 16)[0])


def endpoint_text(target: Endpoint) -> str:
    """An endpoint for people."""
    address, port = address_and_port(target)
    return f"[{address}]:{port}" if address.ipv4_mapped is None else f"{address.ipv4_mapped}:{port}"


def is_endpoint(target: Target) -> bool:
    """Whether a trigger's target is an endpoint, and not another identifier."""
    return len(target) == ENDPOINT_LENGTH


class Reason(IntEnum):
    """Why a server refuses a trigger."""

    IDENTIFIER_FULL = 1
    """The identifier has as many triggers as one may have."""
    SERVER_FULL = 2
    UNCONSTRAINED = 3
    """It points to an identifier that is not derived from its own, nor its own from that."""
    ELSEWHERE = 4
    """Another server has the identifier."""


class Packet(NamedTuple):
    """Data for whoever has a trigger at the identifier: a tuple, as most of what is sent is one."""

    identifier: Identifier
    data: bytes
    hops: int = HOP_LIMIT


@dataclass(frozen=True, slots=True)
class Insert:
    """Put a trigger there, or keep it there; the token proves who receives at the endpoint."""

    TYPE: ClassVar[int] = 2
    identifier: Identifier
    target: Target
    token: bytes = NO_TOKEN


@dataclass(frozen=True, slots=True)
class Remove:
    """Take one's trigger away."""

    TYPE: ClassVar[int] = 3
    identifier: Identifier
    target: Target
    token: bytes = NO_TOKEN


@dataclass(frozen=True, slots=True)
class Challenge:
    """Say it again with this token: sent to the endpoint that a request claims to be of."""

    TYPE: ClassVar[int] = 4
    identifier: Identifier
    target: Target
    token: bytes


@dataclass(frozen=True, slots=True)
class Accepted:
    """The trigger is there, for so many seconds."""

    TYPE: ClassVar[int] = 5
    identifier: Identifier
    target: Target
    lifetime: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The trigger is not there."""

    TYPE: ClassVar[int] = 6
    identifier: Identifier
    target: Target
    reason: Reason


@dataclass(frozen=True, slots=True)
class Locate:
    """Which server has the identifiers that begin with this position? Each server passes it on."""

    TYPE: ClassVar[int] = 7
    nonce: int
    position: int


@dataclass(frozen=True, slots=True)
class Responsible:
    """Who says this has all identifiers whose first 64 bits are in (after, up_to]."""

    TYPE: ClassVar[int] = 8
    nonce: int
    after: int
    up_to: int


@dataclass(frozen=True, slots=True)
class Ring:
    """What one server tells another about the ring of servers (``agents.wire.chord``)."""

    TYPE: ClassVar[int] = 9
    octets: bytes


Message = Packet | Insert | Remove | Challenge | Accepted | Refused | Locate | Responsible | Ring
_WITH_TOKEN: dict[int, type[Insert] | type[Remove] | type[Challenge]] = {
    message.TYPE: message for message in (Insert, Remove, Challenge)
}


def encode(message: Message) -> bytes:
    """The datagram of a message."""
    if isinstance(message, Packet):
        header = _HEADER.pack(_VERSION, _PACKET, message.hops)
        return header + message.identifier + message.data
    if isinstance(message, Locate | Responsible | Ring):
        return _HEADER.pack(_VERSION, message.TYPE, 0) + _about_servers(message)
    kind = 2 if is_endpoint(message.target) else 1
    head = _HEADER.pack(_VERSION, message.TYPE, 0) + message.identifier
    head += bytes([kind]) + message.target
    if isinstance(message, Accepted):
        return head + _LIFETIME.pack(message.lifetime)
    if isinstance(message, Refused):
        return head + bytes([message.reason])
    return head + message.token


def decode(data: bytes) -> Message:
    """The message of a datagram.

    Raises ``MalformedPacket`` for what is none, ``UnknownMessage`` for a type that is not known.
    """
    if len(data) < _HEADER.size:
        raise MalformedPacket("an i3 message is at least a header")
    version, kind, hops = _HEADER.unpack_from(data)
    if version != _VERSION:
        raise MalformedPacket(f"i3 messages have version {_VERSION}, this has {version}")
    body = data[_HEADER.size :]
    if kind == Ring.TYPE:
        return Ring(body)
    if kind == Locate.TYPE:
        return Locate(*_LOCATE.unpack(_exactly(body, _LOCATE.size)))
    if kind == Responsible.TYPE:
        return Responsible(*_RESPONSIBLE.unpack(_exactly(body, _RESPONSIBLE.size)))
    return _about_an_identifier(kind, hops, body)


def _about_servers(message: Locate | Responsible | Ring) -> bytes:
    if isinstance(message, Locate):
        return _LOCATE.pack(message.nonce, message.position)
    if isinstance(message, Responsible):
        return _RESPONSIBLE.pack(message.nonce, message.after, message.up_to)
    return message.octets


def _about_an_identifier(kind: int, hops: int, body: bytes) -> Message:
    if len(body) < IDENTIFIER_LENGTH:
        raise MalformedPacket("an identifier has 32 octets")
    identifier, rest = Identifier(body[:IDENTIFIER_LENGTH]), body[IDENTIFIER_LENGTH:]
    if kind == _PACKET:
        return Packet(identifier, rest, hops)
    if kind not in _WITH_TOKEN and kind not in (Accepted.TYPE, Refused.TYPE):
        raise UnknownMessage(kind)
    target, tail = _target(rest)
    if kind in _WITH_TOKEN:
        return _WITH_TOKEN[kind](identifier, target, _exactly(tail, TOKEN_LENGTH))
    if kind == Accepted.TYPE:
        (lifetime,) = _LIFETIME.unpack(_exactly(tail, _LIFETIME.size))
        return Accepted(identifier, target, lifetime)
    (reason,) = _exactly(tail, 1)
    if reason not in Reason.__members__.values():
        raise MalformedPacket(f"no reason has the number {reason}")
    return Refused(identifier, target, Reason(reason))


def _target(data: bytes) -> tuple[Target, bytes]:
    """The target with which these octets begin, and what is behind it."""
    length = _TARGET_LENGTHS.get(data[0]) if data else None
    if length is None or len(data) <= length:
        raise MalformedPacket("a trigger points to an identifier (1) or to an endpoint (2)")
    octets, tail = data[1 : 1 + length], data[1 + length :]
    return (Identifier(octets) if length == IDENTIFIER_LENGTH else Endpoint(octets)), tail


def _exactly(data: bytes, length: int) -> bytes:
    if len(data) != length:
        raise MalformedPacket(f"{length} octets belong here, {len(data)} are")
    return data
