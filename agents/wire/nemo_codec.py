"""Writes and reads the messages of ``agents.wire.nemo``."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from ipaddress import IPv6Address

from agents.wire.addresses import shared_address
from agents.wire.errors import MalformedPacket, UnknownMessage
from agents.wire.i3 import ENDPOINT_LENGTH, Endpoint
from agents.wire.nemo import (
    MAXIMUM_LAYERS,
    MAXIMUM_MISSING,
    Alive,
    Data,
    Find,
    Join,
    Lead,
    Leave,
    Members,
    Message,
    Move,
    Nack,
    Peer,
    Ping,
    Pong,
    Query,
    Register,
    Root,
    Seat,
    View,
    Way,
)
from agents.wire.overlay import MEMBER_ID_LENGTH, MemberId

_NONCE = struct.Struct("!Q")
_PLACE = struct.Struct("!16sB")
_PEER_LENGTH = MEMBER_ID_LENGTH + ENDPOINT_LENGTH
_DISTANCE = struct.Struct("!8sH")
_DATA = struct.Struct("!16s8sQBB8sQ16s")
_NACK = struct.Struct("!16s8s")
_SEQUENCE = struct.Struct("!Q")


def encode(message: Message) -> bytes:
    """The body of a message."""
    return bytes((message.TYPE,)) + _encode(message)


def _encode(message: Message) -> bytes:
    match message:
        case Data(group, publisher, sequence, way, layer, skip, had, source, packet):
            head = (group.packed, publisher, sequence, way, layer, skip, had, source.packed)
            return _DATA.pack(*head) + packet
        case Ping(nonce) | Pong(nonce):
            return _NONCE.pack(nonce)
        case Find(group):
            return group.packed
        case Nack(group, publisher, missing):
            head_octets = _NACK.pack(group.packed, publisher)
            return head_octets + b"".join(map(_SEQUENCE.pack, missing))
        case _:
            return _PLACE.pack(message.group.packed, message.layer) + _encode_rest(message)


def _encode_rest(message: Message) -> bytes:
    """What comes after group and layer."""
    match message:
        case Root(_, _, peers) | Register(_, _, peers) | Members(_, _, peers) | Join(_, _, peers):
            return _encode_peers(peers)
        case View(_, _, after, seats, crew, above):
            counted = bytes((len(crew),)) + b"".join(crew)
            return after + _encode_seats(seats) + counted + _encode_peers(above)
        case Alive(_, _, crew, distances):
            return _encode_peers(crew) + b"".join(_DISTANCE.pack(*each) for each in distances)
        case Lead(_, _, seats, above):
            return _encode_seats(seats) + _encode_peers(above)
        case Move(_, _, to):
            return b"".join(to)
        case _:  # Query, Leave
            return b""


def _encode_peers(peers: Iterable[Peer]) -> bytes:
    octets = b"".join(b"".join(peer) for peer in peers)
    return bytes((len(octets) // _PEER_LENGTH,)) + octets


def _encode_seats(seats: tuple[Seat, ...]) -> bytes:
    parts = (b"".join(seat.peer) + _encode_peers(seat.crew) for seat in seats)
    return bytes((len(seats),)) + b"".join(parts)


def decode(body: bytes) -> Message:
    """The message of a body.

    Raises ``MalformedPacket`` for what is none, ``UnknownMessage`` for a type that is not known.
    """
    if not body:
        raise MalformedPacket("a NEMO message without a type")
    decoder = _DECODERS.get(body[0])
    if decoder is None:
        raise UnknownMessage(body[0])
    try:
        return decoder(_Reader(body[1:]))
    except struct.error as error:
        raise MalformedPacket(f"NEMO message {body[0]} that is cut off: {error}") from None


class _Reader:
    """Takes the fields of a message one after another; ``MalformedPacket`` where they end early."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, length: int) -> bytes:
        octets = self._data[self._at : self._at + length]
        if len(octets) != length:
            raise MalformedPacket("a NEMO message that is cut off")
        self._at += length
        return octets

    def rest(self) -> bytes:
        return self.take(len(self._data) - self._at)

    def end(self) -> None:
        if self._at != len(self._data):
            raise MalformedPacket("a NEMO message with octets at its end")

    def place(self) -> tuple[IPv6Address, int]:
        """Group and layer."""
        group, layer = _PLACE.unpack(self.take(_PLACE.size))
        return shared_address(group), _layer(layer)

    def peer(self) -> Peer:
        return Peer(MemberId(self.take(MEMBER_ID_LENGTH)), Endpoint(self.take(ENDPOINT_LENGTH)))

    def peers(self) -> tuple[Peer, ...]:
        return tuple(self.peer() for _ in range(self.take(1)[0]))

    def seats(self) -> tuple[Seat, ...]:
        return tuple(Seat(self.peer(), self.peers()) for _ in range(self.take(1)[0]))

    def members(self) -> tuple[MemberId, ...]:
        return tuple(MemberId(self.take(MEMBER_ID_LENGTH)) for _ in range(self.take(1)[0]))


