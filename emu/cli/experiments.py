"""``emu experiments``: what a checkout has to repeat."""

from __future__ import annotations

import json
from dataclasses import asdict

import click
from rich.console import Console
from rich.table import Table

from emu.cli.options import AS_JSON, examples
from emu.cli.refusals import Failed, Lacking


@click.command("experiments", epilog=examples("emu experiments"))
@AS_JSON
def list_experiments(as_json: bool) -> None:
    """List the experiments of this checkout, and how long each takes."""
    from emu.experiments import FOLDER, Undeclared, experiments
    from emu.show.whole import print_whole

    try:
        found = experiments()
    except Undeclared as problem:
        raise Failed(str(problem)) from None
    if not found:
        raise Lacking(f"{FOLDER}: has no experiments; they are in a checkout of the sources")
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found], indent=2))
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("name", "what it shows", "takes"):
        table.add_column(heading)
    for one in found:
        table.add_row(one.name, one.title, one.takes)
    console = Console(highlight=False)
    print_whole(console, table)
    console.print("experiments/NAME/README.md says what to type", style="dim", soft_wrap=True)
