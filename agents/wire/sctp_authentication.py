"""Authenticated chunks of SCTP (RFC 4895): what both ends say of them, their key, the AUTH chunk.

What an end says, its random number, the chunks that it takes with authentication only, and the
algorithms that it knows, goes into the key. So every association has a key of its own.
"""

from __future__ import annotations

import hmac
import struct
from dataclasses import dataclass, replace

from agents.wire import sctp_chunks as chunks
from agents.wire.sctp import Packet
from agents.wire.sctp_chunks import Authentication

RANDOM_LENGTH = 32

_SHARED_KEY = 1
"""The identifier of the key that both ends were given; 0 is that of an empty one."""
_ALGORITHMS = {3: ("sha256", 32), 1: ("sha1", 20)}
"""By identifier (section 3.3), the better one first; the second is mandatory."""
_CHUNKS = bytes(
    kind.TYPE
    for kind in (
        chunks.Data,
        chunks.Sack,
        chunks.Heartbeat,
        chunks.HeartbeatAck,
        chunks.Abort,
        chunks.Shutdown,
        chunks.ShutdownAck,
        chunks.Error,
        chunks.CookieEcho,
        chunks.CookieAck,
    )
)
"""All that may be listed (section 3.2): not INIT, INIT ACK and SHUTDOWN COMPLETE."""


@dataclass(frozen=True)
class Key:
    """An association's key, and the algorithm that the peer wants."""

    secret: bytes
    algorithm: int


def key_vector(random: bytes) -> bytes:
    """The three parameters of an INIT or INIT ACK, without padding (section 6.1)."""
    algorithms = struct.pack(f"!{len(_ALGORITHMS)}H", *_ALGORITHMS)
    values = {
        chunks.RANDOM: random,
        chunks.CHUNK_LIST: _CHUNKS,
        chunks.ALGORITHMS: algorithms,
    }
    return b"".join(chunks.parameter(kind, value) for kind, value in values.items())


def association_key(shared: bytes, ours: bytes, peers: bytes) -> Key | None:
    """The key of the association in which both ends have sent these vectors (section 6.1).

    None when the peer's is not one: a random number and a known algorithm are needed, and not ours.
    """
    parameters = chunks.parameters(peers)
    offered = parameters.get(chunks.ALGORITHMS, b"")
    wanted = [n for (n,) in struct.iter_unpack("!H", offered[: len(offered) // 2 * 2])]
    known = [algorithm for algorithm in wanted if algorithm in _ALGORITHMS]
    if len(parameters.get(chunks.RANDOM, b"")) != RANDOM_LENGTH or not known or ours == peers:
        return None
    first, second = sorted((ours, peers), key=lambda vector: int.from_bytes(vector, "big"))
    return Key(shared + first + second, known[0])


def seal(packet: Packet, key: Key) -> Packet:
    """The packet with an AUTH chunk before all others."""
    name, length = _ALGORITHMS[key.algorithm]
    blank = Authentication(_SHARED_KEY, key.algorithm, bytes(length))
    covered = chunks.encode_chunks((blank, *packet.chunks))
    first = replace(blank, code=hmac.digest(key.secret, covered, name))
    return replace(packet, chunks=(first, *packet.chunks))


def is_authentic(packet: Packet, key: Key) -> bool:
    """Whether a packet that was decoded has an AUTH chunk that is right for all behind it."""
    chunk = packet.authentication
    if chunk is None or chunk.algorithm not in _ALGORITHMS:
        return False
    name, _ = _ALGORITHMS[chunk.algorithm]
    code = hmac.digest(key.secret, packet.covered, name)
    return chunk.key == _SHARED_KEY and hmac.compare_digest(chunk.code, code)
