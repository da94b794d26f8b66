"""The clock and the event queue of virtual time."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from heapq import heappop, heappush
from typing import Any

Event = Callable[..., None]


@contextmanager
def _no_search_for_cycles() -> Iterator[None]:
    """Cores leave no cycles of objects behind, and looking for some among millions takes long."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class Engine:
    """Runs events in the order of their times; events of the same time in the order they came."""

    def __init__(self) -> None:
        self.now = 0
        """Virtual time, ns."""
        self._queue: list[tuple[int, int, Event, tuple[Any, ...]]] = []
        self._order = 0

    def at(self, when: int, event: Event, *arguments: Any) -> None:
        """Have ``event(*arguments)`` happen at ``when``, or now if that is past."""
        self._order += 1
        now = self.now
        heappush(self._queue, (when if when > now else now, self._order, event, arguments))

    def after(self, delay: int, event: Event, *arguments: Any) -> None:
        """Have ``event(*arguments)`` happen ``delay`` ns from now; no less than none."""
        self._order += 1
        heappush(self._queue, (self.now + delay, self._order, event, arguments))

    @property
    def played(self) -> int:
        """How many events have happened so far."""
        return self._order - len(self._queue)

    def run(self, until: int) -> None:
        """Let time go on to ``until``; what is due at that very time happens too."""
        queue = self._queue
        with _no_search_for_cycles():
            while queue and queue[0][0] <= until:
                self.now, _, event, arguments = heappop(queue)
                event(*arguments)
        self.now = max(self.now, until)
