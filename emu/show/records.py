"""The table of past records."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from emu import records
from emu.measure.disruption import known
from emu.measure.fidelity import undisturbed
from emu.records import RecordError, State, directories, read
from emu.show.numbers import milliseconds, number_of_runs


def show_records(console: Console, results: Path) -> None:
    """Prints one row a record, oldest first; one that cannot be read says so in its row."""
    table = Table(box=None, pad_edge=False)
    for heading in ("name", "time (UTC)", "seed", "runs", "fidelity"):
        table.add_column(heading)
    table.add_column("disruption (ms)", justify="right")
    for directory in directories(results):
        table.add_row(directory.parent.name, *_cells(directory))
    if table.row_count:
        console.print(table)
    else:
        console.print(f"{results} has no record yet; emu run makes one", soft_wrap=True)


def _cells(directory: Path) -> tuple[str, ...]:
    time, _, seed = directory.name.rpartition("-")
    state = records.state(directory)
    if state is not State.DONE:
        return time, seed, "?", state.value, ""
    try:
        record = read(directory)
        runs = record["runs"]
        gaps = _disruptions(runs)
        fidelity = "ok" if record["fidelity"]["ok"] else "NOT OK"
        if record.get("interrupted"):
            fidelity += ", interrupted"
    except (RecordError, KeyError, TypeError, AttributeError):
        return time, seed, "?", "unreadable record", ""
    middle, longest = (milliseconds(of(gaps) if gaps else None) for of in (median, max))
    disruption = f"{middle}, up to {longest}" if len(gaps) > 1 else middle
    return time, seed, number_of_runs(record), fidelity, disruption


def _disruptions(runs: list[dict[str, Any]]) -> list[float]:
    """Of every stream in every handover of every run, in ms, if it came back."""
    gaps = (
        known(flow, "disruption_ms")
        for run in runs
        for handover in undisturbed(run["handovers"])
        for flow in handover["flows"]
    )
    return [gap for gap in gaps if gap is not None]
