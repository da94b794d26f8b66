"""A set of named deadlines, of which the earliest is always known."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from heapq import heapify, heappop, heappush
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)

_SLACK = 64  # moved deadlines that a heap holds before it is worth rebuilding


class Deadlines(Generic[Key]):
    """At most one deadline (ns) a key; setting it again moves it."""

    def __init__(self) -> None:
        # Time and order of each; the key by its order.
        self._entries: dict[Key, tuple[int, int]] = {}
        self._keys: dict[int, Key] = {}
        # The heap also holds what was moved or cancelled since; `_keys` has what still counts.
        self._heap: list[tuple[int, int]] = []
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
        self.cancel(key)
        self._order += 1
        entry = (when, self._order)
        self._entries[key] = entry
        self._keys[self._order] = key
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
        entry = self._entries.pop(key, None)
        if entry is not None:
            del self._keys[entry[1]]

    def next(self) -> int | None:
        """The earliest deadline."""
        heap = self._heap
        while heap and heap[0][1] not in self._keys:
            heappop(heap)
        return heap[0][0] if heap else None

    def due(self, now: int) -> Iterator[Key]:
        """Take out, one after another, the keys due by ``now``.

        Deadlines may be set and cancelled between two keys; what becomes due by that counts too.
        """
        while (when := self.next()) is not None and when <= now:
            key = self._keys.pop(heappop(self._heap)[1])
            del self._entries[key]
            yield key
