"""``emu schema``: what an editor needs to help with scenarios and matrices."""

from __future__ import annotations

import json

import click

from emu.cli.options import examples


@click.command(epilog=examples("emu schema scenario > scenario.schema.json"))
@click.argument("kind", type=click.Choice(["scenario", "matrix"]), default="scenario")
def schema(kind: str) -> None:
    """Print the JSON Schema of scenarios, or of matrices, for editors."""
    from emu.scenario.json_schema import matrix_schema, scenario_schema

    made = scenario_schema() if kind == "scenario" else matrix_schema()
    click.echo(json.dumps(made, indent=2))
