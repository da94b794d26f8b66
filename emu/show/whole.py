"""Tables that are printed whole, however narrow the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

_WIDEST = 1000


def print_whole(console: Console, table: Table) -> None:
    """A terminal too narrow breaks lines, rather than that a column vanishes or a path is cut."""
    unlimited = console.options.update(max_width=_WIDEST)
    table.width = Measurement.get(console, unlimited, table).maximum
    console.print(table, soft_wrap=True)
