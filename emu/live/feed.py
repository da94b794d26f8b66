"""What the page is told of one run, kept for viewers that come late."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

from tornado.locks import Condition

_MOST_EVENTS = 200
"""In one message: so much a viewer that reads slowly has on its way at the most."""
_SILENCE = timedelta(seconds=1)
"""After it a viewer is told the time, which also shows that it is gone if it is."""


class Feed:
    """A log of messages that only grows; each viewer is at a place of its own in it.

    So there is no queue for a viewer: one that is slow, or comes late, or comes again, costs nobody
    anything. Not for use by several threads.
    """

    def __init__(self) -> None:
        self._messages: list[bytes] = []
        self._news = Condition()
        self.ended = False

    def add(self, kind: str, content: Any) -> None:
        """Append a message; a list that is long becomes several."""
        parts = [content]
        if isinstance(content, list):
            parts = [content[at : at + _MOST_EVENTS] for at in range(0, len(content), _MOST_EVENTS)]
        for part in parts:
            self._messages.append(encode(kind, part, len(self._messages)))
        self._news.notify_all()

    def end(self) -> None:
        """Nothing comes after this."""
        if not self.ended:
            self.ended = True
            self.add("end", {})

    async def messages(self, start: int) -> AsyncIterator[bytes | None]:
        """The messages from a place on, as they come; None when there was none for a second."""
        place = start
        while place < len(self._messages) or not self.ended:
            if place < len(self._messages):
                yield self._messages[place]
                place += 1
            elif not await self._news.wait(timeout=_SILENCE):
                yield None


def encode(kind: str, content: Any, place: int | None = None) -> bytes:
    """A server-sent event (HTML standard, section 9.2)."""
    head = "" if place is None else f"id: {place}\n"
    data = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return f"{head}event: {kind}\ndata: {data}\n\n".encode()
