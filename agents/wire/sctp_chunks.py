"""SCTP chunks (RFC 9260 section 3.3): as much as one stream of whole messages takes."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from agents.wire.errors import MalformedPacket

_CHUNK = struct.Struct("!BBH")
_PARAMETER = struct.Struct("!HH")
_INIT = struct.Struct("!IIHHI")
_DATA = struct.Struct("!IHHI")
_SACK = struct.Struct("!IIHH")
_TSN = struct.Struct("!I")
_PAIR = struct.Struct("!HH")
_AUTHENTICATION = struct.Struct("!HH")
_STATE_COOKIE = 7
RANDOM, CHUNK_LIST, ALGORITHMS = 0x8002, 0x8003, 0x8004
"""The parameters of RFC 4895, in the order of a key vector."""
_WHOLE = 0x03  # the flags B and E of a DATA chunk: not a fragment
_UNORDERED = 0x04  # the flag U of a DATA chunk
_MINIMUM_WINDOW = 1500
_SKIP = 0x80
"""The bit in the type of a chunk that is not known: what is behind it is looked at."""
_CONTINUE = 0x8000
"""The same in the type of a parameter."""
_KNOWN_PARAMETERS = frozenset({1, 5, 6, _STATE_COOKIE, 8, 9, 11, 12})
"""Those of RFC 9260 section 3.3 without that bit."""
_REFLECTED = 0x01  # the flag T: the tag is the receiver's own, as the sender has no association


@dataclass(frozen=True)
class Init:
    """INIT: an association is asked for (section 3.3.2)."""

    TYPE: ClassVar[int] = 1
    tag: int
    window: int
    tsn: int
    key_vector: bytes = b""
    """What it says of authentication: the parameters without their padding (RFC 4895)."""


@dataclass(frozen=True)
class InitAck:
    """INIT ACK: the same of the other side, and all its state in a cookie (section 3.3.3)."""

    TYPE: ClassVar[int] = 2
    tag: int
    window: int
    tsn: int
    cookie: bytes
    key_vector: bytes = b""


@dataclass(frozen=True)
class CookieEcho:
    """COOKIE ECHO (section 3.3.11)."""

    TYPE: ClassVar[int] = 10
    cookie: bytes


@dataclass(frozen=True)
class CookieAck:
    """COOKIE ACK: the association stands (section 3.3.12)."""

    TYPE: ClassVar[int] = 11


@dataclass(frozen=True)
class Data:
    """DATA: one whole message of a stream (section 3.3.1); ``protocol`` is its identifier.

    ``sequence`` means nothing where it is ``unordered``.
    """

    TYPE: ClassVar[int] = 0
    tsn: int
    sequence: int
    payload: bytes
    stream: int = 0
    protocol: int = 0
    unordered: bool = False


@dataclass(frozen=True)
class Sack:
    """SACK: all up to ``cumulative`` has come, and these ranges beyond it (section 3.3.4)."""

    TYPE: ClassVar[int] = 3
    cumulative: int
    window: int
    gaps: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Heartbeat:
    """HEARTBEAT: is there anybody (section 3.3.5)? ``information`` is its parameter as it came."""

    TYPE: ClassVar[int] = 4
    information: bytes


@dataclass(frozen=True)
class HeartbeatAck:
    """HEARTBEAT ACK, with the same information (section 3.3.6)."""

    TYPE: ClassVar[int] = 5
    information: bytes


@dataclass(frozen=True)
class Shutdown:
    """SHUTDOWN: nothing more will be sent (section 3.3.8)."""

    TYPE: ClassVar[int] = 7
    cumulative: int


@dataclass(frozen=True)
class ShutdownAck:
    """SHUTDOWN ACK (section 3.3.9)."""

    TYPE: ClassVar[int] = 8


@dataclass(frozen=True)
class ShutdownComplete:
    """SHUTDOWN COMPLETE (section 3.3.13)."""

    TYPE: ClassVar[int] = 14
    reflected: bool = False


@dataclass(frozen=True)
class Abort:
    """ABORT: the association is no more (section 3.3.7)."""

    TYPE: ClassVar[int] = 6
    reflected: bool = False


@dataclass(frozen=True)
class Error:
    """ERROR: what the sender did not like (section 3.3.10); it ends nothing."""

    TYPE: ClassVar[int] = 9
    causes: bytes


@dataclass(frozen=True)
class Authentication:
    """AUTH: the chunks behind are the sender's (RFC 4895 section 4.1)."""

    TYPE: ClassVar[int] = 15
    key: int
    algorithm: int
    code: bytes


