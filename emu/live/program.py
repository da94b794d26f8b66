"""``python -m emu.live.program PORT NAME``: serves what comes on standard input, until its end.

Each line is ``{"run", "kind", "content"}``, a message for a run's feed. The first line of output
is the page's address, or else what is wrong.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys

from emu.files import in_words
from emu.live.feed import Feed
from emu.live.server import serving, viewers

_MOST_LINE_BYTES = 1 << 28
_PATIENCE_S = 2.0
_NICENESS = 10
"""Runs come first: a viewer can wait."""


class Received:
    """The runs that were told of so far."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.live = True
        self._feeds: dict[int, Feed] = {}

    def numbers(self) -> list[int]:
        """Those that have begun."""
        return sorted(self._feeds)

    async def feed(self, number: int) -> Feed | None:
        """That of a run."""
        return self._feeds.get(number)

    def take(self, line: bytes) -> None:
        """A line of standard input."""
        message = json.loads(line)
        feed = self._feeds.setdefault(message["run"], Feed())
        if message["kind"] == "end":
            feed.end()
        else:
            feed.add(message["kind"], message["content"])

    def end(self) -> None:
        """Nothing more comes."""
        self.live = False
        for feed in self._feeds.values():
            feed.end()


async def _serve(port: int, name: str) -> None:
    show = Received(name)
    reader = asyncio.StreamReader(limit=_MOST_LINE_BYTES)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    async with serving(show, port) as address:
        print(address, flush=True)
        async for line in reader:
            show.take(line)
        show.end()
        deadline = loop.time() + _PATIENCE_S
        while viewers() and loop.time() < deadline:
            await asyncio.sleep(0.05)


def main() -> None:
    """Entry; exit status 1, with one line, if the port cannot be had."""
    os.nice(_NICENESS)
    port, name = int(sys.argv[1]), sys.argv[2]
    try:
        asyncio.run(_serve(port, name))
    except OSError as error:
        print(f"port {port} of 127.0.0.1: {in_words(error)}; choose another")
        sys.exit(1)


if __name__ == "__main__":
    main()
