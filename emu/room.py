"""Room for results on the disk: before anything starts, and while a run goes on.

A run ends in order while its files can still be written, instead of losing the ends of them.
"""

from __future__ import annotations

import os
from pathlib import Path

MEBIBYTE = 1 << 20
TO_START = 32 * MEBIBYTE
TO_GO_ON = 8 * MEBIBYTE
"""Enough for what a run writes while it ends, and for its report."""


class NoRoom(Exception):
    """The disk is full, or nearly so; str() is one line."""


def check(folder: Path, needed: int = TO_GO_ON) -> None:
    """NoRoom unless so many bytes are left on the disk of a folder that exists."""
    disk = os.statvfs(folder)
    left = disk.f_bavail * disk.f_frsize
    if left < needed and disk.f_blocks:  # some file systems do not count
        raise NoRoom(
            f"{folder}: {left // MEBIBYTE} MiB left on the disk, less than {needed // MEBIBYTE}"
        )
