"""The command line: what each command takes, and its exit status.

Exit status: 0 done; 1 the run failed; 2 the scenario or the command line is wrong; 3 the machine
lacks something, which is named; 4 done, but the machine could not keep up, so that there is no
result; 130 interrupted.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from emu import __version__, room
from emu.files import in_words
from emu.interrupts import INTERRUPTED
from emu.room import NoRoom

if TYPE_CHECKING:
    from emu.i3_file import ClientFile, ServerFile
    from emu.live.broadcast import Broadcast
    from emu.running import RunningLab
    from emu.scenario import Scenario
    from emu.scenario.population import VirtualScenario

_SCENARIO = click.argument("scenario", type=click.Path(path_type=Path))
_RESULTS = click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("results"),
    show_default=True,
    help="Folder of the records.",
)
_SEED = click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="Instead of the scenario's.")
_REPEAT = click.option("--repeat", type=click.IntRange(1, 10000), help="Instead of the scenario's.")
_JOBS = click.option(
    "--jobs", type=click.IntRange(1, 64), default=1, show_default=True, help="Runs at a time."
)
_AS_JSON = click.option(
    "--json", "as_json", is_flag=True, help="Print the record, and nothing else."
)


class Refusal(click.ClickException):
    """The end of a command that cannot go on, in lines that each say all."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))

    def show(self, file: Any = None) -> None:
        """Prints the lines as they are."""
        click.echo(self.message, file=file, err=True)


class Failed(Refusal):
    """The run did not do what it should."""

    exit_code = 1


class Wrong(Refusal):
    """What the user asked for cannot be meant so."""

    exit_code = 2


class Lacking(Refusal):
    """The machine, or this process, does not have what the command needs."""

    exit_code = 3


class NoResult(Refusal):
    """All was done, but on a machine that could not keep up."""

    exit_code = 4


class Interrupted(Refusal):
    """The user has had enough."""

    exit_code = INTERRUPTED


