"""A set of named deadlines, of which the earliest is always known."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from heapq import heapify, heappop, heappush
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)

AT_ONCE = -(1 << 63)
"""A time before all others: what is due then is due now, whatever the clock says."""
_SLACK = 64  # moved deadlines that a heap holds before it is worth rebuilding


class Deadlines(Generic[Key]):
    """At most one deadline (ns) a key; setting it again moves it."""

    def __init__(self) -> None:
        # Time, order and key of each. No two have the same order, so keys are never compared.
        self._entries: dict[Key, tuple[int, int, Key]] = {}
        # The heap also holds what was moved or cancelled since: what `_entries` has not itself.
        self._heap: list[tuple[int, int, Key]] = []
        self._order = 0

    def __contains__(self, key: Key) -> bool:
        """Whether the key has a deadline."""
        return key in self._entries

    def get(self, key: Key, default: int) -> int:
        """The key's deadline, or another if it has none."""
        entry = self._entries.get(key)
        return default if entry is None else entry[0]

    def set(self, key: Key, when: int) -> None:
        """Make the key due at ``when``, and not before."""
        self._order += 1
        entry = (when, self._order, key)
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
        elif entry is None or entry[0] != when:
            self.set(key, when)

    def cancel(self, key: Key) -> None:
        """Forget the key's deadline, if it has one."""
        self._entries.pop(key, None)

    def next(self) -> int | None:
        """The earliest deadline."""
        heap, entries = self._heap, self._entries
        while heap:
            first = heap[0]
            if entries.get(first[2]) is first:
                return first[0]
            heappop(heap)
        return None

    def due(self, now: int) -> Iterator[Key]:
        """Take out, one after another, the keys due by ``now``.

        Deadlines may be set and cancelled between two keys; what becomes due by that counts too.
        """
        while (when := self.next()) is not None and when <= now:
            key = heappop(self._heap)[2]
            del self._entries[key]
            yield key