Chunk = (
    Init
    | InitAck
    | CookieEcho
    | CookieAck
    | Data
    | Sack
    | Heartbeat
    | HeartbeatAck
    | Shutdown
    | ShutdownAck
    | ShutdownComplete
    | Abort
    | Error
    | Authentication
)


def encode_chunks(chunks: Iterable[Chunk]) -> bytes:
    """The chunks as they follow the header, with their padding."""
    return b"".join(map(_encode_chunk, chunks))


def decode_chunks(data: bytes, offset: int) -> Iterator[tuple[int, Chunk]]:
    """Where each chunk from an offset on is, and the chunk.

    One that is not known ends it, or is left out: its type says which (section 3.2).
    """
    while offset < len(data):
        if offset + _CHUNK.size > len(data):
            raise MalformedPacket("SCTP chunk that is cut off")
        kind, flags, length = _CHUNK.unpack_from(data, offset)
        end = offset + length
        if length < _CHUNK.size or end > len(data):
            raise MalformedPacket(f"SCTP chunk {kind} of {length} octets")
        chunk = _decode_chunk(kind, flags, data[offset + _CHUNK.size : end])
        if chunk is not None:
            yield offset, chunk
        elif not kind & _SKIP:
            return
        offset = end + -end % 4


def without_code(chunks: bytes, length: int) -> bytes:
    """What the code of an AUTH chunk, which is the first, is for: it counts as zeros."""
    start = _CHUNK.size + _AUTHENTICATION.size
    return chunks[:start] + bytes(length) + chunks[start + length :]


def parameter(kind: int, value: bytes) -> bytes:
    """A parameter, without padding."""
    return _PARAMETER.pack(kind, _PARAMETER.size + len(value)) + value


def parameters(vector: bytes) -> dict[int, bytes]:
    """The values of the parameters of a key vector, which have no padding between them."""
    return dict(_parameters(vector, alignment=1))


def _encode_chunk(chunk: Chunk) -> bytes:
    flags, value = _value(chunk)
    encoded = _CHUNK.pack(chunk.TYPE, flags, _CHUNK.size + len(value)) + value
    return encoded + bytes(-len(encoded) % 4)


def _value(chunk: Chunk) -> tuple[int, bytes]:
    """A chunk's flags and value."""
    if isinstance(chunk, Init | InitAck):
        value = _INIT.pack(chunk.tag, chunk.window, 1, 1, chunk.tsn)
        encoded = [parameter(*item) for item in parameters(chunk.key_vector).items()]
        if isinstance(chunk, InitAck):
            encoded.append(parameter(_STATE_COOKIE, chunk.cookie))
        for one in encoded:  # the padding of the last one is the chunk's
            value += bytes(-len(value) % 4) + one
        return 0, value
    if isinstance(chunk, Authentication):
        return 0, _AUTHENTICATION.pack(chunk.key, chunk.algorithm) + chunk.code
    if isinstance(chunk, CookieEcho):
        return 0, chunk.cookie
    if isinstance(chunk, Data):
        head = _DATA.pack(chunk.tsn, chunk.stream, chunk.sequence, chunk.protocol)
        return _WHOLE | _UNORDERED * chunk.unordered, head + chunk.payload
    if isinstance(chunk, Sack):
        head = _SACK.pack(chunk.cumulative, chunk.window, len(chunk.gaps), 0)
        return 0, head + b"".join(_PAIR.pack(*gap) for gap in chunk.gaps)
    if isinstance(chunk, Heartbeat | HeartbeatAck):
        return 0, chunk.information
    if isinstance(chunk, Shutdown):
        return 0, _TSN.pack(chunk.cumulative)
    if isinstance(chunk, Abort | ShutdownComplete):
        return _REFLECTED if chunk.reflected else 0, b""
    if isinstance(chunk, Error):
        return 0, chunk.causes
    return 0, b""


