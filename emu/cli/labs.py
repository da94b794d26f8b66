"""``emu show``: how the labs are that run on this machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click
from rich.console import Console

from emu.cli.needs import need_root
from emu.cli.options import examples
from emu.cli.refusals import Failed

if TYPE_CHECKING:
    from emu.running import RunningLab


@click.group()
def show() -> None:
    """Show how running labs are."""


@show.command(epilog=examples("emu show membership"))
def membership() -> None:
    """Show the membership records of every router, in every lab that runs on this machine."""
    from emu.show.membership import show_membership

    _show_labs("membership", show_membership)


@show.command(epilog=examples("emu show i3"))
def i3() -> None:
    """Show the triggers of every i3 server, and where every client is in its tree."""
    from emu.show.i3 import show_i3

    _show_labs("i3", show_i3)


@show.command("overlay", epilog=examples("emu show overlay"))
def show_overlay_command() -> None:
    """Show whom every member of an overlay knows, and how each group flows."""
    from emu.show.overlay import show_overlay

    _show_labs("overlay", show_overlay)


def _show_labs(what: str, show_lab: Callable[[Console, RunningLab], None]) -> None:
    """Shows something of every lab that runs on this machine."""
    need_root(f"show {what}", f"show {what}")
    from emu.running import running_labs

    labs = list(running_labs())
    if not labs:
        raise Failed("no lab runs on this machine; emu run and emu shell start one")
    console = Console(highlight=False)
    for lab in labs:
        console.print(f"{lab.scenario}, seed {lab.seed}", style="bold")
        show_lab(console, lab)
