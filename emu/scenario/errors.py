"""Errors in scenarios: where they are, and how they read."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Path = tuple[str | int, ...]
"""The keys and list indices that lead from the top of a scenario to a value."""

_LONGEST_QUOTE = 40


class ScenarioError(Exception):
    """A scenario cannot be used; ``problems`` has one self-sufficient line for each reason."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True)
class Problem:
    """What is wrong with the value at a path, and what would be right: "problem; remedy"."""

    path: Path
    text: str


def quote(value: object) -> str:
    """A value as an error message shows it: short, on one line, printable."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if not isinstance(value, str):
        return str(value)
    short = value if len(value) <= _LONGEST_QUOTE else value[: _LONGEST_QUOTE - 1] + "…"
    return f'"{short}"' if short.isprintable() else json.dumps(short)


def dotted(path: Path) -> str:
    """A path as text: ``events[1].at`` (indices count from 0)."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            name = part if part.isprintable() and len(part) <= _LONGEST_QUOTE else quote(part)
            text += f".{name}" if text else name
    return text


def suggest(wrong: str, known: Iterable[str]) -> str:
    """What to write instead of a wrong name: the nearest known one, or all of them."""
    names = list(known)
    if near := nearest(wrong, names):
        return f"did you mean {near}?"
    return f"write {one_of(names)}" if names else "there is none"


def nearest(wrong: str, known: Iterable[str]) -> str | None:
    """The known name that a wrong one is likely to stand for."""
    return next(iter(difflib.get_close_matches(wrong, list(known), n=1)), None)


def one_of(names: Iterable[str]) -> str:
    """``a``, ``a or b``, ``one of a, b, c``; only the first few of many names."""
    listed = list(names)
    if len(listed) > 16:
        return f"one of {', '.join(listed[:16])}, …"
    if len(listed) > 2:
        return f"one of {', '.join(listed)}"
    return " or ".join(listed)


def each_of(names: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
