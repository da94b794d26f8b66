"""What this machine has for runs, on the terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from emu.doctor import NEIGHBOURS, crowded


def show_doctor(console: Console, found: dict[str, Any]) -> None:
    """Prints what `emu.doctor.examine` found, but for what is missing."""
    console.print(f"kernel {found['kernel']} on {found['machine']}", soft_wrap=True)
    if found["features"] is None:
        console.print("what it offers, only root can try: sudo python -m emu doctor\n")
    else:
        features = _table("feature", "", "used for", "where it is missing")
        for one in found["features"]:
            otherwise = "" if one["works"] else one["otherwise"]
            features.add_row(one["name"], _mark(one["works"]), one["purpose"], otherwise)
        console.print(features)
        backends = _table("part", "backend in a run")
        for part, backend in found["backends"].items():
            backends.add_row(part, backend)
        console.print(backends)
    console.print(_neighbours(found["neighbours"]), soft_wrap=True)
    programs = _table("program", "", "used for", "where it is missing")
    for one in found["programs"]:
        there = one["path"] is not None
        programs.add_row(one["name"], _mark(there), one["purpose"], "" if there else one["remedy"])
    console.print(programs)
    packages = _table("Python package", "version")
    for name, version in found["packages"].items():
        packages.add_row(name, version)
    console.print(packages)


def _neighbours(table: dict[str, int]) -> str:
    used = f"IPv6 neighbours, of all runs: {table['entries']} of {table['limit']} ({NEIGHBOURS})"
    full = f"; it was full for {table['refused']} packets since this machine started"
    return "\n".join(filter(None, [used + full * bool(table["refused"]), crowded()]))


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _mark(works: bool) -> str:
    return "[green]yes[/]" if works else "[yellow]no[/]"
