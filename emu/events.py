"""Reading a run's event log, also while the run is still writing it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

Event = dict[str, Any]


_NAMES = {"t", "node", "kind"}
_BEGINNING = b'{"t":'


def parse(line: bytes) -> tuple[Event | None, bool]:
    """The event of a line, and whether all of the line could be read.

    A line that was torn, by a full disk or a machine that died, has no end: the next one that was
    written follows in its line, and is the event.
    """
    for start in (0, max(0, line.rfind(_BEGINNING))):
        try:
            event = json.loads(line[start:])
        except ValueError:
            continue
        if isinstance(event, dict) and event.keys() >= _NAMES:
            return event, start == 0
    return None, False


class EventTail:
    """Follows an event log; hands every new event to ``listener`` and keeps them, or some kinds.

    What cannot be read is left out here, and counted when the run is over (``Run.torn_events``).
    """

    def __init__(self, path: Path, listener: Callable[[Event], None]) -> None:
        path.touch()
        self._file = path.open("rb")
        self._partial = b""
        self._listener = listener
        self.events: list[Event] = []
        self._kinds: frozenset[str] | None = None

    def keep_only(self, kinds: Collection[str]) -> None:
        """Of what is read from now on only these kinds are kept; of others there may be any number.

        A packet is enough to make a router write some.
        """
        self._kinds = frozenset(kinds)

    def poll(self) -> None:
        """Read what has been written since the last call."""
        *lines, self._partial = (self._partial + self._file.read()).split(b"\n")
        for line in lines:
            event, _ = parse(line)
            if event is not None:
                if self._kinds is None or event["kind"] in self._kinds:
                    self.events.append(event)
                self._listener(event)

    def wait(self, done: Callable[[], bool], timeout: float) -> bool:
        """Poll until ``done()`` holds; False when ``timeout`` seconds have passed first."""
        deadline = time.monotonic() + timeout
        while True:
            self.poll()
            if done():
                return True
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)

    def nodes(self, kind: str) -> set[str]:
        """The nodes that have written an event of this kind."""
        return {event["node"] for event in self.events if event["kind"] == kind}
