"""``emu compare``: what is different between records."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console

from emu.cli.options import AS_JSON, RESULTS, examples, records_of
from emu.cli.refusals import NoResult, Wrong


@click.command(epilog=examples("emu compare results/a/latest results/b/latest"))
@click.argument(
    "record_names",
    nargs=-1,
    required=True,
    metavar="RECORD RECORD...",
    shell_complete=records_of,
)
@RESULTS
@click.option("--page", type=click.Path(path_type=Path), help="Instead of OUT/comparison.html.")
@AS_JSON
def compare(record_names: tuple[str, ...], out: Path, page: Path | None, as_json: bool) -> None:
    """Show how each further RECORD differs from the first one, paired by seed; write a page."""
    from emu import records
    from emu.measure.differences import differences
    from emu.report.differences import build
    from emu.show.differences import show_differences

    if len(set(record_names)) < 2:
        raise Wrong("name two records or more; emu list shows what there is")
    try:
        read = {name: records.read(records.find(name, out)) for name in record_names}
    except records.RecordError as error:
        raise Wrong(str(error)) from None
    first, *others = read
    found = {name: differences(read[first], read[name]) for name in others}
    for name in (name for name, differ in found.items() if not differ):
        remedy = "run both with the same --seed and --repeat"
        raise Wrong(f"{name}: has no faithful run of a seed of {first}; {remedy}")
    place = page or out / "comparison.html"
    build(first, found, place)
    if as_json:
        data = {name: [asdict(one) for one in differ] for name, differ in found.items()}
        click.echo(json.dumps({"first": first, "others": data, "page": str(place)}, indent=2))
    else:
        for name, differ in found.items():
            show_differences(Console(highlight=False), first, name, differ)
        click.echo(f"page: {place}")
    wrong = [name for name, record in read.items() if not record["fidelity"]["ok"]]
    if wrong:
        reasons = (f"{name}: {read[name]['fidelity']['reason']}" for name in wrong)
        raise NoResult("the machine could not keep up with all; such runs are left out", *reasons)
