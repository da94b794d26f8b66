"""``emu simulate --jobs``: no process goes on when the first one is gone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.patience import eventually
from tests.unit.test_simulate import text

JOBS = 2


def test_no_run_goes_on_without_emu_simulate(tmp_path):
    scenario = tmp_path / "small.yaml"
    scenario.write_text(text(), encoding="utf-8")
    options = ["--jobs", str(JOBS), "--repeat", "1000", "--out", str(tmp_path / "out")]
    command = [sys.executable, "-m", "emu", "simulate", str(scenario), *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        workers = eventually(lambda: _working(process.pid))
    finally:
        process.kill()
        process.wait()
    eventually(lambda: not any(map(_is_alive, workers)))


def _working(pid: int) -> list[int] | None:
    """The children, once all of them have got something to do."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
    busy = [int(child) for child in children if _processor_time(int(child)) > 10]
    return busy if len(busy) == JOBS else None


def _processor_time(pid: int) -> int:
    """In ticks of the clock."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return int(fields[11])


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"
