"""The clock and the event queue of virtual time."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

Event = Callable[[], None]


class Engine:
    """Runs events in the order of their times; events of the same time in the order they came."""

    def __init__(self) -> None:
        self.now = 0
        """Virtual time, ns."""
        self._queue: list[tuple[int, int, Event]] = []
        self._order = 0

    def at(self, when: int, event: Event) -> None:
        """Have an event happen at ``when``, or now if that is past."""
        self._order += 1
        heappush(self._queue, (max(when, self.now), self._order, event))

    def after(self, delay: int, event: Event) -> None:
        """Have an event happen ``delay`` ns from now."""
        self.at(self.now + delay, event)

    def run(self, until: int) -> None:
        """Let time go on to ``until``; what is due at that very time happens too."""
        queue = self._queue
        while queue and queue[0][0] <= until:
            self.now, _, event = heappop(queue)
            event()
        self.now = max(self.now, until)
