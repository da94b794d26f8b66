"""The clock and the event queue of virtual time."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from heapq import heapify, heappop, heappush
from typing import Any

Event = Callable[..., None]

_SPAN = 24
"""Bits of a time within one span, of 17 ms: most datagrams are under way for longer."""


@contextmanager
def no_search_for_cycles() -> Iterator[None]:
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
        # Only what is due within the span that is being played is in order. A timer that is an hour
        # away, of each of very many hosts, makes nothing slower until then.
        self._queue: list[tuple[int, int, Event, tuple[Any, ...]]] = []
        self._span = 0
        self._later: dict[int, list[tuple[int, int, Event, tuple[Any, ...]]]] = {}
        """What is due in each span after that."""
        self._spans: list[int] = []
        """These spans, as a heap."""
        self._order = 0

    def at(self, when: int, event: Event, *arguments: Any) -> None:
        """Have ``event(*arguments)`` happen at ``when``, or now if that is past."""
        self.after(max(0, when - self.now), event, *arguments)

    def after(self, delay: int, event: Event, *arguments: Any) -> None:
        """Have ``event(*arguments)`` happen ``delay`` ns from now; no less than none."""
        when = self.now + delay
        order = self._order = self._order + 1
        span = when >> _SPAN
        if span <= self._span:
            heappush(self._queue, (when, order, event, arguments))
        elif span in self._later:
            self._later[span].append((when, order, event, arguments))
        else:
            self._later[span] = [(when, order, event, arguments)]
            heappush(self._spans, span)

    @property
    def played(self) -> int:
        """How many events have happened so far."""
        return self._order - len(self._queue) - sum(map(len, self._later.values()))

    def run(self, until: int) -> None:
        """Let time go on to ``until``; what is due at that very time happens too."""
        queue = self._queue
        with no_search_for_cycles():
            while True:
                while queue and queue[0][0] <= until:
                    self.now, _, event, arguments = heappop(queue)
                    event(*arguments)
                if queue or not self._spans or self._spans[0] > until >> _SPAN:
                    break
                self._span = heappop(self._spans)
                queue += self._later.pop(self._span)
                heapify(queue)
        self.now = max(self.now, until)
