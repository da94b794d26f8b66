"""A command goes on whatever becomes of its output, and says what was lost."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from emu import __version__
from tests.unit.scenarios import GOOD

ROOT = Path(__file__).resolve().parents[2]
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
"""A locale in which no text is UTF-8."""


def emu(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "emu", *arguments]
    options = {"stderr": subprocess.PIPE, "encoding": "utf-8", "timeout": 60, **options}
    return subprocess.run(command, cwd=ROOT, **options)


def test_who_reads_may_go_without_a_word():
    reading, writing = os.pipe()
    os.close(reading)
    done = emu("--version", stdout=writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_full_disk_behind_the_output_is_one_line_and_a_status():
    with open("/dev/full", "wb") as full:
        done = emu("--version", stdout=full)
    assert (done.returncode, done.stderr) == (1, "standard output: no space left on device\n")


def test_no_output_at_all():
    done = subprocess.run(
        ["sh", "-c", '"$0" -m emu --version >&- 2>&-', sys.executable], cwd=ROOT, timeout=60
    )
    assert done.returncode == 0


def test_what_goes_through_is_as_it_was():
    assert emu("--version", stdout=subprocess.PIPE).stdout == f"emu, version {__version__}\n"


@pytest.mark.parametrize("name", ["plain.yaml", "Grüße.yaml"])
def test_a_terminal_that_has_few_characters_shows_what_it_can(tmp_path, name):
    path = tmp_path / name
    path.write_text(GOOD, encoding="utf-8")
    done = emu("model", str(path), stdout=subprocess.PIPE, env={**os.environ, **ASCII})
    assert (done.returncode, done.stderr) == (0, "")
    assert "mar1 ? mar2" in done.stdout
