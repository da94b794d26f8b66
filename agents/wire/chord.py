"""What i3 servers tell each other about their ring: the octets of an i3 ``Ring`` (docs/wire.md).

The protocol is Chord (Stoica et al., "Chord: a scalable peer-to-peer lookup service for internet
applications", SIGCOMM 2001); the octets are ours. The last 16 of them are an HMAC by the key that
all servers of one infrastructure have, of both endpoints and of what is before.
"""

from __future__ import annotations

import hmac
import struct
from typing import NamedTuple

from agents.wire.errors import MalformedPacket, Unauthentic, UnknownMessage
from agents.wire.i3 import ENDPOINT_LENGTH, Endpoint

MAXIMUM_SERVERS = 16
"""How many an answer names at most in each of its lists."""
SEAL_LENGTH = 16

_ASK = struct.Struct("!BQQB")
_ANSWER = struct.Struct("!BQBBB")
_SEEK = struct.Struct(f"!BQQ{ENDPOINT_LENGTH}sB")
_LEAVING, _HAS_PREDECESSOR = 1, 2


class Ask(NamedTuple):
    """Who is next to you, and whom do you know on the way to a position?"""

    nonce: int
    position: int
    successor: bool
    """Who asks takes whom it asks for its successor: Chord's "notify"."""


class Answer(NamedTuple):
    """The answer, straight to who asked."""

    nonce: int
    leaving: bool
    """This server will be gone in a moment."""
    predecessor: Endpoint | None
    successors: tuple[Endpoint, ...]
    """The nearest first."""
    closer: tuple[Endpoint, ...]
    """Servers before the position, the closest first."""


class Seek(NamedTuple):
    """An end host's ``Locate``, on its way to the server that has the position."""

    nonce: int
    position: int
    asker: Endpoint
    hops: int


Message = Ask | Answer | Seek
ASK, ANSWER, SEEK = range(1, 4)


def seal(message: Message, key: bytes, source: Endpoint, destination: Endpoint) -> bytes:
    """The octets of a message from one server to another."""
    octets = _encode(message)
    return octets + _seal(octets, key, source, destination)


def unseal(data: bytes, key: bytes, source: Endpoint, destination: Endpoint) -> Message:
    """The message in the octets that came from one server to another.

    Raises ``Unauthentic`` if who sent it has not the key, ``MalformedPacket`` for what is none,
    ``UnknownMessage`` for a type that is not known.
    """
    octets, sealed = data[:-SEAL_LENGTH], data[-SEAL_LENGTH:]
    if not hmac.compare_digest(sealed, _seal(octets, key, source, destination)):
        raise Unauthentic("this is not from a server of this infrastructure")
    return _decode(octets)


def _seal(octets: bytes, key: bytes, source: Endpoint, destination: Endpoint) -> bytes:
    return hmac.digest(key, source + destination + octets, "sha256")[:SEAL_LENGTH]


def _encode(message: Message) -> bytes:
    if isinstance(message, Ask):
        return _ASK.pack(ASK, *message)
    if isinstance(message, Seek):
        return _SEEK.pack(SEEK, *message)
    flags = _LEAVING * message.leaving
    named = [*message.successors, *message.closer]
    if message.predecessor is not None:
        flags |= _HAS_PREDECESSOR
        named.insert(0, message.predecessor)
    numbers = len(message.successors), len(message.closer)
    return _ANSWER.pack(ANSWER, message.nonce, flags, *numbers) + b"".join(named)


def _decode(octets: bytes) -> Message:
    kind = octets[0] if octets else 0
    try:
        if kind == ASK:
            _, nonce, position, successor = _ASK.unpack(octets)
            return Ask(nonce, position, bool(successor))
        if kind == SEEK:
            _, nonce, position, asker, hops = _SEEK.unpack(octets)
            return Seek(nonce, position, Endpoint(asker), hops)
        if kind == ANSWER:
            return _answer(octets)
    except struct.error as error:
        raise MalformedPacket(f"a ring's message of type {kind}: {error}") from None
    raise UnknownMessage(kind)


def _answer(octets: bytes) -> Answer:
    _, nonce, flags, successors, closer = _ANSWER.unpack_from(octets)
    first = bool(flags & _HAS_PREDECESSOR)
    if max(successors, closer) > MAXIMUM_SERVERS:
        raise MalformedPacket(f"an answer names {MAXIMUM_SERVERS} servers of a kind at most")
    if len(octets) != _ANSWER.size + (first + successors + closer) * ENDPOINT_LENGTH:
        raise MalformedPacket("an answer is as long as the servers that it names")
    named = [
        Endpoint(octets[start : start + ENDPOINT_LENGTH])
        for start in range(_ANSWER.size, len(octets), ENDPOINT_LENGTH)
    ]
    return Answer(
        nonce,
        bool(flags & _LEAVING),
        named[0] if first else None,
        tuple(named[first : first + successors]),
        tuple(named[first + successors :]),
    )
