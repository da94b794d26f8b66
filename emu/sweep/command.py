"""What ``emu sweep`` does, from a plan to the table and the figures."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from emu.runner import give_to_caller
from emu.show.sweep import SweepProgress, show_files, show_table
from emu.sweep import plots, table
from emu.sweep.loader import Plan
from emu.sweep.store import Store
from emu.sweep.summary import summary
from emu.sweep.sweep import sweep
from emu.sweep.work import work


@dataclass(frozen=True)
class Outcome:
    """What a sweep came to."""

    directory: Path
    failed: int
    """Runs without a result."""
    unfaithful: int
    """Runs that the machine could not keep up with, in any of their attempts."""
    interrupted: bool


def run_sweep(
    plan: Plan,
    matrix_file: Path,
    out: Path,
    console: Console,
    workers: Callable[[], AbstractContextManager[Executor]],
) -> Outcome:
    """Do what is not done yet, then write the table and draw the figures of all there is."""
    store = Store(out / plan.matrix.name)
    interrupted = False
    with store.locked():
        done = store.done(plan.jobs)
        if len(done) < len(plan.jobs):
            try:
                with (
                    workers() as executor,
                    SweepProgress(console, len(plan.jobs), len(done)) as tell,
                ):
                    sweep(plan, store, executor, work, tell)
            except KeyboardInterrupt:
                interrupted = True
        results = store.results(plan.jobs)
        frame = table.table(plan.jobs, results)
        table.write(frame, store.directory)
        statistics = summary([*plan.matrix.columns.values()], frame)
        statistics.to_csv(store.directory / "summary.csv", index=False, float_format="%.6g")
        shutil.copyfile(matrix_file, store.directory / "matrix.yaml")
        figures = plots.draw(plan.matrix, frame, store.directory / "figures")
    give_to_caller(store.directory)
    show_table(console, plan.matrix, frame)
    show_files(console, store.directory, figures)
    return Outcome(
        store.directory,
        failed=len(plan.jobs) - len(results),
        unfaithful=sum(not result.faithful for result in results.values()),
        interrupted=interrupted,
    )
