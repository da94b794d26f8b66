"""``emu run`` and ``emu shell``: a scenario in the lab."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from emu.cli.needs import hint, need_machine, scenario_in, tell_if_crowded, writable
from emu.cli.options import AS_JSON, JOBS, REPEAT, RESULTS, SCENARIO, SEED, examples
from emu.cli.refusals import Failed, Interrupted, NoResult, Wrong

if TYPE_CHECKING:
    from emu.live.broadcast import Broadcast


@click.command(
    epilog=examples("emu run scenario.yaml", "emu run scenario.yaml --repeat 5 --jobs 2 --live")
)
@SCENARIO
@RESULTS
@SEED
@REPEAT
@JOBS
@AS_JSON
@click.option("--keep-captures", is_flag=True, help="Capture on every interface, all packets.")
@click.option(
    "--live",
    type=click.IntRange(0, 65535),
    metavar="[PORT]",
    is_flag=False,
    flag_value=0,
    help="Show it in a browser meanwhile, on a page at 127.0.0.1; any port, or this one.",
)
def run(
    scenario: Path,
    out: Path,
    seed: int | None,
    repeat: int | None,
    jobs: int,
    as_json: bool,
    keep_captures: bool,
    live: int | None,
) -> None:
    """Run SCENARIO, measure it, and write a record and a report."""
    experiment = scenario_in(scenario)
    need_machine(f"run {scenario}", experiment)
    if not as_json:
        hint(scenario, experiment)
        tell_if_crowded()
    from emu import runner
    from emu.show.outcome import show_outcome
    from emu.show.progress import Progress

    console = Console(highlight=False)
    options = runner.RunOptions(
        out=writable(out),
        seed=experiment.seed if seed is None else seed,
        repeat=experiment.repeat if repeat is None else repeat,
        jobs=jobs,
        keep_captures=keep_captures,
    )
    progress = Progress(console, options.repeat, quiet=as_json)
    with _live_page(experiment.name, live, as_json) as page:
        outcome = runner.run(scenario, experiment, options, progress, page)
    if as_json:
        click.echo(json.dumps(outcome.record, indent=2))
    elif outcome.directory.exists():
        show_outcome(console, outcome.record, outcome.directory)
    if outcome.failed is not None:
        raise Failed(f"the run failed: {outcome.failed}")
    if outcome.interrupted and not outcome.record:
        raise Interrupted("interrupted: nothing was measured yet, and nothing is kept")
    if outcome.interrupted:
        raise Interrupted(f"interrupted: {outcome.directory} has what was done")
    if not outcome.record["fidelity"]["ok"]:
        raise NoResult("this is not a result: run it again, with less else on this machine")


@click.command(epilog=examples("emu shell scenario.yaml", "emu shell scenario.yaml < commands.txt"))
@SCENARIO
def shell(scenario: Path) -> None:
    """Build SCENARIO's network, start its agents, and open Mininet's command line in it."""
    experiment = scenario_in(scenario)
    need_machine(f"shell {scenario}", experiment)
    from emu import runner

    raise click.exceptions.Exit(runner.shell(scenario, experiment))


@contextmanager
def _live_page(name: str, port: int | None, quiet: bool) -> Iterator[Broadcast | None]:
    """The page of a scenario's runs, if it was asked for."""
    if port is None:
        yield None
        return
    from emu.live.broadcast import NoPage, broadcast

    try:
        with broadcast(name, port) as page:
            click.echo(f"live page: {page.address}", err=quiet)
            yield page
    except NoPage as problem:
        raise Wrong(f"no live page: {problem}") from None
