"""docs/architecture.md knows of which parts a MAR is made, and what asks for each."""

from __future__ import annotations

import re
from pathlib import Path

from agents.roles.mar import MobilityAccessRouter

PAGE = Path(__file__).resolve().parents[2] / "docs" / "architecture.md"


def test_the_page_has_each_part_under_its_key():
    _, _, text = PAGE.read_text(encoding="utf-8").partition("## How a role is built")
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", text, re.M)
    parts = object.__new__(MobilityAccessRouter)._parts()
    assert [key for key, _ in rows] == list(parts)
    for key, makes in rows:
        names = set(parts[key].__code__.co_names)
        assert set(re.findall(r"`(\w+)`", makes)) <= names, key
