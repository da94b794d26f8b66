"""Arrival files: what a flow sent or received, one row a packet.

A file is a bare sequence of rows of three little-endian int64, appended as the run goes on, so
that a process that dies loses at most what it had not flushed. In ``arrivals/<flow>@<node>.bin`` a
row is (sequence, sent_ns, received_ns); in ``sent/<flow>@<node>.bin`` it is (sequence, due_ns,
sent_ns). Times are CLOCK_MONOTONIC; 0 means that the time is not known.

    rows = np.fromfile(path, dtype="<i8").reshape(-1, 3)
"""

from __future__ import annotations

import os
import sys
import time
from array import array
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

COLUMNS = 3
_ROW_BYTES = 8 * COLUMNS
_FLUSH_ROWS = 2048
_FLUSH_NS = 500_000_000


class ArrivalsWriter:
    """Appends rows to an arrival file; written out every half second or so, and on close."""

    def __init__(self, path: str | Path) -> None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._pending = array("q")
        self._flushed_at = time.monotonic_ns()
        self.rows = 0

    def append(self, sequence: int, first_ns: int, second_ns: int) -> None:
        """Add one row: (sequence, sent, received) or (sequence, due, sent)."""
        self._pending.extend((sequence, first_ns, second_ns))
        self.rows += 1
        late = second_ns - self._flushed_at > _FLUSH_NS
        if late or len(self._pending) >= _FLUSH_ROWS * COLUMNS:
            self.flush()

    def flush(self) -> None:
        """Write the rows that are still in memory."""
        if sys.byteorder == "big":
            self._pending.byteswap()
        data = memoryview(self._pending.tobytes())
        while data:
            data = data[os.write(self._descriptor, data) :]
        self._pending = array("q")
        self._flushed_at = time.monotonic_ns()

    def close(self) -> None:
        """Flush and close."""
        self.flush()
        os.close(self._descriptor)


def read(path: str | Path) -> NDArray[np.int64]:
    """All whole rows of an arrival file, shape (n, 3); a torn last row is left out."""
    data = Path(path).read_bytes()
    whole = data[: len(data) - len(data) % _ROW_BYTES]
    return np.frombuffer(whole, dtype="<i8").reshape(-1, COLUMNS).astype(np.int64)
