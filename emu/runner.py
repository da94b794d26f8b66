"""From a scenario to a record: one sandbox a run, several at a time, then the record and report."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from emu import records, report, room, sandbox
from emu.files import in_words
from emu.interrupts import ctrl_c_is_for_others, on_interrupt
from emu.measure import record
from emu.measure.metrics import WrongMetric
from emu.order import Order
from emu.scenario.files import own_files
from emu.scenario.model import Scenario

if TYPE_CHECKING:
    from emu.live.broadcast import Broadcast

GRACE_S = 10.0
"""How long an interrupted run may take to write down what it has."""

Tell = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class RunOptions:
    """What the command line decides."""

    out: Path
    seed: int
    repeat: int
    jobs: int
    keep_captures: bool


@dataclass(frozen=True)
class Outcome:
    """What became of the runs; ``record`` is empty when none got far enough to measure."""

    directory: Path
    record: dict[str, Any]
    failed: str | None
    interrupted: bool


class Runner:
    """Runs the repeats of one scenario."""

    def __init__(
        self, options: RunOptions, directory: Path, tell: Tell, page: Broadcast | None = None
    ) -> None:
        self._options = options
        self._page = page
        self._directory = directory
        self._tell = tell
        self._news: SimpleQueue[dict[str, Any] | None] = SimpleQueue()
        """What the runs tell; None from each at its end."""
        self._guards: set[subprocess.Popen[str]] = set()
        self.failures: list[str] = []
        self.interrupted = False

    def run(self) -> None:
        """Run them all, and tell their progress.

        Runs never wait for who is told: a terminal may have been stopped.
        """
        numbers = range(1, self._options.repeat + 1)
        for number in numbers:  # what was asked for, should some of it never come about
            self._place(number).mkdir(parents=True)
        with ThreadPoolExecutor(self._options.jobs) as pool:
            runs = [pool.submit(self._run, number) for number in numbers]
            for run in runs:
                run.add_done_callback(lambda _: self._news.put(None))
            left = len(runs)
            while left:
                event = self._news.get()
                if event is None:
                    left -= 1
                else:
                    self._tell(event)
        for run in runs:
            problem = run.exception()
            if problem is not None:
                self.failures.append(
                    in_words(problem) if isinstance(problem, OSError) else str(problem)
                )

    def stop(self) -> None:
        """Have the running ones end, with what they have measured, and skip the rest."""
        self.interrupted = True
        for guard in list(self._guards):
            guard.terminate()
            threading.Thread(target=_insist, args=(guard,), daemon=True).start()

    def _run(self, number: int) -> None:
        """One run: its sandbox, its progress, its failure."""
        if self.interrupted:
            return
        place = self._place(number)
        order = place / "order.json"
        seed = self._options.seed + number - 1
        scenario = self._directory / "scenario.yaml"
        Order(str(scenario), seed, str(place), self._options.keep_captures).write(order)
        with (place / "conductor.err").open("w", encoding="utf-8") as errors:
            guard = sandbox.spawn(
                [sys.executable, "-m", "emu.conductor", str(order)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
            self._guards.add(guard)
            if self.interrupted:  # while it was started
                guard.terminate()
            problem = self._follow(guard, number)
            self._guards.discard(guard)
            if self._page is not None:
                self._page.ended(number)
        if problem is not None or (guard.returncode != 0 and not self.interrupted):
            self.failures.append(problem or f"run {number}: {_last_line(place / 'conductor.err')}")

    def _place(self, number: int) -> Path:
        return self._directory / "runs" / str(number)

    def _follow(self, guard: subprocess.Popen[str], number: int) -> str | None:
        """Pass the conductor's progress on until it ends; the error that it told of, if any."""
        problem = None
        assert guard.stdout is not None
        for line in guard.stdout:
            event = {"run": number, **json.loads(line)}
            if event["kind"] == "plan":
                if self._page is not None:
                    self._page.began(number, self._place(number), event["plan"])
                continue
            if event["kind"] == "error":
                problem = f"run {number}: {event['text']}"
            self._news.put(event)
        guard.wait()
        return problem


def _insist(guard: subprocess.Popen[str]) -> None:
    """End a run that does not end by itself."""
    try:
        guard.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        guard.kill()


def run(
    path: Path,
    scenario: Scenario,
    options: RunOptions,
    tell: Tell,
    page: Broadcast | None = None,
) -> Outcome:
    """Run a scenario ``options.repeat`` times and write its record and report.

    A live ``page`` is told of the runs.
    ``tell`` is called with {"run": its number, "t": seconds since the scenario's start or None,
    "text", "kind"}. Ctrl-C, SIGTERM and SIGHUP end the runs early; what they measured is kept.
    NoRoom, before anything starts, if the disk is full.
    """
    room.check(options.out, room.TO_START)
    directory = records.create(options.out / scenario.name, options.seed)
    runner = Runner(options, directory, tell, page)
    with on_interrupt(runner.stop), records.being_written(directory):
        _keep(path, scenario, directory)
        runner.run()
        result = _build(directory, runner.failures)
    if runner.interrupted and not result and not runner.failures:
        shutil.rmtree(directory)  # nothing was measured
    else:
        records.point_latest_to(directory)
    give_to_caller(options.out)
    failed = "; ".join(runner.failures) or None
    return Outcome(directory, result, failed, runner.interrupted)


def _build(directory: Path, failures: list[str]) -> dict[str, Any]:
    """The record and the report of what was measured; empty when nothing was."""
    if not any(directory.glob("runs/*/meta.json")):
        return {}
    try:
        result = record.build(directory)
        report.build(directory)
    except (OSError, WrongMetric) as error:
        reason = in_words(error) if isinstance(error, OSError) else str(error)
        failures.append(f"{reason}; emu report {directory} will make the record")
        return {}
    return result


def _keep(path: Path, scenario: Scenario, directory: Path) -> None:
    """Put the scenario, and the files that it names, into the record."""
    (directory / "scenario.yaml").write_bytes(path.read_bytes())
    for file in own_files(scenario):
        (directory / file).parent.mkdir(parents=True, exist_ok=True)
        (directory / file).write_bytes((path.parent / file).read_bytes())


def shell(path: Path, scenario: Scenario) -> int:
    """Open Mininet's command line in a scenario's network; its exit status."""
    command = [sys.executable, "-m", "emu.shell", str(path.resolve())]
    with ctrl_c_is_for_others():
        return sandbox.spawn(command, terminal=True).wait()


def give_to_caller(out: Path) -> None:
    """Under sudo, the records belong to the person who called it."""
    if "SUDO_UID" not in os.environ:
        return
    owner, group = int(os.environ["SUDO_UID"]), int(os.environ["SUDO_GID"])
    for place, folders, files in os.walk(out):
        for name in (".", *folders, *files):
            os.chown(Path(place, name), owner, group, follow_symlinks=False)


def _last_line(path: Path) -> str:
    lines = path.read_text(errors="replace", encoding="utf-8").strip().splitlines()
    return lines[-1] if lines else "the conductor ended without a word"
