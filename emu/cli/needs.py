"""What commands ask for before they begin: a good scenario, root, a machine, a folder."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

import click

from emu import room
from emu.cli.refusals import Lacking, Wrong
from emu.room import NoRoom

if TYPE_CHECKING:
    from emu.scenario import Scenario
    from emu.scenario.population import VirtualScenario
    from emu.sweep.loader import Plan


def scenario_in(path: Path) -> Scenario:
    """The scenario in a file."""
    from emu.scenario import ScenarioError, load

    try:
        return load(path)
    except ScenarioError as error:
        raise Wrong(*error.problems) from None


def any_scenario_in(path: Path) -> Scenario | VirtualScenario:
    """The scenario in a file, also one for virtual time only."""
    from emu.scenario import ScenarioError
    from emu.scenario.loader import load_any

    try:
        return load_any(path)
    except ScenarioError as error:
        raise Wrong(*error.problems) from None


def virtual_scenario_in(path: Path) -> Scenario | VirtualScenario:
    """The scenario in a file that virtual time can play."""
    from emu.scenario import Scenario
    from emu.simulator.i3_lab import unplayable

    scenario = any_scenario_in(path)
    wrong = list(unplayable(scenario)) if isinstance(scenario, Scenario) else []
    if wrong:
        raise Wrong(*(f"{path}: {one}; play this with emu run" for one in wrong))
    return scenario


def is_matrix_file(path: Path) -> bool:
    """Whether a file is a matrix, not a scenario."""
    from emu.scenario import ScenarioError
    from emu.sweep.loader import is_matrix

    try:
        return is_matrix(path)
    except ScenarioError as error:
        raise Wrong(*error.problems) from None


def sweep_in(path: Path) -> Plan:
    """The sweep that a matrix's file plans."""
    from emu.scenario import ScenarioError
    from emu.sweep.loader import plan

    try:
        return plan(path)
    except ScenarioError as error:
        raise Wrong(*error.problems) from None


def hint(path: Path, scenario: Scenario) -> None:
    """Prints what is likely to surprise in a scenario."""
    from emu.analysis.hints import hints

    for line in hints(scenario):
        click.echo(f"{path}: note: {line}")


def tell_if_crowded() -> None:
    """One line if the machine's table of neighbours is nearly full."""
    from emu.doctor import crowded

    line = crowded()
    if line is not None:
        click.echo(f"note: {line}")


def need_machine(command: str, scenario: Scenario) -> None:
    """Ends the command unless this process may, and this machine can, run the scenario."""
    need_root(command.split()[0], command)
    from emu.doctor import missing_for

    lacking = missing_for(scenario)
    if lacking:
        raise Lacking(*(f"this machine lacks {line}" for line in lacking))


def need_root(name: str, command: str) -> None:
    """Ends the command unless root gave it; ``command`` is the whole of it."""
    if os.geteuid() != 0:
        raise Lacking(f"emu {name} needs root: sudo python -m emu {command}")


def writable(out: Path) -> Path:
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
