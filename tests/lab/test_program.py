"""Programs of the machine's own on the nodes of a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.emu_run import run, start
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.root

SCENARIO = """
name: programs
duration: 1s
topology: {{kind: dmm-domain, mars: 1}}
nodes:
  mn1: {{role: mn, attach: mar1, dad: off}}
  server1: {{role: server}}
traffic:
  - {{kind: program, node: mn1, command: [{program}, -6, "2001:db8:5e00:1::2"], stop: 800ms}}
"""


def scenario(directory: Path, program: str) -> Path:
    path = directory / "scenario.yaml"
    path.write_text(SCENARIO.format(program=program), encoding="utf-8")
    return path


def test_a_program_runs_on_its_node_until_it_is_told_to_end(tmp_path: Path) -> None:
    done = run(scenario(tmp_path, "ping"), tmp_path)
    (stopped,) = done.events("program_stopped")
    assert (stopped["node"], stopped["flow"]) == ("mn1", "ping-mn1")
    log = (done.directory / "runs/1/programs/ping-mn1.log").read_text(encoding="utf-8")
    assert "bytes from 2001:db8:5e00:1::2: icmp_seq=1" in log


def test_a_program_that_is_not_installed_is_named_before_anything_starts(tmp_path: Path) -> None:
    process = start(scenario(tmp_path, "no-such-player"), tmp_path)
    output, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 3
    assert "no-such-player (the scenario's own program): sudo apt-get install" in output