def _decode_chunk(kind: int, flags: int, value: bytes) -> Chunk | None:
    try:
        if kind in (Init.TYPE, InitAck.TYPE):
            return _greeting(kind, value)
        if kind == Data.TYPE:
            tsn, stream, sequence, protocol = _DATA.unpack_from(value)
            if flags & _WHOLE != _WHOLE or len(value) == _DATA.size:
                raise MalformedPacket("SCTP fragment, or DATA without any")
            unordered = bool(flags & _UNORDERED)
            return Data(tsn, sequence, value[_DATA.size :], stream, protocol, unordered)
        if kind == Sack.TYPE:
            cumulative, window, gaps, _ = _SACK.unpack_from(value)
            pairs = (_PAIR.unpack_from(value, _SACK.size + 4 * n) for n in range(gaps))
            return Sack(cumulative, window, tuple((start, end) for start, end in pairs))
        if kind == Authentication.TYPE:
            key, algorithm = _AUTHENTICATION.unpack_from(value)
            return Authentication(key, algorithm, value[_AUTHENTICATION.size :])
        if kind == Shutdown.TYPE:
            return Shutdown(*_TSN.unpack_from(value))
    except struct.error as error:
        raise MalformedPacket(f"SCTP chunk {kind} of {len(value)} octets") from error
    if kind in (Abort.TYPE, ShutdownComplete.TYPE):
        reflected = bool(flags & _REFLECTED)
        return Abort(reflected) if kind == Abort.TYPE else ShutdownComplete(reflected)
    if kind == CookieEcho.TYPE:
        return CookieEcho(value)
    if kind == Heartbeat.TYPE:
        return Heartbeat(value)
    if kind == HeartbeatAck.TYPE:
        return HeartbeatAck(value)
    if kind == CookieAck.TYPE:
        return CookieAck()
    if kind == Error.TYPE:
        return Error(value)
    return ShutdownAck() if kind == ShutdownAck.TYPE else None


def _greeting(kind: int, value: bytes) -> Init | InitAck:
    """INIT or INIT ACK, which have the same layout (sections 3.3.2 and 3.3.3)."""
    tag, window, outbound, inbound, tsn = _INIT.unpack_from(value)
    if window < _MINIMUM_WINDOW or not outbound or not inbound:
        raise MalformedPacket(f"SCTP association without streams, or a window of {window}")
    rest = value[_INIT.size :]
    if kind == Init.TYPE:
        return Init(tag, window, tsn, _key_vector(rest))
    return InitAck(tag, window, tsn, _cookie(rest), _key_vector(rest))


def _cookie(data: bytes) -> bytes:
    """The State Cookie among the parameters of an INIT ACK."""
    cookie = dict(_parameters(data)).get(_STATE_COOKIE)
    if cookie is None:
        raise MalformedPacket("INIT ACK without a cookie")
    return cookie


def _key_vector(data: bytes) -> bytes:
    """What the parameters of an INIT or INIT ACK say of authentication."""
    found = dict(_parameters(data))
    vector = (RANDOM, CHUNK_LIST, ALGORITHMS)
    return b"".join(parameter(kind, found[kind]) for kind in vector if kind in found)


def _parameters(data: bytes, *, alignment: int = 4) -> Iterator[tuple[int, bytes]]:
    """Types and values, as far as they are whole and may be looked at (section 3.2.1)."""
    offset = 0
    while offset + _PARAMETER.size <= len(data):
        kind, length = _PARAMETER.unpack_from(data, offset)
        end = offset + length
        if length < _PARAMETER.size or end > len(data):
            return
        if not kind & _CONTINUE and kind not in _KNOWN_PARAMETERS:
            return
        yield kind, data[offset + _PARAMETER.size : end]
        offset = end + -end % alignment
