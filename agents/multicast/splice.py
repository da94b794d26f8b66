"""A channel while it changes from one upstream to another: what comes by both, joined.

Two ways to a router take different times, and a forwarding entry has one upstream. To change it at
once loses what is still on the old way, if that is the longer one, and repeats what the new way
brings late, if it is not. So what comes by the new one is kept until it fits what came by the old.
"""

from __future__ import annotations

_HOP_LIMIT = 7


class Splice:
    """Joins two copies of a channel so that each packet goes on once, and in order.

    It begins when the new upstream delivers. Packets that differ in their hop limits only are the
    same. With more than ``maximum`` octets to keep, and at the ``end``, the new upstream goes on
    from what was kept, whether it fits or not.
    """

    def __init__(self, maximum: int) -> None:
        self.is_complete = False
        """What comes by the old upstream is not needed any more."""
        self._maximum = maximum
        self._size = 0
        self._kept: list[bytes] = []
        self._known: set[bytes] = set()
        self._forwarded: set[bytes] = set()
        self._last = b""
        self._is_behind = False

    def by_old(self, packet: bytes) -> list[bytes]:
        """A packet came by the old upstream; what to forward."""
        if self.is_complete or self._is_behind:
            return []
        identity = _identity(packet)
        if identity in self._known:
            return self.end()
        self._forwarded.add(identity)
        self._last = identity
        return [packet]

    def by_new(self, packet: bytes) -> list[bytes]:
        """A packet came by the new upstream; what to forward."""
        if self.is_complete:
            return [packet]
        identity = _identity(packet)
        if identity in self._forwarded:
            # The new way is the longer one: what came by it so far came by the old one before.
            self._is_behind = True
            self._kept.clear()
            self.is_complete = identity == self._last
            return []
        self._kept.append(packet)
        self._known.add(identity)
        self._size += len(packet)
        return self.end() if self._is_behind or self._size > self._maximum else []

    def end(self) -> list[bytes]:
        """The new upstream is on its own from now on; what to forward."""
        self.is_complete = True
        kept, self._kept = self._kept, []
        return kept


def _identity(packet: bytes) -> bytes:
    return packet[:_HOP_LIMIT] + packet[_HOP_LIMIT + 1 :]
