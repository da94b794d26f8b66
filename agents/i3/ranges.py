"""Which server has which identifiers: what has been found out, for a time."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass

from agents.core import SECOND
from agents.deadlines import Deadlines
from agents.i3.positions import is_in
from agents.wire.i3 import Endpoint

LIFETIME = 10 * SECOND
"""After which a range that is used is asked about, and another one forgotten; ns."""


@dataclass(slots=True)
class Range:
    """All positions in (after, up_to] are with the server."""

    after: int
    up_to: int
    server: Endpoint
    used: bool = True
    """Since it was asked about last."""


class Ranges:
    """Up to so many ranges, no two of which have a position in common."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._ranges: dict[int, Range] = {}
        self._ends: list[int] = []
        """The last position of each, in order."""
        self._deadlines: Deadlines[int] = Deadlines()

    def __len__(self) -> int:
        return len(self._ends)

    def at(self, place: int) -> Range | None:
        """The range in which a position is."""
        if not self._ends:
            return None
        end = self._ends[bisect_left(self._ends, place) % len(self._ends)]
        found = self._ranges[end]
        return found if is_in(place, found.after, end) else None

    def use(self, place: int) -> Endpoint | None:
        """The server of a position, if it is known; the range is needed longer by that."""
        found = self.at(place)
        if found is None:
            return None
        found.used = True
        return found.server

    def learn(self, after: int, up_to: int, server: Endpoint, now: int) -> None:
        """A server has said that a range is its own; what was known and says otherwise goes."""
        old = self._ranges.get(up_to)
        used = old is None or old.used
        for other in self._overlapping(after, up_to):
            self._drop(other)
        if len(self._ends) >= self._most:
            oldest = min(self._ends, key=lambda end: self._deadlines.get(end, now))
            self._drop(self._ranges[oldest])
        self._ranges[up_to] = Range(after, up_to, server, used)
        insort(self._ends, up_to)
        self._deadlines.set(up_to, now + LIFETIME)

    def forget(self, server: Endpoint) -> None:
        """A server does not answer."""
        for found in [*self._ranges.values()]:
            if found.server == server:
                self._drop(found)

    def forget_at(self, place: int, server: Endpoint) -> None:
        """A server says that it has a position no more."""
        found = self.at(place)
        if found is not None and found.server == server:
            self._drop(found)

    def due(self, now: int) -> list[Range]:
        """The ranges that are to be asked about; those that nobody uses go."""
        asked = []
        for end in self._deadlines.due(now):
            found = self._ranges[end]
            if found.used:
                found.used = False
                asked.append(found)
                self._deadlines.set(end, now + LIFETIME)
            else:
                self._drop(found)
        return asked

    def next_deadline(self) -> int | None:
        """When ``due`` has something to say."""
        return self._deadlines.next()

    def _overlapping(self, after: int, up_to: int) -> list[Range]:
        """Those that end in (after, up_to], and the next one if it begins there."""
        start = bisect_right(self._ends, after)
        found = []
        for end in (*self._ends[start:], *self._ends[:start]):
            if is_in(end, after, up_to):
                found.append(self._ranges[end])
            else:
                if is_in(up_to, self._ranges[end].after, end):
                    found.append(self._ranges[end])
                break
        return found

    def _drop(self, found: Range) -> None:
        del self._ranges[found.up_to]
        self._ends.remove(found.up_to)
        self._deadlines.cancel(found.up_to)
