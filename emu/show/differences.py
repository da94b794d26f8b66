"""Differences between records, on the terminal and in words."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from emu.measure.differences import Difference
from emu.measure.statistics import decimals
from emu.show.numbers import plain
from emu.show.whole import print_whole

_MOST_DECIMALS = 3


def show_differences(console: Console, first: str, other: str, found: list[Difference]) -> None:
    """Prints a row a metric; in bold where the interval leaves 0 out."""
    console.print(f"{other} against {first}", markup=False, soft_wrap=True)
    table = Table(box=None, pad_edge=False)
    table.add_column("metric")
    for heading in ("pairs", "first", "this", "difference (95 % CI)"):
        table.add_column(heading, justify="right")
    for one in found:
        means = of_mean(one, "first"), of_mean(one, "other")
        style = "bold" if one.is_clear else None
        table.add_row(one.metric, str(one.seeds), *means, difference(one), style=style)
    print_whole(console, table)


def of_mean(one: Difference, which: str) -> str:
    """The ``first`` or the ``other`` mean, in as many digits as the difference bears."""
    return plain(getattr(one, which), _places(one))


def difference(one: Difference) -> str:
    """With its interval: ``+3.2 (1.1 to 5.3)``."""
    places = _places(one)
    mean = f"{one.mean:+,.{places}f}"
    if one.half is None:
        return mean
    low, high = plain(one.mean - one.half, places), plain(one.mean + one.half, places)
    return f"{mean} ({low} to {high})"


def _places(one: Difference) -> int:
    return max(0, decimals(one.half, _MOST_DECIMALS))
