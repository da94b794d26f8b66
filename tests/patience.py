"""Waiting for what the kernel and other processes do in their own time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE_S = 120
"""Far longer than anything takes, on an emulated machine too: running out of it is a failure."""

_Value = TypeVar("_Value")


def eventually(attempt: Callable[[], _Value | None]) -> _Value:
    """The first result of repeated attempts that is neither None nor false."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        value = attempt()
        if value:
            return value
        time.sleep(0.005)
    raise AssertionError(f"nothing came of it in {PATIENCE_S} s")
