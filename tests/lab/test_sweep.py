"""``emu sweep`` with real runs: Dask workers, sandboxes, killed and resumed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from tests.lab.emu_run import ENDED, LATE_MS, ROOT
from tests.lab.test_runs import below, short
from tests.patience import PATIENCE_S, eventually

pytestmark = pytest.mark.root

MATRIX = """
name: tiny
scenario: short.yaml
attempts: 1
axes:
  gap: {key: "events[handover].gap", values: [20ms, 120ms]}
plots:
  - {name: disruption, kind: cdf, metric: disruption_ms, curves: gap}
"""


INTERVAL_MS = 1316 * 8 / 1000
"""Between two packets of the channel."""


def start(directory: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "emu", "sweep", directory / "matrix.yaml", "--workers", "1",
         "--out", directory / "out"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", cwd=ROOT,
        start_new_session=True,
    )  # fmt: skip


def wait_for_first_cell(directory: Path) -> Path:
    cells = directory / "out/tiny/cells"
    return eventually(lambda: next(cells.glob("*/cell.json"), None))


def test_a_sweep_that_is_killed_leaves_nothing_running_and_goes_on(tmp_path: Path) -> None:
    short(tmp_path)
    (tmp_path / "matrix.yaml").write_text(MATRIX, encoding="utf-8")
    process = start(tmp_path)
    first = wait_for_first_cell(tmp_path)
    time.sleep(1)
    family = below(process.pid)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=PATIENCE_S)
    assert family
    eventually(lambda: not any(alive(pid) for pid in family))
    # One that a busy machine could not keep up with would be run again.
    first.write_text(
        json.dumps(json.loads(first.read_text(encoding="utf-8")) | {"faithful": True}),
        encoding="utf-8",
    )
    done_at = first.stat().st_mtime_ns

    process = start(tmp_path)
    output, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode in ENDED, output
    assert first.stat().st_mtime_ns == done_at
    frame = pd.read_parquet(tmp_path / "out/tiny/table.parquet")
    assert sorted(frame["gap_ms"]) == [20, 120]
    assert (frame["disruption_ms"] > frame["gap_ms"] - INTERVAL_MS - LATE_MS).all()
    assert (frame["predicted_low_ms"] > frame["gap_ms"]).all()
    assert "<svg" in (tmp_path / "out/tiny/figures/disruption.svg").read_text(encoding="utf-8")
    for cell in tmp_path.glob("out/tiny/cells/*/cell.json"):
        assert (
            Path(json.loads(cell.read_text(encoding="utf-8"))["directory"]) / "report.html"
        ).exists()


def alive(pid: int) -> bool:
    """A zombie is not."""
    try:
        return (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
            != "Z"
        )
    except (FileNotFoundError, ProcessLookupError):
        return False
