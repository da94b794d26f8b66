"""The paper's example on real routers: its membership records, kernels and message sequence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.emu_run import ROOT, run

pytestmark = pytest.mark.root

EXPERIMENT = ROOT / "experiments/multicast-figures-2-4"


def check(record: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, EXPERIMENT / "check.py", record],
        capture_output=True, encoding="utf-8", env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def test_membership_kernel_and_messages_are_the_papers(tmp_path: Path) -> None:
    result = run(EXPERIMENT / "scenario.yaml", tmp_path)
    assert result.ended, result.output
    verdict = check(result.directory)
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr
    path = result.directory / "record.json"
    path.write_text(
        path.read_text(encoding="utf-8").replace('"mn1"', '"mn9"'), encoding="utf-8"
    )  # what the check must refuse
    assert check(result.directory).returncode == 1
