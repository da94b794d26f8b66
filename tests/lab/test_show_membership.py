"""What the routers have in their membership records, shown while a lab runs."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.lab.emu_run import ROOT, command, finish, start
from tests.lab.test_runs import short

pytestmark = pytest.mark.root


def test_the_records_of_a_run_that_goes_on(tmp_path: Path) -> None:
    process = start(short(tmp_path, seed=4711, duration="60s"), tmp_path / "out")
    assert process.stdout is not None
    for line in process.stdout:
        if "mar1 has a listener of ff3e::c1 on tun-mar2" in line:
            break
    done = subprocess.run(
        command("show", "membership"),
        capture_output=True,
        encoding="utf-8",
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200"},
    )
    os.killpg(process.pid, signal.SIGINT)
    finish(process, tmp_path / "out")
    assert done.returncode == 0, done.stderr
    _, _, ours = done.stdout.partition("short, seed 4711\n")
    heading, *rows = (line.split() for line in ours.splitlines())
    assert heading[:5] == ["router", "upstream", "source", "group", "n"]
    shown = {row[0]: row[1:] for row in rows[:4] if len(row) > 5}
    source = shown["mar2"][1]
    assert shown["mar2"] == ["tun-mar1", source, "ff3e::c1", "1", "mn1"]
    assert shown["mar1"][1:3] == [source, "ff3e::c1"]
    assert "mar2," in shown["mar1"] or "mar2" in shown["mar1"]
    assert shown["mr2"][:4] == ["mr2-mr1", source, "ff3e::c1", "1"]
    assert shown["mr1"][:4] == ["-", source, "ff3e::c1", "1"]
    assert shown["mr1"][-1] == source
