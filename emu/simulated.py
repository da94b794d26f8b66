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

from emu import __version__, files, records, room
from emu.interrupts import on_interrupt
from emu.measure import record
from emu.runner import Outcome, Tell, give_to_caller
from emu.scenario.population import VirtualScenario
from emu.simulator import i3_outcome
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


@dataclass(frozen=True)
class _Played:
    """One run, and whether it got to its end."""

    run: dict[str, Any]
    whole: bool


def simulate(
    path: Path, scenario: VirtualScenario, options: SimulationOptions, tell: Tell
) -> Outcome:
    """Play a scenario ``options.repeat`` times and write its record.

    ``tell`` is called as `emu.runner.run` does. Ctrl-C, SIGTERM and SIGHUP end the runs early; what
    they have is kept. NoRoom, before anything starts, if the disk is full.
    """
    room.check(options.out, room.TO_START)
    directory = records.create(options.out / scenario.name, options.seed)
    stop = multiprocessing.Event()
    started = datetime.now(timezone.utc).isoformat()
    with on_interrupt(stop.set), records.being_written(directory):
        (directory / "scenario.yaml").write_bytes(path.read_bytes())
        played = _play_all(scenario, options, stop, tell)
        interrupted = len(played) < options.repeat or not all(one.whole for one in played)
        found = _record(scenario, options.seed, started, played, interrupted=interrupted)
        if played:
            text = json.dumps(found, indent=1, ensure_ascii=False)
            files.replace(directory / records.FILE, text + "\n")
    if played:
        records.point_latest_to(directory)
    else:
        shutil.rmtree(directory)
    give_to_caller(options.out)
    return Outcome(directory, found if played else {}, None, interrupted)


def _play_all(
    scenario: VirtualScenario, options: SimulationOptions, stop: Event, tell: Tell
) -> list[_Played]:
    """All runs that began before Ctrl-C, in their order."""
    numbers = range(1, options.repeat + 1)
    if options.jobs == 1:
        done = (_play(scenario, options.seed, one, stop.is_set, tell) for one in numbers)
        return [one for one in done if one is not None]
    with ProcessPoolExecutor(options.jobs, initializer=_begin, initargs=(stop,)) as pool:
        runs = [pool.submit(_play_elsewhere, scenario, options.seed, one) for one in numbers]
        found = []
        for number, run in enumerate(runs, 1):
            one = run.result()
            if one is not None:
                found.append(one)
                tell({"run": number, "t": None, "text": "done", "kind": "run"})
        return found


def _begin(stop: Event) -> None:
    """In a process that plays runs: Ctrl-C is the first one's business."""
    global _stop
    _stop = stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _play_elsewhere(scenario: VirtualScenario, seed: int, number: int) -> _Played | None:
    assert _stop is not None
    return _play(scenario, seed, number, _stop.is_set, lambda event: None)


def _play(
    scenario: VirtualScenario, seed: int, number: int, stopped: Callable[[], bool], tell: Tell
) -> _Played | None:
    """One run; None if it was not to begin any more."""
    if stopped():
        return None

    def told(seconds: float | None, text: str) -> None:
        tell({"run": number, "t": seconds, "text": text, "kind": "virtual"})

    told(None, f"a network, {scenario.overlay.servers} servers")
    played = Population(scenario, seed + number - 1)
    whole = played.play(told, stopped)
    return _Played(i3_outcome.of_run(played, number, seed + number - 1), whole)


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
