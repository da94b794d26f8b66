"""The conductor's side of the nursery: starting processes in hosts, knowing when one ends."""

from __future__ import annotations

import json
import math
import os
import select
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any


class ProcessFailed(RuntimeError):
    """A process ended that should have gone on; the text says which, and its last words."""


class Processes:
    """The agents and traffic processes of one run, by name."""

    def __init__(self, errors: Path) -> None:
        errors.mkdir(parents=True, exist_ok=True)
        self._errors = errors
        ours, theirs = socket.socketpair()
        self._control = ours
        self._buffer = b""
        self._pids: dict[str, int] = {}
        self._until: dict[str, float] = {}
        """From when on each may end without having been told to."""
        self._stopping: set[str] = set()
        with theirs:
            self._nursery = subprocess.Popen(
                [sys.executable, "-m", "emu.nursery", str(theirs.fileno()), str(errors)],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for whoever is at the terminal
            )

    def start(
        self,
        name: str,
        netns: int,
        target: str,
        config: dict[str, Any],
        until_ns: float = math.inf,
    ) -> None:
        """Ask for ``target.main(config)`` in the network namespace of the process ``netns``.

        One that ends before ``until_ns`` (CLOCK_MONOTONIC), however well, has failed if it was not
        told to.
        """
        request = {"name": name, "netns": netns, "target": target, "config": config}
        self._pids[name] = 0
        self._until[name] = until_ns
        self._stopping.discard(name)
        self._send(json.dumps(request).encode() + b"\n")

    def running(self) -> set[str]:
        """The names of the processes that have not ended."""
        self._read(0)
        return set(self._pids)

    def kill(self, name: str) -> None:
        """End a process as a crash does (SIGKILL); it is ``running`` until it is gone."""
        self._stopping.add(name)
        self._signal({name}, signal.SIGKILL)

    def stop(self, names: set[str], timeout: float) -> None:
        """Tell processes to end (SIGTERM) and wait; who does not obey in time is killed."""
        self._read(0)  # who has ended before it was told
        deadline = time.monotonic() + timeout
        while any(self._pids.get(name) == 0 for name in names) and time.monotonic() < deadline:
            self._read(0.05)
        self._stopping |= names
        self._signal(names, signal.SIGTERM)
        while names & set(self._pids) and time.monotonic() < deadline:
            self._read(0.05)
        self._signal(names, signal.SIGKILL)

    def _send(self, request: bytes) -> None:
        """Write a request, and read meanwhile: the nursery does not read while it has to wait."""
        while request:
            readable, writable, _ = select.select([self._control], [self._control], [])
            if readable:
                self._read(0)
            elif writable:
                request = request[self._control.send(request, socket.MSG_DONTWAIT) :]

    def _signal(self, names: set[str], number: signal.Signals) -> None:
        for pid in [self._pids[name] for name in names if self._pids.get(name)]:
            with suppress(ProcessLookupError):  # ended by itself, and the news is on its way
                os.kill(pid, number)

    def _read(self, timeout: float) -> None:
        """Take the nursery's news; ProcessFailed when one ended unasked, too early or not well."""
        while select.select([self._control], [], [], timeout)[0]:
            data = self._control.recv(65536)
            if not data:
                raise ProcessFailed("the nursery ended unexpectedly")
            *lines, self._buffer = (self._buffer + data).split(b"\n")
            for line in lines:
                self._note(json.loads(line))
            timeout = 0

    def _note(self, news: dict[str, Any]) -> None:
        if "started" in news:
            self._pids[news["started"]] = news["pid"]
            return
        name = news["exited"]
        del self._pids[name]
        early = time.monotonic_ns() < self._until[name]
        if (early or news["status"] != 0) and name not in self._stopping:
            last = self._last_words(name) or f"status {news['status']}"
            raise ProcessFailed(f"{name} ended unexpectedly: {last}")

    def _last_words(self, name: str) -> str:
        """The last line of what a process printed; nothing, if it was ended too soon for any."""
        path = self._errors / f"{name}.err"
        words = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        return words.strip().rpartition("\n")[2]
