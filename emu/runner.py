"""From a scenario to a record: one sandbox a run, several at a time, then the record and report."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from emu import report, sandbox
from emu.conductor import Order, order_text
from emu.measure import record
from emu.scenario.model import Scenario
from emu.scenario.policies import own_files

GRACE_S = 1.5
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
        self, scenario: Scenario, options: RunOptions, directory: Path, tell: Tell
    ) -> None:
        self._scenario = scenario
        self._options = options
        self._directory = directory
        self._tell = tell
        self._speaking = threading.Lock()
        self._guards: set[subprocess.Popen[str]] = set()
        self._stopping = False
        self.failures: list[str] = []
        self.interrupted = False

    def run(self) -> None:
        """Run them all; Ctrl-C stops the running ones and skips the rest."""
        with ThreadPoolExecutor(self._options.jobs) as pool:
            runs = [pool.submit(self._run, number) for number in range(1, self._options.repeat + 1)]
            try:
                wait(runs)
            except KeyboardInterrupt:
                self.interrupted = True
                self._stop(runs)
        self.failures += [
            str(run.exception()) for run in runs if not run.cancelled() and run.exception()
        ]

    def _run(self, number: int) -> None:
        """One run: its sandbox, its progress, its failure."""
        place = self._directory / "runs" / str(number)
        place.mkdir(parents=True)
        order = place / "order.json"
        seed = self._options.seed + number - 1
        scenario = self._directory / "scenario.yaml"
        order.write_text(
            order_text(Order(str(scenario), seed, str(place), self._options.keep_captures)),
            encoding="utf-8",
        )
        with (place / "conductor.err").open("w", encoding="utf-8") as errors:
            guard = sandbox.spawn(
                [sys.executable, "-m", "emu.conductor", str(order)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
            self._guards.add(guard)
            problem = self._follow(guard, number)
            self._guards.discard(guard)
        if guard.returncode != 0 and not self._stopping:
            self.failures.append(problem or f"run {number}: {_last_line(place / 'conductor.err')}")

    def _follow(self, guard: subprocess.Popen[str], number: int) -> str | None:
        """Pass the conductor's progress on until it ends; the error that it told of, if any."""
        problem = None
        assert guard.stdout is not None
        for line in guard.stdout:
            event = {"run": number, **json.loads(line)}
            if event["kind"] == "error":
                problem = f"run {number}: {event['text']}"
            with self._speaking:
                self._tell(event)
        guard.wait()
        return problem

    def _stop(self, runs: list[Future[None]]) -> None:
        self._stopping = True
        for run in runs:
            run.cancel()
        deadline = time.monotonic() + GRACE_S
        for guard in list(self._guards):
            guard.terminate()
        while self._guards and time.monotonic() < deadline:
            time.sleep(0.02)
        for guard in list(self._guards):
            guard.kill()


def run(path: Path, scenario: Scenario, options: RunOptions, tell: Tell) -> Outcome:
    """Run a scenario ``options.repeat`` times and write its record and report.

    ``tell`` is called, from any thread but never twice at a time, with {"run": its number, "t":
    seconds since the scenario's start or None, "text", "kind"}.
    """
    directory = _new_directory(options.out / scenario.name, options.seed)
    _keep(path, scenario, directory)
    runner = Runner(scenario, options, directory, tell)
    runner.run()
    result: dict[str, Any] = {}
    if any(directory.glob("runs/*/meta.json")):
        result = record.build(directory)
        report.build(directory)
    _point_latest_to(directory)
    give_to_caller(options.out)
    failed = "; ".join(runner.failures) or None
    return Outcome(directory, result, failed, runner.interrupted)


def _keep(path: Path, scenario: Scenario, directory: Path) -> None:
    """Put the scenario, and channel policies of its author's own, into the record."""
    (directory / "scenario.yaml").write_bytes(path.read_bytes())
    for file in own_files(scenario):
        (directory / file).parent.mkdir(parents=True, exist_ok=True)
        (directory / file).write_bytes((path.parent / file).read_bytes())


def shell(path: Path, scenario: Scenario) -> int:
    """Open Mininet's command line in a scenario's network; its exit status."""
    return sandbox.spawn([sys.executable, "-m", "emu.shell", str(path.resolve())]).wait()


def _new_directory(parent: Path, seed: int) -> Path:
    """A new folder for a record, named after the time and the seed."""
    stamp = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    for suffix in ("", *(f".{number}" for number in range(1, 1000))):
        directory = (parent / f"{stamp}-{seed}{suffix}").resolve()
        try:
            directory.mkdir(parents=True)
        except FileExistsError:
            continue
        return directory
    raise FileExistsError(f"{parent}: too many records of one second")


def _point_latest_to(directory: Path) -> None:
    """Replace the link ``latest`` in one step: parallel runs may do so at once."""
    temporary = directory.with_name(f".latest-{os.getpid()}-{threading.get_ident()}")
    temporary.symlink_to(directory.name)
    temporary.rename(directory.with_name("latest"))


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
