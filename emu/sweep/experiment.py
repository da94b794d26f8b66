"""What an experiment's script has around its own analysis: the sweep, and tables."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from emu import terminal
from emu.cli.refusals import Lacking, Wrong
from emu.files import in_words
from emu.interrupts import INTERRUPTED, run_below
from emu.records import RecordError
from emu.sweep.loader import Job, plan
from emu.sweep.store import Store
from emu.sweep.summary import of_handovers, over_runs
from emu.sweep.table import counted

if TYPE_CHECKING:
    from pandas import DataFrame

Analysis = Callable[["DataFrame", Path], None]
"""Gets the table and the folder of the sweep's results; writes there, and prints what it found.

The table has no rows of runs that the machine could not keep up with, and at least one other. Of a
flow that did not come back after a handover it has no disruption and no losses.
"""


class Unmet(Exception):
    """The results are not what the experiment has to show; str() is one line."""


def experiment(folder: Path, analyse: Analysis) -> click.Command:
    """The command that runs the sweep of ``folder``/matrix.yaml, then ``analyse``.

    Or that of another folder, by the option ``--of``. The results are in one of the same name. The
    exit status is that of ``emu sweep``, which goes on where it was stopped (Ctrl-C, SIGTERM and
    SIGHUP are for it, too), and runs again what the machine could not keep up with; 1 if the
    analysis raises `Unmet`, or a record is gone. Of a sweep that was not begun, because another one
    is writing there, nothing is analysed.
    """

    @click.command(context_settings={"ignore_unknown_options": True}, help=analyse.__doc__)
    @click.option("--of", "chosen", type=click.Path(path_type=Path), default=folder)
    @click.option("--out", type=click.Path(path_type=Path), default=Path("results"))
    @click.argument("options", nargs=-1, type=click.UNPROCESSED)
    def command(chosen: Path, out: Path, options: tuple[str, ...]) -> None:
        terminal.take_over()
        sweep = [sys.executable, "-m", "emu", "sweep", chosen / "matrix.yaml", "--out", out]
        status = run_below([*map(str, sweep), *options])
        if status in (Wrong.exit_code, Lacking.exit_code):
            sys.exit(status)
        try:
            _analyse(out / chosen.resolve().name, analyse)
        except (Unmet, RecordError, OSError) as problem:
            click.echo(in_words(problem) if isinstance(problem, OSError) else problem, err=True)
            status = status if status == INTERRUPTED else 1
        sys.exit(status)

    return command


def _analyse(results: Path, analyse: Analysis) -> None:
    import pandas as pd

    path = results / "table.csv"
    if not path.exists():
        return
    table = pd.read_csv(path)
    rows = counted(table)
    if rows.empty:
        click.echo("nothing to analyse: there is no run yet that the machine kept up with")
    else:
        analyse(rows, results)


def faithful_records(folder: Path, results: Path) -> list[tuple[Job, Path]]:
    """The record of every run of a sweep that the machine kept up with, and what it is of."""
    jobs = plan(folder / "matrix.yaml").jobs
    done = Store(results).done(jobs)
    return [(job, Path(done[job.name].directory)) for job in jobs if job.name in done]


def tabulate(rows: DataFrame, path: Path) -> None:
    """Write a table to ``path`` with the suffixes .csv and .md, and print it."""
    rows.to_csv(path.with_suffix(".csv"), index=False, float_format="%.4g")
    text = rows.to_markdown(index=False, floatfmt=".4g")
    path.with_suffix(".md").write_text(text + "\n", encoding="utf-8")
    print(text)


def bindings(frame: DataFrame, axes: list[str]) -> DataFrame:
    """One row a completed handover; the table has one for each of its flows."""
    return of_handovers(frame[frame["binding_ms"].notna()], axes)


def interval(frame: DataFrame, metric: str) -> dict[str, float | int | None]:
    """The mean of a column over the runs and the ends of its 95 % confidence interval."""
    found = over_runs(frame, metric)
    ends = {"mean": "mean", "low": "ci95_low", "high": "ci95_high"}
    return {f"{metric}_{name}": found[key] for name, key in ends.items()}
