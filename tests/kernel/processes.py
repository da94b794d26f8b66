"""Processes forked into namespaces as a run forks them: a main function, and no output."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.namespaces import Namespace
from tests.patience import eventually

SECOND = 1_000_000_000
Main = Callable[[dict[str, Any]], None]


class Process:
    """A forked main; whatever it writes to its standard streams is in ``output``."""

    def __init__(self, namespace: Namespace, main: Main, config: dict[str, Any], output: Path):
        self._output = output
        self.pid = os.fork()
        if not self.pid:
            self._become(namespace, main, config)

    def _become(self, namespace: Namespace, main: Main, config: dict[str, Any]) -> None:
        status = 1
        try:
            descriptor = os.open(self._output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(descriptor, 1)
            os.dup2(descriptor, 2)
            sys.stdout = sys.stderr = os.fdopen(2, "w", encoding="utf-8")
            with namespace:
                main(config)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        os.kill(self.pid, number)

    def finish(self) -> None:
        """Wait for the process, which must end well and in silence."""
        _, status = eventually(self._ended)
        self.pid = 0
        assert self._output.read_text(encoding="utf-8") == ""
        assert os.waitstatus_to_exitcode(status) == 0

    def _ended(self) -> tuple[int, int] | None:
        done, status = os.waitpid(self.pid, os.WNOHANG)
        return (done, status) if done else None

    def kill(self) -> None:
        """Make sure that it is gone."""
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)


@contextmanager
def starter(directory: Path) -> Iterator[Callable[[Namespace, Main, dict[str, Any]], Process]]:
    """A function that starts processes, which all are gone in the end."""
    started: list[Process] = []

    def start(namespace: Namespace, main: Main, config: dict[str, Any]) -> Process:
        output = directory / f"output{len(started)}"
        started.append(Process(namespace, main, config, output))
        return started[-1]

    try:
        yield start
    finally:
        for process in started:
            process.kill()


def wait_for(path: Path, words: str = "") -> None:
    """Wait until a file exists and has some words in it."""
    eventually(lambda: path.exists() and words in path.read_text(encoding="utf-8"))
