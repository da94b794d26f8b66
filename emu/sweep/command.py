"""What ``emu sweep`` does, from a plan to the table and the figures."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import SimpleQueue

from rich.console import Console

from emu.interrupts import on_interrupt
from emu.room import NoRoom
from emu.runner import give_to_caller
from emu.show.sweep import SweepProgress, show_files, show_table
from emu.sweep import plots, table
from emu.sweep.loader import Plan
from emu.sweep.store import Store
from emu.sweep.summary import summary
from emu.sweep.sweep import Ends, sweep
from emu.sweep.work import work

Workers = Callable[[Path], AbstractContextManager[Executor]]
"""Starts them; they may write what is of no use to others into the folder."""


@dataclass(frozen=True)
class Outcome:
    """What a sweep came to."""

    directory: Path
    failed: int
    """Runs without a result."""
    unfaithful: int
    """Runs that the machine could not keep up with, in any of their attempts."""
    interrupted: bool
    no_room: NoRoom | None
    """Why it stopped, if it was for that."""


def run_sweep(
    plan: Plan,
    matrix_file: Path,
    out: Path,
    console: Console,
    workers: Workers,
) -> Outcome:
    """Do what is not done yet, then write the table and draw the figures of all there is.

    Ctrl-C, SIGTERM and SIGHUP end it early, with what is done.
    """
    store = Store(out / plan.matrix.name)
    ends: Ends = SimpleQueue()
    whole, no_room = True, None
    with store.locked(), on_interrupt(partial(ends.put, None)):
        store.tidy()
        done = store.done(plan.jobs)
        if len(done) < len(plan.jobs):
            try:
                with (
                    workers(store.scratch) as executor,
                    SweepProgress(console, len(plan.jobs), len(done)) as tell,
                ):
                    whole = sweep(plan, store, executor, work, tell, ends)
            except NoRoom as problem:
                no_room = problem
            store.tidy()
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
        interrupted=not whole,
        no_room=no_room,
    )
