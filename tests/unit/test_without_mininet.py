"""Installed by pip, without Mininet: what needs no lab works, and the rest says what is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from emu import __version__
from tests.synthetic_record import write_record
from tests.unit.scenarios import GOOD

ROOT = Path(__file__).resolve().parents[2]
WITHOUT_MININET = """
import sys
sys.modules["mininet"] = None
from emu.__main__ import main
sys.exit(main())
"""


@pytest.fixture
def emu(tmp_path):
    """Runs a command of a package that is in no checkout, in a Python that finds no Mininet."""
    for package in ("agents", "emu", "topologies"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, tmp_path / "site-packages" / package, ignore=ignored)
    (tmp_path / "good.yaml").write_text(GOOD, encoding="utf-8")

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", WITHOUT_MININET, *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(tmp_path / "site-packages")},
            capture_output=True,
            encoding="utf-8",
            timeout=60,
        )

    return call


def test_it_tells_its_version(emu):
    done = emu("--version")
    assert (done.returncode, done.stdout) == (0, f"emu, version {__version__}\n"), done.stderr


@pytest.mark.parametrize("command", ["check", "model"])
def test_scenarios_are_checked_and_predicted(emu, command):
    done = emu(command, "good.yaml")
    assert (done.returncode, done.stderr) == (0, "")


def test_records_are_listed_and_reported(emu, tmp_path):
    write_record(tmp_path / "results/tv/20260101T000000Z-1", runs=1)
    done = emu("report", "results/tv/20260101T000000Z-1")
    assert (done.returncode, done.stderr) == (0, "")
    assert "20260101T000000Z" in emu("list").stdout


def test_doctor_names_it(emu):
    done = emu("doctor")
    assert done.returncode == 3
    assert "missing: Mininet's Python package" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="others are told to become root first")
@pytest.mark.parametrize("command", ["run", "shell"])
def test_what_needs_a_lab_says_what_is_missing(emu, command, tmp_path):
    done = emu(command, "good.yaml")
    assert done.returncode == 3
    assert "this machine lacks Mininet's Python package" in done.stderr
    assert "sudo apt-get install mininet" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "results").exists()
