"""``emu list``, ``emu report`` and ``emu replay``: the records of past runs."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.console import Console

from emu.cli.options import AS_JSON, RECORD, RESULTS, examples
from emu.cli.refusals import Wrong
from emu.files import in_words


@click.command("list", epilog=examples("emu list", "emu list --json --out /tmp/results"))
@RESULTS
@AS_JSON
def list_records(out: Path, as_json: bool) -> None:
    """List the records of runs, and the sweeps, newest last."""
    from emu.listing import listing
    from emu.show.records import show_records

    found = listing(out)
    if as_json:
        click.echo(json.dumps(found, indent=2))
    elif found:
        show_records(Console(highlight=False), found)
    else:
        click.echo(f"{out} has no record yet; emu run makes one")


@click.command(epilog=examples("emu report latest", "emu report results/tv/20261130T120000Z-7"))
@RECORD
@RESULTS
def report(record: str, out: Path) -> None:
    """Build the report of RECORD again: its folder, or "latest" for the newest one."""
    from emu.records import RecordError, find
    from emu.report.again import again

    try:
        click.echo(str(again(find(record, out))))
    except RecordError as error:
        raise Wrong(str(error)) from None


@click.command(epilog=examples("emu replay latest --port 8000"))
@RECORD
@RESULTS
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Instead of any.")
def replay(record: str, out: Path, port: int) -> None:
    """Show RECORD (its folder, or "latest") in a browser, on a page at 127.0.0.1."""
    from emu.live.command import replay as serve
    from emu.live.replay import Replay
    from emu.records import RecordError, find

    try:
        shown = Replay(find(record, out))
    except RecordError as error:
        raise Wrong(str(error)) from None
    try:
        serve(shown, port, lambda address: click.echo(f"{address} (Ctrl-C ends)"))
    except OSError as error:
        raise Wrong(f"port {port} of 127.0.0.1: {in_words(error)}; choose another") from None
