"""The membership records of a running lab's routers: the paper's tuples (section III.A)."""

from __future__ import annotations

from typing import Any, Literal

from rich.console import Console
from rich.table import Table

from emu.running import RunningLab

_HEADINGS = ("router", "upstream", "source", "group", "n", "listeners", "local sources")
_ANY = "*"


def show_membership(console: Console, lab: RunningLab) -> None:
    """Prints one row a record, by router, as the agents have them now."""
    table = Table(box=None, pad_edge=False)
    for heading in _HEADINGS:
        justify: Literal["left", "right"] = "right" if heading == "n" else "left"
        table.add_column(heading, justify=justify, overflow="fold")
    for router, state in lab.states().items():
        for record in state.get("membership") or ():
            table.add_row(router, *_cells(record, lab.names))
    if table.row_count:
        console.print(table)
    else:
        console.print("no router has a listener or a local source")


def _cells(record: dict[str, Any], names: dict[str, str]) -> tuple[str, ...]:
    listeners = [names.get(host, host) for host in record["listeners"]]
    return (
        record["upstream"] or "-",
        record["source"] or _ANY,
        record["group"],
        str(len(listeners)),
        ", ".join(listeners),
        ", ".join(record["local_sources"]),
    )
