"""``python -m emu`` works with any Python: it goes on in the checkout's virtual environment."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from emu import __version__
from tests.patience import PATIENCE_S
from tests.unit.scenarios import GOOD

PACKAGE = Path(__file__).resolve().parents[2] / "emu"
BARE = [sys.executable, "-S"]
"""A Python with the standard library alone."""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout without a virtual environment."""
    shutil.copytree(PACKAGE, tmp_path / "emu", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "Makefile").touch()
    return tmp_path


def add_environment(checkout: Path, *python: str) -> None:
    """A virtual environment whose Python is the one given; it also leaves a trace."""
    program = checkout / ".venv" / "bin" / "python"
    program.parent.mkdir(parents=True)
    command = " ".join(f"'{word}'" for word in python)
    program.write_text(
        f'#!/bin/sh\necho "$0" >> {checkout}/trace\nexec {command} "$@"\n', encoding="utf-8"
    )
    program.chmod(0o755)


def bare_emu(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    return subprocess.run(
        [*BARE, "-m", "emu", *arguments],
        cwd=checkout,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE_S,
    )


def test_a_bare_python_goes_on_in_the_virtual_environment(checkout: Path) -> None:
    add_environment(checkout, sys.executable)
    (checkout / "a b.yaml").write_text(GOOD, encoding="utf-8")
    done = bare_emu(checkout, "--version")
    assert (done.returncode, done.stdout) == (0, f"emu, version {__version__}\n"), done.stderr
    checked = bare_emu(checkout, "check", "a b.yaml")
    assert checked.stdout.splitlines()[0] == "a b.yaml: base is good: 10s, 2 events"
    assert len((checkout / "trace").read_text(encoding="utf-8").splitlines()) == 2


def test_an_environment_that_lacks_packages_too_is_tried_once(checkout: Path) -> None:
    add_environment(checkout, *BARE)
    done = bare_emu(checkout, "check", "x.yaml")
    assert done.returncode == 3
    assert done.stderr.startswith("emu needs the Python packages click, ")
    assert done.stderr.endswith(f": make -C {checkout} setup\n")
    assert done.stderr.count("\n") == 1
    assert len((checkout / "trace").read_text(encoding="utf-8").splitlines()) == 1


def test_without_an_environment_it_says_what_makes_one(checkout: Path) -> None:
    done = bare_emu(checkout, "--version")
    assert done.returncode == 3
    assert done.stderr.endswith(f": make -C {checkout} setup\n")


def test_the_environment_hears_of_no_other(checkout: Path) -> None:
    """What tells it that it was continued is not passed on to what it starts."""
    add_environment(checkout, sys.executable)
    (checkout / "emu" / "cli" / "__init__.py").write_text(
        "import os\n\ndef emu():\n    print('EMU_CONTINUED' in os.environ)\n    return 0\n",
        encoding="utf-8",
    )
    assert bare_emu(checkout).stdout == "False\n"


def test_what_it_starts_is_of_the_same_package_whatever_the_folder_holds(
    checkout: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("around")
    (folder / "emu").mkdir()
    (checkout / "emu" / "cli" / "__init__.py").write_text(
        "import subprocess, sys\n\ndef emu():\n"
        "    child = 'import emu.requirements; print(emu.requirements.__file__)'\n"
        "    return subprocess.run([sys.executable, '-c', child]).returncode\n",
        encoding="utf-8",
    )
    script = f"import sys; sys.path[0] = {str(checkout)!r}; from emu.__main__ import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE_S,
    )
    assert done.stdout == f"{checkout}/emu/requirements.py\n", done.stderr
