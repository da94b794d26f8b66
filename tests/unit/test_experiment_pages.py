"""Every experiment has a page that says what to type and how long it takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

EXPERIMENTS = Path(__file__).resolve().parents[2] / "experiments"
FOLDERS = sorted(path for path in EXPERIMENTS.iterdir() if path.is_dir() and path.name[0] != "_")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_it_says_what_to_type_and_how_long_that_takes(folder: Path) -> None:
    page = (folder / "README.md").read_text(encoding="utf-8")
    assert re.search(rf"^ {{4}}\S.*experiments/{folder.name}/", page, re.MULTILINE)
    assert re.search(r"\b(seconds|minutes|hours)\b", page)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_files_that_it_has_one_type_are_there(folder: Path) -> None:
    page = (folder / "README.md").read_text(encoding="utf-8")
    for name in re.findall(rf"experiments/{folder.name}/([\w.-]+)", page):
        assert (folder / name).exists(), name
