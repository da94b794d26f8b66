"""Numbers as the tables show them; an unknown one is a dash."""

from __future__ import annotations

from collections.abc import Iterable

from emu.measure.statistics import summarise

UNKNOWN = "-"


def milliseconds(value: float | None) -> str:
    """With one decimal: ``61.3``."""
    return UNKNOWN if value is None else f"{value:.1f}"


def mean(values: Iterable[float | None]) -> float | None:
    """Of the values that are known; None when none is."""
    return summarise(_known(values))["mean"]


def count(values: Iterable[float | None]) -> str:
    """The mean of numbers of things: ``12``, ``12.4``."""
    average = mean(values)
    if average is None:
        return UNKNOWN
    return f"{average:,.0f}" if average.is_integer() else f"{average:,.1f}"


def with_interval(values: Iterable[float | None]) -> str:
    """A mean and half the width of its 95 % confidence interval: ``61.3 ± 2.0``."""
    statistics = summarise(_known(values))
    average = milliseconds(statistics["mean"])
    interval = statistics["ci95"]
    return average if interval is None else f"{average} ± {milliseconds(interval)}"


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]
