"""Runs the tool as a user does, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tests import reruns

ROOT = Path(__file__).parents[2]
ATTEMPTS = 3
"""How often a run is tried on a machine that stands still now and then."""
STILL_MS = 50
"""The timers of protocols notice when it does so for so long."""


ENDED = (0, 4)
"""The status of a run that was done: as a result, or as none, as the machine could not keep up."""
BUSY = "the CPUs were"
LATE_MS = 5
"""A packet may be so late on a machine that keeps up."""


@dataclass(frozen=True)
class Run:
    """What ``emu run`` left behind."""

    status: int
    output: str
    directory: Path
    record: dict[str, Any]

    def run(self, number: int = 1) -> dict[str, Any]:
        """One repeat's part of the record."""
        run: dict[str, Any] = self.record["runs"][number - 1]
        return run

    def meta(self, number: int = 1) -> dict[str, Any]:
        """What was written down at the end of one repeat."""
        path = self.directory / f"runs/{number}/meta.json"
        return dict(json.loads(path.read_text(encoding="utf-8")))

    def flow(self, name: str, number: int = 1) -> dict[str, Any]:
        """A flow of one repeat."""
        (flow,) = (flow for flow in self.run(number)["flows"] if flow["flow"] == name)
        return dict(flow)

    @property
    def ended(self) -> bool:
        """Whether all was done; that the machine could not keep up (4) is judged by the record."""
        return self.status in ENDED

    @property
    def disturbance(self) -> str | None:
        """How the record says that the machine, and not the code, may be what is seen.

        CPUs that were busy disturbed nothing if the timers were in time all the same.
        """
        fidelity = self.record.get("fidelity", {"reason": None, "runs": []})
        reasons = [one for one in (fidelity["reason"] or "").split("; ") if BUSY not in one]
        if any(reasons):
            return "; ".join(reasons)
        stalls = [end - start for run in fidelity["runs"] for start, end in run["stalls"]]
        longest_ms = max(stalls, default=0) / 1e6
        return f"it stood still for {longest_ms:.0f} ms" if longest_ms > STILL_MS else None

    def least_disruption_ms(self, outage_ms: float, flow: str, number: int = 1) -> float:
        """What an outage costs a flow at the least.

        A disruption is less one packet interval, and the last packet before it may come late.
        """
        (interval_ns,) = (f["interval_ns"] for f in self.meta(number)["flows"] if f["flow"] == flow)
        return outage_ms - (interval_ns or 0) / 1e6 - LATE_MS

    def events(self, *kinds: str) -> list[dict[str, Any]]:
        """The events of these kinds, in the order of time."""
        lines = (self.directory / "events.jsonl").read_text(encoding="utf-8").splitlines()
        events = [json.loads(line) for line in lines]
        return sorted((e for e in events if e["kind"] in kinds), key=lambda e: e["t"])

    def packets(self, capture: str, display_filter: str, *fields: str) -> list[list[str]]:
        """What tshark reads in one interface's capture: these fields of the packets filtered."""
        path = self.directory / "captures" / f"{capture}.pcapng"
        wanted = [part for field in fields for part in ("-e", field)]
        done = subprocess.run(
            ["tshark", "-n", "-r", path, "-Y", display_filter, "-T", "fields", *wanted],
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
        return [line.split("\t") for line in done.stdout.splitlines()]


def command(*arguments: object) -> list[str]:
    """``emu`` with these arguments, in this Python."""
    return [sys.executable, "-m", "emu", *map(str, arguments)]


def start(scenario: Path, out: Path, *options: object) -> subprocess.Popen[str]:
    """Start ``emu run`` in a process group of its own, as a terminal does."""
    return subprocess.Popen(
        command("run", scenario, "--out", out, *options),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "160"},
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str], out: Path) -> Run:
    """Wait for a run to end and read its record."""
    output, _ = process.communicate(timeout=600)
    (latest,) = out.glob("*/latest")
    record = latest / "record.json"
    content = json.loads(record.read_text(encoding="utf-8")) if record.exists() else {}
    return Run(process.returncode, output, latest.resolve(), content)


def run_side_by_side(scenarios: Mapping[str, Path], *options: object) -> dict[str, Run]:
    """Run scenarios at the same time, each to its end and with its results beside it.

    Those that the machine disturbed are run again, one by one.
    """
    places = {name: (path, path.parent / "results") for name, path in scenarios.items()}
    started = {name: (start(*place, *options), place[1]) for name, place in places.items()}
    done = {name: finish(*process) for name, process in started.items()}
    return {
        name: undisturbed(first, partial(_once, *places[name], *options))
        for name, first in done.items()
    }


def run(scenario: Path, out: Path, *options: object) -> Run:
    """Run a scenario to its end, and again if the machine disturbed it."""
    return undisturbed(_once(scenario, out, *options), partial(_once, scenario, out, *options))


def _once(scenario: Path, out: Path, *options: object) -> Run:
    return finish(start(scenario, out, *options), out)


def shown_and_run(scenario: Path, out: Path, line: str, what: str) -> tuple[str, Run]:
    """What ``emu show`` said when the run had come to a line of its output, and the run.

    Again, both, if the machine disturbed it.
    """
    shown = []

    def attempt() -> Run:
        said, done = _shown_and_run(scenario, out, line, what)
        shown.append(said)
        return done

    done = undisturbed(attempt(), attempt)
    return shown[-1], done


def _shown_and_run(scenario: Path, out: Path, line: str, what: str) -> tuple[str, Run]:
    process = start(scenario, out)
    assert process.stdout is not None
    for told in process.stdout:
        if line in told:
            break
    done = subprocess.run(
        command("show", what),
        capture_output=True,
        encoding="utf-8",
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, finish(process, out)


def undisturbed(done: Run, again: Callable[[], Run]) -> Run:
    """This run, or another one if the machine disturbed it; the last attempt, however it was."""
    for _ in range(ATTEMPTS - 1):
        if done.disturbance is None:
            break
        reruns.note(done.disturbance)
        done = again()
    return done
