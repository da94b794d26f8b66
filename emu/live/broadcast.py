"""The page of runs that go on: a server in a process of its own, outside of all sandboxes.

A thread here reads what the runs write and passes it on by a pipe, which is all that the server has
of the runs. So nothing that happens to the server, or to its viewers, comes back to them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from emu.live.watching import Message, Watched

_PERIOD_S = 0.25
_GRACE_S = 5.0
"""For viewers to get the end."""


class NoPage(RuntimeError):
    """The server could not be started; the text says why."""


class Broadcast:
    """Tells a page's server of runs; ``address`` is the page's."""

    def __init__(self, process: subprocess.Popen[bytes], address: str) -> None:
        self.address = address
        self._process = process
        self._news: SimpleQueue[Watched | int | None] = SimpleQueue()
        """A run that has begun, the number of one that has ended; None: that was all."""
        self._watched: dict[int, Watched] = {}
        self._thread = Thread(target=self._feed, daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int:
        """The server's process."""
        return self._process.pid

    def began(self, number: int, directory: Path, plan: dict[str, Any]) -> None:
        """A run has begun; ``plan`` is what its conductor says of it."""
        self._news.put(Watched(number, directory, plan))

    def ended(self, number: int) -> None:
        """All files of a run are written."""
        self._news.put(number)

    def close(self) -> None:
        """Let the viewers have the end, and end the server."""
        self._news.put(None)
        self._thread.join(_GRACE_S)
        try:
            self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _feed(self) -> None:
        pipe = self._process.stdin
        assert pipe is not None
        with suppress(BrokenPipeError), pipe:  # a server that has ended needs to know nothing
            while self._take_news():
                for number, one in self._watched.items():
                    self._send(number, one.poll(time.monotonic_ns()))

    def _take_news(self) -> bool:
        """Wait for news for a while, and act on it; False: there will be none any more."""
        with suppress(Empty):
            news = self._news.get(timeout=_PERIOD_S)
            if isinstance(news, Watched):
                self._watched[news.number] = news
                self._send(news.number, [news.beginning()])
            elif news is not None and news in self._watched:
                self._send(news, self._watched.pop(news).ending())
            return news is not None
        return True

    def _send(self, number: int, messages: Iterable[Message]) -> None:
        pipe = self._process.stdin
        assert pipe is not None
        for kind, content in messages:
            line = json.dumps({"run": number, "kind": kind, "content": content})
            pipe.write(line.encode() + b"\n")
        pipe.flush()


@contextmanager
def broadcast(name: str, port: int) -> Iterator[Broadcast]:
    """A page for the runs of a scenario, while this lasts; port 0 is any. NoPage if it cannot be.

    Under sudo the server is a process of the person who called it.
    """
    caller: dict[str, Any] = {}
    if os.geteuid() == 0 and "SUDO_UID" in os.environ:
        user, group = int(os.environ["SUDO_UID"]), int(os.environ["SUDO_GID"])
        caller = {"user": user, "group": group, "extra_groups": []}
    process = subprocess.Popen(
        [sys.executable, "-m", "emu.live.program", str(port), name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # Ctrl-C is for us
        **caller,
    )
    assert process.stdout is not None
    with process.stdout:
        lines = [process.stdout.readline()]
        if not lines[0].startswith(b"http"):
            lines += process.stdout.readlines()
            process.wait()
            raise NoPage(lines[-1].decode(errors="replace").strip() or "it ended without a word")
    page = Broadcast(process, lines[0].decode().strip())
    try:
        yield page
    finally:
        page.close()
