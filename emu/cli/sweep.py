"""``emu sweep``: a scenario under every combination of some values."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from emu.cli.needs import need_machine, sweep_in, writable
from emu.cli.options import RESULTS, examples
from emu.cli.refusals import Failed, Interrupted, Lacking, NoResult

if TYPE_CHECKING:
    from emu.sweep.loader import Plan


@click.command(
    epilog=examples(
        "emu sweep matrix.yaml --dry-run",
        "emu sweep matrix.yaml --workers 2",
        "emu sweep matrix.yaml --cluster tcp://192.0.2.1:8786",
    )
)
@click.argument("matrix", type=click.Path(path_type=Path))
@RESULTS
@click.option("--workers", type=click.IntRange(1, 256), help="Runs at a time; by the cores.")
@click.option("--cluster", metavar="ADDRESS", help="A Dask scheduler whose workers do the runs.")
@click.option("--dry-run", is_flag=True, help="Say how many runs are left and how long they take.")
def sweep(matrix: Path, out: Path, workers: int | None, cluster: str | None, dry_run: bool) -> None:
    """Run a scenario under every combination that MATRIX names; go on where it was stopped."""
    from emu.scenario import Scenario
    from emu.sweep import cluster as clusters
    from emu.sweep.command import run_sweep
    from emu.sweep.store import Busy

    planned = sweep_in(matrix)
    is_virtual = planned.matrix.world == "virtual"
    number = workers or clusters.default_workers(1 if is_virtual else clusters.CORES_A_RUN)
    if dry_run:
        click.echo(_prospect(planned, out, number))
        return
    if cluster is None:
        if not is_virtual and isinstance(planned.scenario, Scenario):
            need_machine(f"sweep {matrix}", planned.scenario)
        place = partial(clusters.local, number)
    else:
        place = partial(clusters.remote, cluster)
    console = Console(highlight=False)
    try:
        outcome = run_sweep(planned, matrix, writable(out), console, place)
    except (Busy, clusters.Unreachable) as error:
        raise Lacking(str(error)) from None
    if outcome.interrupted:
        raise Interrupted("interrupted: the same command goes on with what is left")
    if outcome.no_room is not None:
        raise Failed(f"{outcome.no_room}: the same command goes on when there is room")
    problems = []
    if outcome.unfaithful:
        runs = f"{outcome.unfaithful} of {len(planned.jobs)} runs"
        why = "the machine could not keep up"
        problems.append(f"{runs} are not results: {why}; the same command tries them again")
    if outcome.failed:
        problems.append(f"{outcome.failed} runs failed: the same command tries them again")
    if problems:
        raise (Failed if outcome.failed else NoResult)(*problems)


def _prospect(planned: Plan, out: Path, number: int) -> str:
    """What the sweep has left to do, with so many runs at a time."""
    from emu.sweep.estimate import estimate
    from emu.sweep.store import Store

    done = Store(out / planned.matrix.name).done(planned.jobs)
    return f"{planned.matrix.name}: {estimate(planned, number, done)}"
