"""What a scenario in virtual time came to, on the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from emu.show.numbers import estimate

_PREFIX = "overlay."
DECIMALS = 3
"""At most: a share needs more than a time in ms."""


def show_simulated(console: Console, record: dict[str, Any], directory: Path) -> None:
    """Prints a row for each figure of the overlay: its mean over the runs, and the interval."""
    runs = len(record["runs"])
    title = "one run" if runs == 1 else f"mean of {runs} runs, with its 95 % confidence"
    table = Table(title=f"Overlay ({title})", title_justify="left", box=None, pad_edge=False)
    table.add_column("figure")
    table.add_column("value", justify="right")
    for name, statistics in record["summary"].items():
        if name.startswith(_PREFIX):
            table.add_row(name.removeprefix(_PREFIX), estimate(statistics, DECIMALS))
    console.print(table)
    report = directory / "report.html"
    path = report if report.exists() else directory / "record.json"
    console.print(f"{path.stem}: {path}", soft_wrap=True)
