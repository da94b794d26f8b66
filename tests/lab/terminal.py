"""A person at a terminal: types, presses keys, and reads what is shown."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time
from collections.abc import Sequence

from tests.patience import PATIENCE_S

CTRL_C = "\x03"


class Terminal:
    """Runs a command as a shell in a terminal does."""

    def __init__(self, command: Sequence[str]) -> None:
        self._screen, inside = pty.openpty()
        os.set_blocking(self._screen, False)
        # setsid makes the terminal, its standard input, the one that controls it.
        self._process = subprocess.Popen(
            ["setsid", "--ctty", "--wait", *command], stdin=inside, stdout=inside, stderr=inside
        )
        os.close(inside)
        self.shown = ""
        self._read = 0

    def until(self, text: str) -> None:
        """Read on until something is shown."""
        deadline = time.monotonic() + PATIENCE_S
        while text not in self.shown[self._read :]:
            assert time.monotonic() < deadline, self.shown
            assert self._take(), f"no {text!r} in:\n{self.shown}"
        self._read = self.shown.index(text, self._read) + len(text)

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._screen, keys.encode())

    def end(self) -> int:
        """Read to the end; the exit status."""
        while self._take():
            pass
        os.close(self._screen)
        return self._process.wait(PATIENCE_S)

    def _take(self) -> bool:
        """Read what there is; whether there can be more."""
        readable, _, _ = select.select([self._screen], [], [], PATIENCE_S)
        if not readable:
            return False
        try:
            data = os.read(self._screen, 65536)
        except OSError:  # the last program has closed it
            return False
        self.shown += data.decode(errors="replace").replace("\r\n", "\n")
        return bool(data)
