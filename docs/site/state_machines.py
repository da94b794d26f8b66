"""Draws state machines into the documents, from the tables that the code moves by.

.venv/bin/python docs/site/state_machines.py

A page says which one by a comment, ``<!-- drawn from MODULE:TABLE -->``; what is in the block
below it is replaced.
"""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

from agents.transitions import StateMachine

PAGES = Path(__file__).resolve().parents[1]
PLACE = re.compile(
    r"(?P<head><!-- drawn from (?P<module>[\w.]+):(?P<table>\w+) -->\n\n```mermaid\n).*?(?=^```$)",
    re.MULTILINE | re.DOTALL,
)


def drawn(page: str) -> str:
    """The text of a page with its diagrams as the tables are."""

    def draw(place: re.Match[str]) -> str:
        table = getattr(import_module(place["module"]), place["table"])
        assert isinstance(table, StateMachine)
        return place["head"] + "".join(f"{line}\n" for line in table.drawn())

    return PLACE.sub(draw, page)


def main() -> None:
    """Write the pages that are not as they should be."""
    for path in sorted(PAGES.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        if drawn(text) != text:
            path.write_text(drawn(text), encoding="utf-8")
            print(path)


if __name__ == "__main__":
    main()
