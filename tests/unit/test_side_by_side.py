"""Tests run side by side: the quiet ones alone, and what was run again is said at the end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from emu.measure import fidelity
from tests import reruns
from tests.lab import emu_run
from tests.patience import PATIENCE_S
from tests.small_run import flow, small_run

ROOT = Path(__file__).parents[2]
NOISY = """
import time
from pathlib import Path

def log(word):
    with Path({log!r}).open("a") as file:
        file.write(word + "\\n")

def test_it():
    log("{name} begins")
    time.sleep(0.2)
    log("{name} ends")
"""
QUIET = "import pytest\npytestmark = pytest.mark.quiet\n" + NOISY
RERUN = """
import pytest
from tests import reruns

@pytest.mark.parametrize("name", ["one", "two"])
def test_it(name):
    reruns.note(f"because of {name}")
"""


def side_by_side(directory: Path, *options: str) -> str:
    """What pytest says of the tests there, in two processes."""
    command = [sys.executable, "-m", "pytest", "-p", "tests.quiet", "-p", "tests.reruns", "-n2"]
    done = subprocess.run(
        [*command, "--dist", "loadfile", "-p", "no:cacheprovider", *options, str(directory)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=directory,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_quiet_tests_come_last_and_alone(tmp_path: Path) -> None:
    log = tmp_path / "log"
    for number in range(2):
        for kind, text in (("quiet", QUIET), ("uproar", NOISY)):
            name = f"{kind}{number}"
            (tmp_path / f"test_{name}.py").write_text(
                text.format(log=str(log), name=name), encoding="utf-8"
            )
    side_by_side(tmp_path)
    *noisy, one, its_end, other, end = log.read_text(encoding="utf-8").splitlines()
    assert {line.split()[0] for line in noisy} == {"uproar0", "uproar1"}
    assert {one, other} == {"quiet0 begins", "quiet1 begins"}
    assert (its_end, end) == (one.replace("begins", "ends"), other.replace("begins", "ends"))


def test_what_was_run_again_in_any_process_is_named_before_the_last_line(tmp_path: Path) -> None:
    for file in ("test_a.py", "test_b.py"):
        (tmp_path / file).write_text(RERUN, encoding="utf-8")
    *_, last = lines = side_by_side(tmp_path, "--no-loadscope-reorder").splitlines()
    assert "4 lab runs were run again because the machine disturbed them" in lines
    for file in ("test_a.py", "test_b.py"):
        for name in ("one", "two"):
            assert f"{file}::test_it[{name}]: because of {name}" in lines
    assert "4 passed in" in last


def record(*, lag_ms: float = 0, busy: float = 0, stall_ms: int = 0) -> dict[str, Any]:
    """A record with what it says of the machine."""
    judged = fidelity.verdict([lag_ms], [(0, 0, 0), (100, round(100 * (1 - busy)), 0)])
    run = {**judged, "stalls": [[0, stall_ms * 1_000_000]]}
    return {
        "fidelity": {"reason": judged["reason"] and f"run 1: {judged['reason']}", "runs": [run]}
    }


LATE = "run 1: timers were late by 11.0 ms (p99), the limit is 10 ms"


@pytest.mark.parametrize(
    ("records", "noted"),
    [
        ([record()], []),
        ([{}], []),  # a run that failed is not run again: that could hide a fault
        ([record(stall_ms=40)], []),
        ([record(busy=1)], []),
        ([record(lag_ms=11), record()], [LATE]),
        ([record(lag_ms=11, busy=1), record()], [LATE]),
        ([record(stall_ms=60), record()], ["it stood still for 60 ms"]),
        ([record(lag_ms=11)] * 3, [LATE] * 2),
    ],
)
def test_a_run_is_tried_again_only_when_its_record_says_it_was_disturbed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    records: list[dict[str, Any]],
    noted: list[str],
) -> None:
    said: list[str] = []
    left = iter(records)
    monkeypatch.setattr(reruns, "note", said.append)
    monkeypatch.setattr(emu_run, "start", lambda *arguments: None)
    monkeypatch.setattr(
        emu_run, "finish", lambda process, out: emu_run.Run(0, "", tmp_path, next(left))
    )
    done = emu_run.run(tmp_path / "scenario.yaml", tmp_path)
    assert done.record == records[-1]
    assert said == noted
    assert not list(left)


@pytest.mark.parametrize(("interval_ns", "least_ms"), [(10_500_000, 34.5), (None, 45)])
def test_a_gap_costs_a_flow_a_packet_interval_less(
    tmp_path: Path, interval_ns: int | None, least_ms: float
) -> None:
    """A packet may leave just before a gap of 50 ms, and the next one just after it."""
    (tmp_path / "runs/1").mkdir(parents=True)
    small_run(tmp_path / "runs/1", flows=[flow("C1→mn1", interval_ns=interval_ns)])
    run = emu_run.Run(0, "", tmp_path, {})
    assert run.least_disruption_ms(50, "C1→mn1") == least_ms
