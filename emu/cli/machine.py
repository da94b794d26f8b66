"""``emu doctor``: what this machine has, and what it lacks."""

from __future__ import annotations

import json

import click
from rich.console import Console

from emu.cli.options import AS_JSON, examples
from emu.cli.refusals import Lacking


@click.command(epilog=examples("emu doctor", "emu doctor --json"))
@AS_JSON
def doctor(as_json: bool) -> None:
    """Show what this machine has for runs, and what it lacks."""
    from emu.doctor import examine
    from emu.show.doctor import show_doctor

    found = examine()
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        show_doctor(Console(highlight=False), found)
    if found["missing"]:
        raise Lacking(*(f"missing: {line}" for line in found["missing"]))
