"""docs/architecture.md names files, classes and functions that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PATHS = sorted(set(re.findall(r"`((?:agents|emu|tests|topologies)/[\w/.]+)`", PAGE)))
NAMED = re.findall(r"`([\w.]+)`(?: in\s+| \()`((?:agents|emu|topologies)/[\w/]+\.py)`", PAGE)
"""A name, and the file that the page says it is in."""


@pytest.mark.parametrize("path", PATHS)
def test_every_path_is_there(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize(("name", "path"), NAMED)
def test_every_name_is_in_its_file(name: str, path: str) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    for part in name.split("."):
        assert re.search(rf"(?:class|def) {part}\b|^{part}\b.* = ", text, re.MULTILINE), part


def test_it_names_something() -> None:
    assert len(PATHS) > 30
    assert len(NAMED) > 10
