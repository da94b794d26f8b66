"""Numbers as tables and pages show them; an unknown one is a dash."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from statistics import fmean
from typing import Any

from emu.measure.statistics import Summary, decimals

UNKNOWN = "-"
HINT = "one run has no confidence interval: --repeat 5 makes five runs, and an interval over them"


def plain(value: float, places: int = 1) -> str:
    """With grouped thousands: ``61.3``, ``1,061.3``."""
    return f"{value:,.{places}f}"


def exact(value: float) -> str:
    """One that was computed, not measured, to a thousandth: ``40``, ``17.5``, ``0.25``."""
    whole, _, rest = plain(value, 3).partition(".")
    return f"{whole}.{rest}".rstrip("0").rstrip(".")


def milliseconds(value: float | None) -> str:
    """With one decimal: ``61.3``."""
    return UNKNOWN if value is None else plain(value)


def mean(values: Iterable[float | None]) -> float | None:
    """Of the values that are known; None when none is."""
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def count(values: Iterable[float | None]) -> str:
    """The mean of numbers of things: ``12``, ``12.4``."""
    average = mean(values)
    if average is None:
        return UNKNOWN
    return f"{average:,.0f}" if average.is_integer() else f"{average:,.1f}"


def number_of_runs(record: dict[str, Any]) -> str:
    """How many runs a record has, and of how many that were asked for: ``5``, ``3 of 5``."""
    done, missing = len(record["runs"]), len(record.get("missing_runs", []))
    return f"{done} of {done + missing}" if missing else str(done)


def spread(low: float, middle: float, high: float) -> str:
    """A random value: its mean and its range, in four digits of that: ``176.1 (82 to 276)``."""
    if low == high:
        return exact(middle)
    places = min(1, 3 - math.floor(math.log10(high - low)))
    mean, least, most = (exact(round(value, places)) for value in (middle, low, high))
    return f"{mean} ({least} to {most})"


def estimate(summary: Summary, most: int = 1, number: Callable[[float, int], str] = plain) -> str:
    """A mean with its 95 % confidence interval, in no more digits than that has: ``61.3 ± 2.0``.

    One that would reach below 0 is written with its ends: ``900 (0 to 3,800)``. ``most`` decimals
    at most; ``number`` writes a value with so many.
    """
    middle, half = summary["mean"], summary["ci95"]
    if middle is None:
        return UNKNOWN
    places = decimals(half, most)

    def write(value: float | None) -> str:
        return number(round(value or 0.0, places), max(0, places))

    if half is None:
        return write(middle)
    if half > middle:
        return f"{write(middle)} ({write(0.0)} to {write(summary['ci95_high'])})"
    return f"{write(middle)} \N{PLUS-MINUS SIGN} {write(half)}"
