"""Several runs at a time, runs that are stopped, runs that fail, runs that are killed."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.lab.emu_run import ROOT, command, finish, run, start
from tests.lab.sandboxed import in_sandbox
from tests.lab.test_sandbox import assert_unchanged, command_line, traces_in_own_tmp
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.root

SHORT = """
name: short
seed: {seed}
duration: {duration}
topology: {{kind: dmm-domain, mars: 2, cmd: {{delay: 5ms}}, core: {{delay: 1ms}}}}
multicast: {{query_response_interval: 100ms}}
nodes:
  mn1: {{role: mn, attach: mar1, dad: off}}
  src: {{role: source}}
channels:
  C1: {{group: "ff3e::c1", source: src, rate: 1mbit}}
traffic:
  - {{kind: multicast, channel: C1, to: [mn1]}}
events:
  - {{at: 1s, handover: mn1, to: mar2, gap: 20ms}}
"""


def short(directory: Path, seed: int = 1, duration: str = "2s") -> Path:
    path = directory / "short.yaml"
    path.write_text(SHORT.format(seed=seed, duration=duration), encoding="utf-8")
    return path


def test_four_runs_at_a_time_give_four_correct_records(tmp_path: Path) -> None:
    result = run(short(tmp_path, duration="5s"), tmp_path / "out", "--repeat", 4, "--jobs", 4)
    assert result.ended, result.output
    assert len(result.record["runs"]) == 4
    for number in range(1, 5):
        (handover,) = result.run(number)["handovers"]
        assert (handover["from"], handover["to"]) == ("mar1", "mar2")
        (flow,) = handover["flows"]
        assert flow["disruption_ms"] > result.least_disruption_ms(20, "C1→mn1", number)
        assert flow["delay_after_ms"] is not None
        whole = result.flow("C1→mn1", number)
        assert whole["received"] + whole["lost"] == whole["sent"]
        assert whole["received"] > 0
    moves = [move for number in range(1, 5) for move in result.run(number)["handovers"]]
    counted = result.record["summary"].get("disruption_ms.multicast", {"n": 0})["n"]
    assert counted == sum(not move["disturbed"] for move in moves)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_within_two_seconds_and_keeps_what_was_done(
    tmp_path: Path, number: signal.Signals
) -> None:
    """Ctrl-C, ``kill``, and a terminal that goes; a second one changes nothing."""
    process = start(short(tmp_path, duration="60s"), tmp_path / "out")
    assert process.stdout is not None
    for line in process.stdout:
        if "mar2 serves mn1" in line:
            break
    began = time.monotonic()
    os.killpg(process.pid, number)
    time.sleep(0.3)
    os.killpg(process.pid, number)
    result = finish(process, tmp_path / "out")
    assert result.status == 130, result.output
    assert "interrupted" in result.output
    assert "Traceback" not in result.output
    assert result.record["interrupted"] is True
    assert len(result.run()["handovers"]) == 1
    assert result.meta()["end_ns"] / 1e9 - began < 2


def test_a_run_outlives_who_reads_its_progress(tmp_path: Path) -> None:
    """As in ``emu run … | head -1``."""
    process = start(short(tmp_path), tmp_path / "out")
    assert process.stdout is not None
    assert process.stdout.readline()
    process.stdout.close()
    assert process.wait(PATIENCE_S) in (0, 4)  # 4: the machine could not keep up
    (directory,) = (tmp_path / "out/short").glob("2*")
    assert len(json.loads((directory / "record.json").read_text(encoding="utf-8"))["runs"]) == 1


def test_a_run_that_is_stopped_before_it_measures_leaves_nothing(tmp_path: Path) -> None:
    process = start(short(tmp_path), tmp_path / "out")
    assert process.stdout is not None
    # A note about the machine may come before.
    assert any("building the network" in line for line in process.stdout)
    process.terminate()
    output, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert output.endswith("interrupted: nothing was measured yet, and nothing is kept\n")
    assert list((tmp_path / "out/short").iterdir()) == []


def test_a_failed_run_says_why_in_one_line(tmp_path: Path) -> None:
    process = start(short(tmp_path, duration="60s"), tmp_path / "out")
    assert process.stdout is not None
    for line in process.stdout:
        if "mar2 serves mn1" in line:
            break
    (mar2,) = (pid for pid in below(process.pid) if name(pid) == "mar2")
    os.kill(mar2, signal.SIGKILL)
    result = finish(process, tmp_path / "out")
    assert result.status == 1
    assert "mar2 ended unexpectedly" in result.output
    assert "Traceback" not in result.output


@in_sandbox
def test_kill_9_of_the_conductor_leaves_nothing() -> None:
    """At a random moment of each part of a run: its start, its play and its end."""
    before = traces_in_own_tmp()
    out = Path("/tmp/out")
    scenario = short(Path("/tmp"))
    kept = {"/tmp/out", str(scenario)}
    moments = random.Random(3)
    for part in range(5):
        process = subprocess.Popen(
            command("run", scenario, "--out", out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
        )
        time.sleep(0.5 + part + moments.random())
        os.kill(conductor(process.pid) or process.pid, signal.SIGKILL)
        assert process.wait(PATIENCE_S) != 0
        subprocess.run(["rm", "-r", *kept & {str(p) for p in Path("/tmp").iterdir()}], check=True)
        assert_unchanged(before)
        short(Path("/tmp"))


def conductor(run: int) -> int | None:
    """That of a run, if it has come so far: not a child of it that is yet to become its program."""
    started = ["-m", "emu.conductor"]
    return next((pid for pid in below(run) if command_line(pid).split()[1:3] == started), None)


def name(pid: int) -> str:
    with contextlib.suppress(FileNotFoundError):
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    return ""


def below(pid: int) -> list[int]:
    """The descendants of a process, whichever thread of it started them."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            parents[int(path.parent.name)] = int(
                path.read_text(encoding="utf-8").rsplit(")", 1)[1].split()[1]
            )
    found = [pid]
    for process in found:
        found += [child for child, parent in parents.items() if parent == process]
    return found[1:]
