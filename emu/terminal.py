"""Standard output and error that end no command: who reads may go, a disk may be full.

What cannot be written is dropped, and the work goes on; a character that the terminal does not have
is shown as a question mark. By the standard library alone.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class Descriptor(io.RawIOBase):
    """Writes to a file descriptor until that fails, and drops what comes then."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.failure: OSError | None = None
        """Why nothing is written any more."""

    def fileno(self) -> int:
        """The descriptor."""
        return self._descriptor

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return os.isatty(self._descriptor)

    def writable(self) -> bool:
        """Always, as far as the caller can see."""
        return True

    def write(self, data: ReadableBuffer) -> int:
        """Write, or act so; how many bytes are done with."""
        if self.failure is None:
            try:
                return os.write(self._descriptor, data)
            except OSError as error:
                self.failure = error
        return memoryview(data).nbytes


def take_over() -> None:
    """Make ``sys.stdout`` and ``sys.stderr`` such, unless they are closed, or not a file's."""
    for name, errors in (("stdout", "replace"), ("stderr", "backslashreplace")):
        stream = getattr(sys, name)
        try:
            descriptor = stream.fileno()
        except (AttributeError, OSError):
            continue
        text = io.TextIOWrapper(
            io.BufferedWriter(Descriptor(descriptor)),
            encoding=stream.encoding,
            errors=errors,
            line_buffering=stream.line_buffering,
        )
        setattr(sys, name, text)


def complaint() -> str | None:
    """One line that says why standard output is not whole; None if it is, or nobody read on."""
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    if not isinstance(raw, Descriptor):
        return None
    sys.stdout.flush()
    if raw.failure is None or raw.failure.errno == errno.EPIPE:
        return None
    return f"standard output: {str(raw.failure.strerror).lower()}"
