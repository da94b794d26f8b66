"""The arguments and options that several commands take."""

from __future__ import annotations

from pathlib import Path

import click

SCENARIO = click.argument("scenario", type=click.Path(path_type=Path))


def records_of(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """For a shell that completes RECORD: those in the folder of results."""
    from emu.records import directories

    found = ["latest", *map(str, directories(context.params.get("out") or Path("results")))]
    return [name for name in found if name.startswith(incomplete)]


def examples(*lines: str) -> str:
    """The end of a command's help: what to type."""
    return "\b\n" + "\n".join(["Examples:", *(f"  {line}" for line in lines)])


RECORD = click.argument("record", shell_complete=records_of)
RESULTS = click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("results"),
    show_default=True,
    help="Folder of the records.",
)
SEED = click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="Instead of the scenario's.")
REPEAT = click.option("--repeat", type=click.IntRange(1, 10000), help="Instead of the scenario's.")
JOBS = click.option(
    "--jobs", type=click.IntRange(1, 64), default=1, show_default=True, help="Runs at a time."
)
AS_JSON = click.option(
    "--json", "as_json", is_flag=True, help="Print it as JSON, and nothing else."
)
