"""A set of named deadlines, of which the earliest is always known."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from heapq import heapify, heappop, heappush, heapreplace
from typing import Any, Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)

AT_ONCE = -(1 << 63)
"""A time before all others: what is due then is due now, whatever the clock says."""
_SLACK = 64  # deadlines gone that a heap holds before it is worth rebuilding
_PLACE, _ORDER, _KEY, _DUE, _RANK = range(5)
_GONE = 0


class Deadlines(Generic[Key]):
    """At most one deadline (ns) a key; setting it again moves it."""

    __slots__ = ("_entries", "_heap", "_order", "agenda")

    def __init__(self) -> None:
        self.agenda: Agenda | None = None
        """Of several sets, this one among them."""
        # Of each: where it is in the heap (time and order; no two have the same order, so keys are
        # never compared), its key, and where it belongs: what is put off moves when its turn comes.
        self._entries: dict[Key, list[Any]] = {}
        # The heap also holds what is gone since, whose rank says so.
        self._heap: list[list[Any]] = []
        self._order = _GONE

    def __contains__(self, key: Key) -> bool:
        """Whether the key has a deadline."""
        return key in self._entries

    def __len__(self) -> int:
        """How many there are."""
        return len(self._entries)

    def get(self, key: Key, default: int) -> int:
        """The key's deadline, or another if it has none."""
        entry = self._entries.get(key)
        return default if entry is None else int(entry[_DUE])

    def set(self, key: Key, when: int) -> None:
        """Make the key due at ``when``, and not before."""
        if self.agenda is not None:
            self.agenda.is_known = False
        self._order += 1
        entry = self._entries.get(key)
        if entry is not None:
            if when >= entry[_PLACE]:
                entry[_DUE:] = when, self._order
                return
            entry[_RANK] = _GONE
        entry = [when, self._order, key, when, self._order]
        self._entries[key] = entry
        heappush(self._heap, entry)
        if len(self._heap) > 2 * len(self._entries) + _SLACK:
            self._heap = list(self._entries.values())
            heapify(self._heap)

    def plan(self, key: Key, when: int | None) -> None:
        """Make the key due at ``when``; None: never."""
        entry = self._entries.get(key)
        if when is None:
            self.cancel(key)
        elif entry is None or entry[_DUE] != when:
            self.set(key, when)

    def cancel(self, key: Key) -> None:
        """Forget the key's deadline, if it has one."""
        entry = self._entries.pop(key, None)
        if entry is not None:
            entry[_RANK] = _GONE
            if self.agenda is not None:
                self.agenda.is_known = False

    def next(self) -> int | None:
        """The earliest deadline."""
        heap = self._heap
        while heap:
            first = heap[0]
            place: int
            place, order, _, due, rank = first
            if rank == order:
                return place
            if rank == _GONE:
                heappop(heap)
            else:
                first[_PLACE], first[_ORDER] = due, rank
                heapreplace(heap, first)
        return None

    def due(self, now: int) -> Iterator[Key]:
        """Take out, one after another, the keys due by ``now``.

        Deadlines may be set and cancelled between two keys; what becomes due by that counts too.
        """
        while (when := self.next()) is not None and when <= now:
            key = heappop(self._heap)[_KEY]
            del self._entries[key]
            if self.agenda is not None:
                self.agenda.is_known = False
            yield key


class Agenda:
    """Several sets of deadlines of one core, which is asked for the earliest after each message."""

    __slots__ = ("_sets", "earliest", "is_known")

    def __init__(self, *sets: Deadlines[Any]) -> None:
        self._sets = sets
        self.earliest: int | None = None
        self.is_known = False
        """Whether ``earliest`` holds; most messages change no deadline."""
        for deadlines in sets:
            deadlines.agenda = self

    def next(self) -> int | None:
        """The earliest deadline of all."""
        if not self.is_known:
            due = [deadlines.next() for deadlines in self._sets if deadlines]
            self.earliest = min((when for when in due if when is not None), default=None)
            self.is_known = True
        return self.earliest
