"""Writes the table of the toolkit's mobility schemes into a document, from their declarations.

.venv/bin/python docs/site/scheme_table.py

The scheme ``NAME`` is linked to ``docs/NAME.md``, if there is such a page.
"""

from __future__ import annotations

import re
from pathlib import Path

from emu.schemes.registry import SCHEMES
from emu.schemes.scheme import Scheme

PAGES = Path(__file__).resolve().parents[1]
PAGE = PAGES / "schemes.md"
PLACE = re.compile(
    r"(?<=^<!-- written by docs/site/scheme_table\.py -->\n\n).*?(?=^$)", re.MULTILINE | re.DOTALL
)
COLUMNS = (
    "name",
    "scheme",
    "source",
    "agents, by the role of nodes",
    "multicast schemes, the default first",
    "keys of `mobility` that not all have",
)


def written(page: str) -> str:
    """The text of the page with its table as the declarations are."""
    rows = [COLUMNS, ("---",) * len(COLUMNS), *(_row(*one) for one in SCHEMES.all().items())]
    table = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    return PLACE.sub(lambda _: table, page)


def _row(name: str, scheme: Scheme) -> tuple[str, ...]:
    agents = [
        f"{role}: {', '.join(module.rpartition('.')[2] for module in modules)}"
        for role, modules in scheme.programs.items()
    ]
    keys = [key for section in scheme.keys for key in section.model_fields]
    link = f"[`{name}`]({name}.md)" if (PAGES / f"{name}.md").exists() else f"`{name}`"
    fields = scheme.title, scheme.source, "; ".join(agents)
    return link, *fields, _each(scheme.multicast), _each(keys)


def _each(names: list[str] | tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def main() -> None:
    """Write the page, if it is not as it should be."""
    text = PAGE.read_text(encoding="utf-8")
    if written(text) != text:
        PAGE.write_text(written(text), encoding="utf-8")
        print(PAGE)


if __name__ == "__main__":
    main()
