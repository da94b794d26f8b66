"""What this machine has for runs, on the terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from emu.doctor import NEIGHBOURS, crowded
from emu.show.tables import new_table


def show_doctor(console: Console, found: dict[str, Any]) -> None:
    """Prints what `emu.doctor.examine` found, but for what is missing."""
    console.print(f"kernel {found['kernel']} on {found['machine']}", soft_wrap=True)
    if found["features"] is None:
        console.print("what it offers, only root can try: sudo python -m emu doctor\n")
    else:
        features = new_table(("feature", "", "used for", "where it is missing"))
        for one in found["features"]:
            otherwise = "" if one["works"] else one["otherwise"]
            features.add_row(one["name"], _mark(one["works"]), one["purpose"], otherwise)
        console.print(features)
        backends = new_table(("part", "backend in a run"))
        for part, backend in found["backends"].items():
            backends.add_row(part, backend)
        console.print(backends)
    console.print(_neighbours(found["neighbours"]), soft_wrap=True)
    programs = new_table(("program", "", "used for", "where it is missing"))
    for one in found["programs"]:
        there = one["path"] is not None
        programs.add_row(one["name"], _mark(there), one["purpose"], "" if there else one["remedy"])
    console.print(programs)
    packages = new_table(("Python package", "version"))
    for name, version in found["packages"].items():
        packages.add_row(name, version)
    console.print(packages)


def _neighbours(table: dict[str, int]) -> str:
    used = f"IPv6 neighbours, of all runs: {table['entries']} of {table['limit']} ({NEIGHBOURS})"
    full = f"; it was full for {table['refused']} packets since this machine started"
    return "\n".join(filter(None, [used + full * bool(table["refused"]), crowded()]))


def _mark(works: bool) -> str:
    return "[green]yes[/]" if works else "[yellow]no[/]"