def emu(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; the exit status."""
    try:
        return int(commands.main(arguments, prog_name="emu", standalone_mode=False) or 0)
    except click.ClickException as refusal:
        refusal.show()
        return refusal.exit_code
    except (OSError, NoRoom) as problem:  # a file of the user's cannot be read or written
        click.echo(in_words(problem) if isinstance(problem, OSError) else str(problem), err=True)
        return Failed.exit_code
    except click.Abort:
        click.echo("interrupted", err=True)
        return Interrupted.exit_code


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="emu")
@click.pass_context
def commands(context: click.Context) -> None:
    """Emulate mobility and multicast in a network of real Linux hosts, and measure it."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@commands.command()
@_SCENARIO
@_RESULTS
@_SEED
@_REPEAT
@_JOBS
@_AS_JSON
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
    experiment = _load(scenario)
    _need_machine(f"run {scenario}", experiment)
    if not as_json:
        _hint(scenario, experiment)
    from emu import runner
    from emu.show.outcome import show_outcome
    from emu.show.progress import Progress

    console = Console(highlight=False)
    options = runner.RunOptions(
        out=_writable(out),
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


@commands.command()
@_SCENARIO
@_RESULTS
@_SEED
@_REPEAT
@_JOBS
@_AS_JSON
def simulate(
    scenario: Path, out: Path, seed: int | None, repeat: int | None, jobs: int, as_json: bool
) -> None:
    """Play SCENARIO in virtual time, and write a record; without root."""
    experiment = _load_virtual(scenario)
    from emu import simulated
    from emu.show.progress import Progress
    from emu.show.simulated import show_simulated

    console = Console(highlight=False)
    options = simulated.SimulationOptions(
        out=_writable(out),
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


@commands.command()
@click.argument("matrix", type=click.Path(path_type=Path))
@_RESULTS
@click.option("--workers", type=click.IntRange(1, 256), help="Runs at a time; by the cores.")
@click.option("--cluster", metavar="ADDRESS", help="A Dask scheduler whose workers do the runs.")
def sweep(matrix: Path, out: Path, workers: int | None, cluster: str | None) -> None:
    """Run a scenario under every combination that MATRIX names; go on where it was stopped."""
    from emu.scenario import Scenario, ScenarioError
    from emu.sweep import cluster as clusters
    from emu.sweep.command import run_sweep
    from emu.sweep.loader import plan
    from emu.sweep.store import Busy

    try:
        planned = plan(matrix)
    except ScenarioError as error:
        raise Wrong(*error.problems) from None
    if cluster is None:
        cores = clusters.CORES_A_RUN
        if planned.matrix.world == "virtual":
            cores = 1
        elif isinstance(planned.scenario, Scenario):
            _need_machine(f"sweep {matrix}", planned.scenario)
        number = workers or clusters.default_workers(cores)
        place = partial(clusters.local, number)
    else:
        place = partial(clusters.remote, cluster)
    console = Console(highlight=False)
    try:
        outcome = run_sweep(planned, matrix, _writable(out), console, place)
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


@commands.command()
@_SCENARIO
def model(scenario: Path) -> None:
    """Show what the papers' equations predict for SCENARIO, and start nothing."""
    from emu.show.model import show_model

    show_model(Console(highlight=False), _load(scenario))


@commands.command()
@click.argument("scenarios", nargs=-1, required=True, type=click.Path(path_type=Path))
def check(scenarios: tuple[Path, ...]) -> None:
    """Say whether each of SCENARIOS can be run, and start nothing."""
    from emu.scenario import Scenario
    from emu.scenario.units import DURATION

    problems: list[str] = []
    for path in scenarios:
        try:
            scenario = _load_any(path)
        except Wrong as refusal:
            problems.append(refusal.message)
            continue
        length = DURATION.show(scenario.duration)
        click.echo(f"{path}: {scenario.name} is good: {length}, {len(scenario.events)} events")
        if isinstance(scenario, Scenario):
            _hint(path, scenario)
    if problems:
        raise Wrong(*problems)


@commands.command()
@_SCENARIO
def shell(scenario: Path) -> None:
    """Build SCENARIO's network, start its agents, and open Mininet's command line in it."""
    experiment = _load(scenario)
    _need_machine(f"shell {scenario}", experiment)
    from emu import runner

    raise click.exceptions.Exit(runner.shell(scenario, experiment))


@commands.group()
def show() -> None:
    """Show how running labs are."""


@show.command()
def membership() -> None:
    """Show the membership records of every router, in every lab that runs on this machine."""
    from emu.show.membership import show_membership

    _show_labs("membership", show_membership)


@show.command()
def i3() -> None:
    """Show the triggers of every i3 server, and where every client is in its tree."""
    from emu.show.i3 import show_i3

    _show_labs("i3", show_i3)


@show.command("overlay")
def show_overlay_command() -> None:
    """Show whom every member of an overlay knows, and how each group flows."""
    from emu.show.overlay import show_overlay

    _show_labs("overlay", show_overlay)


@commands.command()
@click.argument("config", type=click.Path(path_type=Path), metavar="CONFIG|status")
def overlay(config: Path) -> None:
    """Be a member of the overlay that CONFIG describes, or show the members on this machine."""
    from emu.overlay_command import Unable, be_member, show_status
    from emu.scenario import ScenarioError

    _need_root("overlay", f"overlay {config}")
    try:
        if str(config) == "status":
            show_status(Console(highlight=False))
        else:
            be_member(config)
    except ScenarioError as error:
        raise Wrong(*error.problems) from None
    except Unable as error:
        raise Failed(str(error)) from None


@commands.group("i3")
def i3_nodes() -> None:
    """Be a server or a client of the Internet Indirection Infrastructure."""


@i3_nodes.command()
@click.argument("config", type=click.Path(path_type=Path))
def server(config: Path) -> None:
    """Be the i3 server that CONFIG describes, until told to stop."""
    from agents.roles import i3_server
    from emu.i3_file import ServerFile

    _be(i3_server.main, config, ServerFile)


@i3_nodes.command()
@click.argument("config", type=click.Path(path_type=Path))
def client(config: Path) -> None:
    """Be the i3 client that CONFIG describes, until told to stop."""
    from agents.roles import i3_client
    from emu.i3_file import ClientFile

    _be(i3_client.main, config, ClientFile)


@i3_nodes.command()
@click.argument("at")
def root(at: str) -> None:
    """Print an identifier for a new group, which the server AT an address and port has."""
    from emu.i3_file import new_root

    try:
        click.echo(new_root(at).hex())
    except ValueError as error:
        raise Wrong(str(error)) from None


def _be(
    main: Callable[[dict[str, Any]], None], path: Path, kind: type[ServerFile | ClientFile]
) -> None:
    """Is a node by its file."""
    from emu.i3_file import load
    from emu.scenario import ScenarioError

    try:
        main(load(path, kind))
    except ScenarioError as error:
        raise Wrong(*error.problems) from None
    except OSError as error:
        raise Failed(f"{path}: {in_words(error)}") from None


@commands.command()
def doctor() -> None:
    """Show what this machine has for runs, and what it lacks."""
    from emu.doctor import examine

    lacking = examine(Console(highlight=False))
    if lacking:
        raise Lacking(*(f"missing: {line}" for line in lacking))


@commands.command("list")
@_RESULTS
def list_records(out: Path) -> None:
    """List the records of past runs, newest last."""
    from emu.show.records import show_records

    show_records(Console(highlight=False), out)


@commands.command()
@click.argument("record")
@_RESULTS
def report(record: str, out: Path) -> None:
    """Build the report of RECORD again: its folder, or "latest" for the newest one."""
    from emu.records import RecordError, find
    from emu.report.again import again

    try:
        click.echo(str(again(find(record, out))))
    except RecordError as error:
        raise Wrong(str(error)) from None


@commands.command()
@click.argument("record")
@_RESULTS
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Instead of any.")
def replay(record: str, out: Path, port: int) -> None:
    """Show RECORD (its folder, or "latest") in a browser, on a page at 127.0.0.1."""
    from emu.live.command import replay as serve
    from emu.live.replay import Replay
    from emu.records import RecordError, find

    try:
        shown = Replay(find(record, out))
    except RecordError as error:
        raise Wrong(str(error)) from None
    try:
        serve(shown, port, lambda address: click.echo(f"{address} (Ctrl-C ends)"))
    except OSError as error:
        raise Wrong(f"port {port} of 127.0.0.1: {in_words(error)}; choose another") from None


def _show_labs(what: str, show_lab: Callable[[Console, RunningLab], None]) -> None:
    """Shows something of every lab that runs on this machine."""
    _need_root(f"show {what}", f"show {what}")
    from emu.running import running_labs

    labs = list(running_labs())
    if not labs:
        raise Failed("no lab runs on this machine; emu run and emu shell start one")
    console = Console(highlight=False)
    for lab in labs:
        console.print(f"{lab.scenario}, seed {lab.seed}", style="bold")
        show_lab(console, lab)


def _load(path: Path) -> Scenario:
    from emu.scenario import ScenarioError, load

    try:
        return load(path)
    except ScenarioError as error:
        raise Wrong(*error.problems) from None


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


def _load_any(path: Path) -> Scenario | VirtualScenario:
    from emu.scenario import ScenarioError
    from emu.scenario.loader import load_any

    try:
        return load_any(path)
    except ScenarioError as error:
        raise Wrong(*error.problems) from None


def _load_virtual(path: Path) -> Scenario | VirtualScenario:
    from emu.scenario import Scenario
    from emu.simulator.i3_lab import unplayable

    scenario = _load_any(path)
    wrong = list(unplayable(scenario)) if isinstance(scenario, Scenario) else []
    if wrong:
        raise Wrong(*(f"{path}: {one}; play this with emu run" for one in wrong))
    return scenario


def _hint(path: Path, scenario: Scenario) -> None:
    from emu.analysis.hints import hints

    for hint in hints(scenario):
        click.echo(f"{path}: note: {hint}")


def _need_machine(command: str, scenario: Scenario) -> None:
    """Ends the command unless this process may, and this machine can, run the scenario."""
    _need_root(command.split()[0], command)
    from emu.doctor import missing_for

    lacking = missing_for(scenario)
    if lacking:
        raise Lacking(*(f"this machine lacks {line}" for line in lacking))


def _need_root(name: str, command: str) -> None:
    if os.geteuid() != 0:
        raise Lacking(f"emu {name} needs root: sudo python -m emu {command}")


def _writable(out: Path) -> Path:
    """The folder of the results, once it is sure that something can be written there."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        room.check(out, room.TO_START)
        with TemporaryFile(dir=out):
            pass
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise Wrong(f"{out}: {reason}; choose a folder with --out") from None
    except NoRoom as error:
        raise Wrong(f"{error}; choose a folder with --out") from None
    return out
