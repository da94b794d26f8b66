"""``emu simulate``: a scenario in virtual time."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.console import Console

from emu.cli.needs import virtual_scenario_in, writable
from emu.cli.options import AS_JSON, JOBS, REPEAT, RESULTS, SCENARIO, SEED, examples
from emu.cli.refusals import Interrupted


@click.command(
    epilog=examples("emu simulate experiments/i3-churn/scenario.yaml --repeat 10 --jobs 2")
)
@SCENARIO
@RESULTS
@SEED
@REPEAT
@JOBS
@AS_JSON
def simulate(
    scenario: Path, out: Path, seed: int | None, repeat: int | None, jobs: int, as_json: bool
) -> None:
    """Play SCENARIO in virtual time, and write a record; without root."""
    experiment = virtual_scenario_in(scenario)
    from emu import simulated
    from emu.show.progress import Progress
    from emu.show.simulated import show_simulated

    console = Console(highlight=False)
    options = simulated.SimulationOptions(
        out=writable(out),
        seed=experiment.seed if seed is None else seed,
        repeat=experiment.repeat if repeat is None else repeat,
        jobs=jobs,
    )
    progress = Progress(console, options.repeat, quiet=as_json)
    outcome = simulated.simulate(scenario, experiment, options, progress)
    if as_json:
        click.echo(json.dumps(outcome.record, indent=2))
    elif outcome.record:
        show_simulated(console, outcome.record, outcome.directory)
    if outcome.interrupted and not outcome.record:
        raise Interrupted("interrupted: nothing was played yet, and nothing is kept")
    if outcome.interrupted:
        raise Interrupted(f"interrupted: {outcome.directory} has what was played")
