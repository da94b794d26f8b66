"""The tables on the terminal: without a frame, words to the left, numbers to the right."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table


def new_table(words: Iterable[str], numbers: Iterable[str] = (), title: str | None = None) -> Table:
    """An empty one: the headings of its columns, those of words first."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for heading in words:
        table.add_column(heading, overflow="fold")
    for heading in numbers:
        table.add_column(heading, justify="right")
    return table
