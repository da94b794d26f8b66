"""The table of past records and sweeps."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from emu.show.numbers import UNKNOWN, milliseconds
from emu.show.whole import print_whole


def show_records(console: Console, found: list[dict[str, Any]]) -> None:
    """Prints one row for each that `emu.listing.listing` found."""
    table = Table(box=None, pad_edge=False)
    table.add_column("path")
    table.add_column("runs")
    table.add_column("how it went")
    table.add_column("disruption (ms)", justify="right")
    for one in found:
        table.add_row(one["path"], _runs(one), _how(one), _disruption(one))
    print_whole(console, table)


def _runs(one: dict[str, Any]) -> str:
    if one["runs"] is None:
        return "?"
    missing = one["missing_runs"]
    return f"{one['runs']} of {one['runs'] + missing}" if missing else str(one["runs"])


def _how(one: dict[str, Any]) -> str:
    if one["kind"] == "sweep":
        what = [f"sweep, {one['state']}"]
        what += [f"{one[key]} {key}" for key in ("unfaithful", "failed") if one[key]]
        return ", ".join(what)
    if one["faithful"] is None:
        return str(one["state"])
    faithful = "ok" if one["faithful"] else "NOT OK"
    return f"{faithful}, interrupted" if one["interrupted"] else faithful


def _disruption(one: dict[str, Any]) -> str:
    found = one["disruption_ms"]
    if found is None:
        return "" if one["faithful"] is None else UNKNOWN
    middle, longest = milliseconds(found["median"]), milliseconds(found["max"])
    return f"{middle}, up to {longest}" if found["n"] > 1 else middle