def _layer(number: int) -> int:
    if number >= MAXIMUM_LAYERS:
        raise MalformedPacket(f"NEMO layer {number}")
    return number


def _decode_nonce(kind: type[Ping] | type[Pong]) -> Callable[[_Reader], Message]:
    return lambda reader: kind(*_NONCE.unpack(reader.rest()))


def _decode_find(reader: _Reader) -> Find:
    group = shared_address(reader.take(16))
    reader.end()
    return Find(group)


_Peers = type[Root] | type[Register] | type[Members] | type[Join]


def _decode_peers(kind: _Peers) -> Callable[[_Reader], Message]:
    def decoder(reader: _Reader) -> Message:
        message = kind(*reader.place(), reader.peers())
        reader.end()
        return message

    return decoder


def _decode_place(kind: type[Query] | type[Leave]) -> Callable[[_Reader], Message]:
    def decoder(reader: _Reader) -> Message:
        message = kind(*reader.place())
        reader.end()
        return message

    return decoder


def _decode_view(reader: _Reader) -> View:
    group, layer = reader.place()
    after = MemberId(reader.take(MEMBER_ID_LENGTH))
    view = View(group, layer, after, reader.seats(), reader.members(), reader.peers())
    reader.end()
    return view


def _decode_alive(reader: _Reader) -> Alive:
    group, layer = reader.place()
    crew = reader.peers()
    distances = _DISTANCE.iter_unpack(reader.rest())
    return Alive(group, layer, crew, tuple((MemberId(m), ms) for m, ms in distances))


def _decode_lead(reader: _Reader) -> Lead:
    lead = Lead(*reader.place(), reader.seats(), reader.peers())
    reader.end()
    return lead


def _decode_move(reader: _Reader) -> Move:
    move = Move(*reader.place(), reader.peer())
    reader.end()
    return move


def _decode_data(reader: _Reader) -> Data:
    fields = _DATA.unpack(reader.take(_DATA.size))
    group, publisher, sequence, way, layer, skip, had, source = fields
    if way not in _WAYS:
        raise MalformedPacket(f"NEMO data on way {way}")
    ids = MemberId(publisher), sequence, Way(way), _layer(layer), MemberId(skip), had
    return Data(shared_address(group), *ids, shared_address(source), reader.rest())


def _decode_nack(reader: _Reader) -> Nack:
    group, publisher = _NACK.unpack(reader.take(_NACK.size))
    missing = tuple(sequence for (sequence,) in _SEQUENCE.iter_unpack(reader.rest()))
    if not 0 < len(missing) <= MAXIMUM_MISSING:
        raise MalformedPacket(f"a Nack of {len(missing)} packets")
    return Nack(shared_address(group), MemberId(publisher), missing)


_WAYS = frozenset(Way)
_DECODERS: dict[int, Callable[[_Reader], Message]] = {
    Ping.TYPE: _decode_nonce(Ping),
    Pong.TYPE: _decode_nonce(Pong),
    Find.TYPE: _decode_find,
    Root.TYPE: _decode_peers(Root),
    Register.TYPE: _decode_peers(Register),
    Query.TYPE: _decode_place(Query),
    Members.TYPE: _decode_peers(Members),
    Join.TYPE: _decode_peers(Join),
    Leave.TYPE: _decode_place(Leave),
    View.TYPE: _decode_view,
    Alive.TYPE: _decode_alive,
    Lead.TYPE: _decode_lead,
    Move.TYPE: _decode_move,
    Data.TYPE: _decode_data,
    Nack.TYPE: _decode_nack,
}
