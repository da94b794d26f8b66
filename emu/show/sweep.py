"""A sweep on the terminal: what is done, the time left, and what came out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from emu.show.numbers import UNKNOWN, estimate, milliseconds
from emu.show.whole import print_whole
from emu.sweep.loader import Job
from emu.sweep.matrix import Matrix
from emu.sweep.summary import of_handovers, over_runs
from emu.sweep.table import counted, not_recovered
from emu.sweep.work import Result

if TYPE_CHECKING:
    from pandas import DataFrame

_SPEED_PERIOD_S = 24 * 3600.0
"""The time left is reckoned from all that this process has done so far."""


class SweepProgress:
    """A bar, and a line for every job that is settled."""

    def __init__(self, console: Console, jobs: int, done: int) -> None:
        self._jobs = jobs
        self._progress = Progress(
            TextColumn("runs"), BarColumn(), MofNCompleteColumn(),
            TextColumn("passed"), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(),
            console=console, speed_estimate_period=_SPEED_PERIOD_S,
        )  # fmt: skip
        self._task = self._progress.add_task("", total=jobs, completed=done)

    def __enter__(self) -> SweepProgress:
        self._progress.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._progress.stop()

    def __call__(self, job: Job, result: Result) -> None:
        """A job is settled."""
        what = "done" if result.faithful else "failed" if result.failed else "not faithful"
        if result.attempts > 1:
            what += f" after {result.attempts} attempts"
        if result.problem:
            what += f": {result.problem}"
        self._progress.console.print(f"{job.name}  {what}", markup=False, soft_wrap=True)
        self._progress.advance(self._task)


_NUMBERS = (
    "runs",
    "disruption\n(ms)",
    "median",
    "of those with\na prediction",
    "predicted",
    "lost",
    "leave\n(ms)",
    "signalling\n(B)",
)
_OF_GROUP = {
    "in the\ntree": "in_tree",
    "RMD": "rmd",
    "RAD": "rad",
    "stretch,\n90th pct.": "stretch_p90",
    "delivered": "delivery_ratio",
    "repair\n(ms)": "repair_ms",
}
"""What is shown of groups in virtual time, by its heading."""
_PREDICTED = "predicted_disruption_ms"


def show_table(console: Console, matrix: Matrix, frame: DataFrame) -> None:
    """A line for each combination: how many runs, and the means of what handovers did.

    Means have their confidence intervals over the runs. What was predicted stands beside what those
    flows measured that have a prediction. Flows that did not come back are in no number of
    disruption and losses: a line of their own says how many.
    """
    table = Table(box=None, pad_edge=False)
    for name in matrix.axes:
        table.add_column(name)
    of_group = matrix.world == "virtual"
    for heading in ("runs", *_OF_GROUP) if of_group else _NUMBERS:
        table.add_column(heading, justify="right", no_wrap=True)
    notes = []
    for values, part in counted(frame).groupby(list(matrix.columns.values()), sort=False):
        names = [f"{value:g}" if isinstance(value, float) else str(value) for value in values]
        gone = int(not_recovered(part).sum())
        if gone:
            notes.append(
                f"{', '.join(names)}: {gone} of {len(part)} did not come back: not counted"
            )
        table.add_row(*names, *(_group_numbers(part) if of_group else _numbers(part)))
    print_whole(console, table)
    for note in notes:
        console.print(note, markup=False, soft_wrap=True)
    if matrix.seeds == 1:
        console.print("one run of each: no confidence intervals; seeds: 5 makes five", style="dim")


def _numbers(part: DataFrame) -> Iterator[str]:
    """The cells of a combination, in the order of `_NUMBERS`."""
    disruption = over_runs(part, "disruption_ms")
    compared = part.dropna(subset=["disruption_ms", _PREDICTED])
    yield str(part["seed"].nunique())
    yield estimate(disruption)
    yield milliseconds(disruption["median"])
    yield estimate(over_runs(compared, "disruption_ms"))
    yield milliseconds(over_runs(compared, _PREDICTED)["mean"])
    yield estimate(over_runs(part, "lost"))
    yield estimate(over_runs(part, "leave_ms"))
    yield estimate(over_runs(of_handovers(part, []), "signalling_bytes"), most=0)


def _group_numbers(part: DataFrame) -> Iterator[str]:
    """The same of groups."""
    yield str(part["seed"].nunique())
    for name in _OF_GROUP.values():
        yield estimate(over_runs(part, name), most=3) if name in part else UNKNOWN


def show_files(console: Console, directory: Path, figures: list[Path]) -> None:
    """Where the results are."""
    for path in (
        directory / "table.csv",
        directory / "table.parquet",
        directory / "summary.csv",
        *figures,
    ):
        console.print(str(path), soft_wrap=True, markup=False)
