"""Where other members are, and how far."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

from agents.core import MILLISECOND, SECOND
from agents.wire.i3 import ENDPOINT_LENGTH, Endpoint
from agents.wire.nemo import Peer
from agents.wire.overlay import MemberId

NOWHERE = Endpoint(bytes(ENDPOINT_LENGTH))
"""Where the sender of a message says that it is: others see that better."""

_MEMBERS = 8192
_PENDING = 1024
_FRESH = 10 * SECOND
"""What we have seen ourselves counts for so long, whatever others tell."""
_PING_TIMEOUT = 2 * SECOND
_NEW_SAMPLE = 0.2


@dataclass
class _Entry:
    endpoint: Endpoint
    heard: int
    rtt_ms: float | None = None


class Book:
    """Endpoints and round-trip times; who was not used for longest is forgotten first."""

    def __init__(self, me: MemberId, random: Random) -> None:
        self.me = me
        self._random = random
        self._entries: OrderedDict[MemberId, _Entry] = OrderedDict()
        self._pending: OrderedDict[int, tuple[MemberId, int]] = OrderedDict()

    def heard(self, member: MemberId, endpoint: Endpoint, now: int) -> None:
        """An authentic datagram of a member came from there."""
        entry = self._entry(member, endpoint, now)
        entry.endpoint, entry.heard = endpoint, now

    def told(self, peers: Iterable[Peer], now: int) -> None:
        """Others say where members are."""
        for member, endpoint in peers:
            if member == self.me or endpoint == NOWHERE:
                continue
            entry = self._entry(member, endpoint, now - _FRESH)
            if now - entry.heard >= _FRESH:
                entry.endpoint = endpoint

    def endpoint(self, member: MemberId) -> Endpoint | None:
        """Where a member is; None: not known, or it is this one."""
        entry = self._entries.get(member)
        return None if entry is None else entry.endpoint

    def peer(self, member: MemberId) -> Peer:
        """A member, and where it is, for others."""
        return Peer(member, self.endpoint(member) or NOWHERE)

    def peers(self, members: Iterable[MemberId]) -> tuple[Peer, ...]:
        """The same of several."""
        return tuple(map(self.peer, members))

    def rtt_ms(self, member: MemberId) -> float | None:
        """The round-trip time as measured; None: it was not."""
        entry = self._entries.get(member)
        return None if entry is None else entry.rtt_ms

    def ping(self, member: MemberId, now: int) -> int:
        """The nonce of a new ping to a member."""
        nonce = self._random.getrandbits(64)
        self._pending[nonce] = member, now
        if len(self._pending) > _PENDING:
            self._pending.popitem(last=False)
        return nonce

    def answered(self, member: MemberId, nonce: int, now: int) -> bool:
        """A pong came; whether it answers a ping of ours to that member."""
        asked, sent = self._pending.pop(nonce, (None, 0))
        entry = self._entries.get(member)
        if asked != member or entry is None or now - sent > _PING_TIMEOUT:
            return False
        sample = (now - sent) / MILLISECOND
        before = sample if entry.rtt_ms is None else entry.rtt_ms
        entry.rtt_ms = before + _NEW_SAMPLE * (sample - before)
        return True

    def _entry(self, member: MemberId, endpoint: Endpoint, heard: int) -> _Entry:
        entry = self._entries.get(member)
        if entry is None:
            entry = self._entries[member] = _Entry(endpoint, heard)
            if len(self._entries) > _MEMBERS:
                self._entries.popitem(last=False)
        else:
            self._entries.move_to_end(member)
        return entry
