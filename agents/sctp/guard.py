"""Associations under a key: who may begin one, and which packets are believed (RFC 4895)."""

from __future__ import annotations

from random import Random

from agents.deadlines import Deadlines
from agents.sctp.cookie import LIFETIME, Cookie
from agents.wire import sctp_authentication
from agents.wire.sctp import Packet
from agents.wire.sctp_authentication import RANDOM_LENGTH, Key
from agents.wire.sctp_chunks import Chunk, InitAck, ShutdownComplete


class Guard:
    """Lets everything pass without a ``shared`` key. ``unauthentic`` counts what does not."""

    def __init__(self, shared: bytes | None, random: Random) -> None:
        self._shared = shared
        self._random = random
        self._used: Deadlines[int] = Deadlines()
        self.unauthentic = 0

    @property
    def has_key(self) -> bool:
        """Whether packets have to prove who sent them."""
        return self._shared is not None

    def vector(self) -> bytes:
        """What goes into the INIT or INIT ACK of an association: it is for that one alone."""
        if self._shared is None:
            return b""
        return sctp_authentication.key_vector(self._random.randbytes(RANDOM_LENGTH))

    def agree(self, ours: bytes, peers: bytes) -> Key | None:
        """The key of an association; without one it may only begin where there is no shared key."""
        if self._shared is None:
            return None
        return sctp_authentication.association_key(self._shared, ours, peers)

    def may_begin(self, key: Key | None) -> bool:
        """Whether the peer has offered what it takes."""
        return self._passes(key is not None)

    def chunks(self, packet: Packet) -> tuple[Chunk, ...]:
        """Those that count if the packet is admitted: what AUTH is for, if there is a key."""
        if self._shared is None or packet.authentication is None:
            return packet.plain
        return packet.sealed

    def admits(self, packet: Packet, key: Key | None) -> bool:
        """Whether a packet is the peer's: of two chunks nobody can show that (section 3.2)."""
        alone = len(packet.chunks) == 1 and isinstance(packet.chunks[0], InitAck | ShutdownComplete)
        return alone or self._passes(
            key is not None and sctp_authentication.is_authentic(packet, key)
        )

    def is_new(self, cookie: Cookie, now: int) -> bool:
        """Whether a cookie did not begin an association before: its packets could be replayed."""
        for _ in self._used.due(now):
            pass  # too old to be accepted again
        new = cookie.tag not in self._used
        self._used.set(cookie.tag, cookie.made + LIFETIME + 1)
        return self._passes(new)

    def _passes(self, right: bool) -> bool:
        passes = right or self._shared is None
        self.unauthentic += not passes
        return passes
