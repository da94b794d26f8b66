"""Reading a run's event log while the run is still writing it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Event = dict[str, Any]


class EventTail:
    """Follows an event log; hands every new event to ``listener`` and keeps them all."""

    def __init__(self, path: Path, listener: Callable[[Event], None]) -> None:
        path.touch()
        self._file = path.open("rb")
        self._partial = b""
        self._listener = listener
        self.events: list[Event] = []

    def poll(self) -> None:
        """Read what has been written since the last call."""
        *lines, self._partial = (self._partial + self._file.read()).split(b"\n")
        for line in lines:
            event = json.loads(line)
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
