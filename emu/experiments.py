"""The experiments of a checkout: each is a folder whose README.md says what it is.

Its first line is a title, ``# What it shows``, its second one how long it takes: ``*Takes 20
seconds, as root.*``; the first indented lines are what to type.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "experiments"
_HEAD = re.compile(r"# (?P<title>.+)\n+\*Takes (?P<takes>.+)\.\*\n")
_COMMAND = re.compile(r"^ {4}(\S.*)$", re.MULTILINE)


class Undeclared(Exception):
    """A page does not begin as it should; str() is one line."""


@dataclass(frozen=True)
class Experiment:
    """What one page declares."""

    name: str
    """Of the folder."""
    title: str
    takes: str
    """How long, and whether root is needed."""
    command: str
    path: str


def experiments(folder: Path = FOLDER) -> list[Experiment]:
    """All that there are, by name; none where there is no checkout."""
    return [declared(page) for page in sorted(folder.glob("*/README.md"))]


def declared(page: Path) -> Experiment:
    """The experiment of a page; raises `Undeclared`."""
    text = page.read_text(encoding="utf-8")
    head, command = _HEAD.match(text), _COMMAND.search(text)
    if head is None:
        raise Undeclared(f"{page}: begin it with # TITLE, then *Takes 20 seconds, as root.*")
    if command is None:
        raise Undeclared(f"{page}: has no indented line that says what to type")
    folder = page.parent
    return Experiment(folder.name, head["title"], head["takes"], command[1], str(folder))
