"""Writing files so that none is ever half there, and saying in words why one cannot be."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def replace(path: Path, text: str) -> None:
    """Write a text file in one step: whoever reads it has all of it, or what it was before.

    OSError when that cannot be; then ``path`` is as it was.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.rename(path)
    except OSError:
        with suppress(OSError):
            unfinished.unlink()
        raise


def in_words(error: OSError) -> str:
    """What went wrong with which file, as a line begins: ``results/a: permission denied``."""
    reason = (error.strerror or str(error)).lower()
    return f"{os.fsdecode(error.filename)}: {reason}" if error.filename else reason
