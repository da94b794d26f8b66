"""From a scenario in virtual time to a record: its runs, each in this process or in several."""

from __future__ import annotations

import json
import multiprocessing
import platform
import shutil
import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timezone
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from agents.kernel.libc import set_parent_death_signal
from emu import __version__, files, records, report, room
from emu.interrupts import on_interrupt
from emu.measure import record
from emu.runner import Outcome, Tell, give_to_caller
from emu.scenario.model import Scenario
from emu.scenario.population import VirtualScenario
from emu.simulator import i3_outcome
from emu.simulator.i3_lab import Lab
from emu.simulator.population import Population

_stop: Event | None = None
"""Of the processes that play runs: set when they are to end with what they have."""


@dataclass(frozen=True)
class SimulationOptions:
    """What the command line decides."""

    out: Path
    seed: int
    repeat: int
    jobs: int


AnyScenario = Scenario | VirtualScenario


@dataclass(frozen=True)
class _Task:
    """One run that is to be played."""

    scenario: AnyScenario
    folder: Path
    """Where the scenario's other files are."""
    directory: Path
    """The record's."""
    number: int
    seed: int

    @property
    def place(self) -> Path:
        """Where a lab's scenario leaves what it would leave as a run of the lab."""
        return self.directory / "runs" / str(self.number)


@dataclass(frozen=True)
class _Played:
    """A run, as the record has it (that of a lab's scenario is made later), and if it is whole."""

    run: dict[str, Any]
    whole: bool


def simulate(path: Path, scenario: AnyScenario, options: SimulationOptions, tell: Tell) -> Outcome:
    """Play a scenario ``options.repeat`` times and write its record; a lab's has a report, too.

    ``tell`` is called as `emu.runner.run` does. Ctrl-C, SIGTERM and SIGHUP end the runs early; what
    they have is kept. NoRoom, before anything starts, if the disk is full.
    """
    room.check(options.out, room.TO_START)
    directory = records.create(options.out / scenario.name, options.seed)
    stop = multiprocessing.Event()
    started = datetime.now(timezone.utc).isoformat()
    tasks = [
        _Task(scenario, path.resolve().parent, directory, number, options.seed + number - 1)
        for number in range(1, options.repeat + 1)
    ]
    with on_interrupt(stop.set), records.being_written(directory):
        (directory / "scenario.yaml").write_bytes(path.read_bytes())
        if isinstance(scenario, Scenario):
            for task in tasks:
                task.place.mkdir(parents=True)
        played = _play_all(tasks, options.jobs, stop, tell)
        interrupted = len(played) < options.repeat or not all(one.whole for one in played)
        found: dict[str, Any] = {}
        if played and isinstance(scenario, VirtualScenario):
            found = _record(scenario, options.seed, started, played, interrupted=interrupted)
            text = json.dumps(found, indent=1, ensure_ascii=False)
            files.replace(directory / records.FILE, text + "\n")
        elif played:
            found = record.build(directory)
            report.build(directory)
    if played:
        records.point_latest_to(directory)
    else:
        shutil.rmtree(directory)
    give_to_caller(options.out)
    return Outcome(directory, found, None, interrupted)


def _play_all(tasks: list[_Task], jobs: int, stop: Event, tell: Tell) -> list[_Played]:
    """All runs that began before Ctrl-C, in their order."""
    if jobs == 1:
        done = (_play(task, stop.is_set, tell) for task in tasks)
        return [one for one in done if one is not None]
    with ProcessPoolExecutor(jobs, initializer=_begin, initargs=(stop,)) as pool:
        found = []
        for task, run in [(task, pool.submit(_play_elsewhere, task)) for task in tasks]:
            one = run.result()
            if one is not None:
                found.append(one)
                tell({"run": task.number, "t": None, "text": "done", "kind": "run"})
        return found


def _begin(stop: Event) -> None:
    """In a process that plays runs: Ctrl-C is the first one's business, and without it none is."""
    global _stop
    _stop = stop
    set_parent_death_signal(signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _play_elsewhere(task: _Task) -> _Played | None:
    assert _stop is not None
    return _play(task, _stop.is_set, lambda event: None)


def _play(task: _Task, stopped: Callable[[], bool], tell: Tell) -> _Played | None:
    """One run; None if it was not to begin any more."""
    if stopped():
        return None

    def told(seconds: float | None, text: str) -> None:
        tell({"run": task.number, "t": seconds, "text": text, "kind": "virtual"})

    scenario = task.scenario
    if isinstance(scenario, Scenario):
        lab = Lab(scenario, task.folder, task.seed, task.place)
        return _Played({}, lab.play(told, stopped))
    told(None, f"a network, {scenario.overlay.servers} servers")
    population = Population(scenario, task.seed)
    whole = population.play(told, stopped)
    return _Played(i3_outcome.of_run(population, task.number, task.seed), whole)


def _record(
    scenario: VirtualScenario,
    seed: int,
    started: str,
    played: list[_Played],
    *,
    interrupted: bool,
) -> dict[str, Any]:
    """As one of the lab, of a world in which no machine can be too slow."""
    runs = [one.run for one in played]
    exact = {
        "schema": record.SCHEMA,
        "world": "virtual",
        "scenario": scenario.model_dump(mode="json"),
        "seed": seed,
        "emu_version": __version__,
        "kernel": platform.release(),
        "backends": {},
        "started_at": started,
        "interrupted": interrupted,
        "missing_runs": [],
        "fidelity": {"ok": True, "reason": None, "runs": []},
        "runs": runs,
        "summary": record.summary(runs),
    }
    rounded: dict[str, Any] = record.rounded(exact)
    return rounded
