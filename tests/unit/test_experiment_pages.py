"""Every experiment has a page that says what to type and how long it takes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from emu.cli import commands
from emu.experiments import Undeclared, declared, experiments

EXPERIMENTS = Path(__file__).resolve().parents[2] / "experiments"
FOLDERS = sorted(path for path in EXPERIMENTS.iterdir() if path.is_dir() and path.name[0] != "_")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_it_says_what_to_type_and_how_long_that_takes(folder: Path) -> None:
    page = (folder / "README.md").read_text(encoding="utf-8")
    assert re.search(rf"^ {{4}}\S.*experiments/{folder.name}/", page, re.MULTILINE)
    assert re.search(r"\b(seconds?|minutes?|hours?)\b", declared(folder / "README.md").takes)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_files_that_it_has_one_type_are_there(folder: Path) -> None:
    page = (folder / "README.md").read_text(encoding="utf-8")
    for name in re.findall(rf"experiments/{folder.name}/([\w.-]+)", page):
        assert (folder / name).exists(), name


def test_a_command_lists_them() -> None:
    shown = CliRunner().invoke(commands, ["experiments"]).stdout
    for folder in FOLDERS:
        assert re.search(rf"^{folder.name} +\S.* {{2,}}\S", shown, re.MULTILINE), folder.name
    data = json.loads(CliRunner().invoke(commands, ["experiments", "--json"]).stdout)
    assert [one["name"] for one in data] == [folder.name for folder in FOLDERS]
    (quickstart,) = (one for one in data if one["name"] == "quickstart")
    assert quickstart["command"] == "make demo"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("# Title\n\nWords.\n\n    type this\n", "begin it with # TITLE, then *Takes"),
        ("# Title\n\n*Takes 20 seconds.*\n\nWords.\n", "says what to type"),
    ],
)
def test_a_page_that_does_not_declare_it_is_refused(tmp_path, text, problem) -> None:
    (tmp_path / "README.md").write_text(text, encoding="utf-8")
    with pytest.raises(Undeclared, match=re.escape(problem)):
        declared(tmp_path / "README.md")


def test_without_a_checkout_there_are_none(tmp_path) -> None:
    assert experiments(tmp_path / "experiments") == []
