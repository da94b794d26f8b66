"""A channel while it changes from one upstream to another: what comes by both, joined.

Two ways to a router take different times, and a forwarding entry has one upstream. To change it at
once loses what is still on the old way, if that is the longer one, and repeats what the new way
brings late, if it is not. So what comes by the new one is kept until it fits what came by the old.
"""

from __future__ import annotations

from collections import defaultdict, deque

from agents.wire.ipv6 import HOP_LIMIT

DIFFERENT = 3
"""The packets that both have to bring in a row before they fit; what is alike, padding, is one."""


class Splice:
    """Joins two copies of a channel so that each packet goes on once, and in order.

    It begins when the new upstream delivers. Packets that differ in their hop limits only are the
    same. With more than ``maximum`` octets to keep, and at the ``end``, the new upstream goes on
    with what the old one has not brought.
    """

    def __init__(self, maximum: int) -> None:
        self.is_complete = False
        """What comes by the old upstream is not needed any more."""
        self._maximum = maximum
        self._size = 0
        self._kept: list[bytes] = []
        self._old, self._new = _Copy(), _Copy()
        self._ahead: deque[bytes] = deque()
        """What the old one has brought, and the new one has still to bring, once they fit."""

    def by_old(self, packet: bytes) -> list[bytes]:
        """A packet came by the old upstream; what to forward."""
        if self.is_complete or self._ahead:
            return []
        self._old.add(packet)
        place = self._new.place_of(self._old)
        return [packet] if place is None else [packet, *self._complete(place + 1)]

    def by_new(self, packet: bytes) -> list[bytes]:
        """A packet came by the new upstream; what to forward."""
        if self.is_complete:
            return [packet]
        if self._ahead:
            return self._follow(packet)
        self._kept.append(packet)
        self._new.add(packet)
        self._size += len(packet)
        place = self._old.place_of(self._new)
        if place is not None:  # the new way is the longer one
            self._ahead.extend(self._old.packets[place + 1 :])
            self.is_complete = not self._ahead
            return []
        return self.end() if self._size > self._maximum else []

    def end(self) -> list[bytes]:
        """The new upstream is on its own from now on; what to forward."""
        if self.is_complete or self._ahead:
            return self._complete(len(self._kept))
        brought = [n for n, packet in enumerate(self._new.packets) if self._old.has(packet)]
        return self._complete(brought[-1] + 1 if brought else 0)

    def _follow(self, packet: bytes) -> list[bytes]:
        """Drop what the old upstream has brought already, as far as that goes."""
        identity = _identity(packet)
        if identity not in self._ahead:
            self.is_complete = True
            return [packet]
        while self._ahead.popleft() != identity:
            pass
        self.is_complete = not self._ahead
        return []

    def _complete(self, place: int) -> list[bytes]:
        self.is_complete = True
        return self._kept[place:]


class _Copy:
    """What has come by one upstream, hop limits left out."""

    def __init__(self) -> None:
        self.packets: list[bytes] = []
        self._places: defaultdict[bytes, list[int]] = defaultdict(list)

    def add(self, packet: bytes) -> None:
        """A packet came."""
        identity = _identity(packet)
        self._places[identity].append(len(self.packets))
        self.packets.append(identity)

    def has(self, identity: bytes) -> bool:
        """Whether a packet has come."""
        return identity in self._places

    def place_of(self, other: _Copy) -> int | None:
        """Where the last packet of another copy is, known by those before it.

        None, too, if it has come here more than once: one that has not will come.
        """
        places = self._places.get(other.packets[-1], ())
        return places[0] if len(places) == 1 and self._fits(places[0], other) else None

    def _fits(self, place: int, other: _Copy) -> bool:
        seen = set()
        for mine, others in zip(self.packets[place::-1], reversed(other.packets), strict=False):
            if mine != others:
                return False
            seen.add(mine)
            if len(seen) == DIFFERENT:
                return True
        return False


def _identity(packet: bytes) -> bytes:
    return packet[:HOP_LIMIT] + packet[HOP_LIMIT + 1 :]
