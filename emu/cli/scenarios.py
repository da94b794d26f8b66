"""``emu check`` and ``emu model``: what can be said of a scenario without starting anything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from emu.cli.needs import any_scenario_in, is_matrix_file, scenario_in, sweep_in
from emu.cli.options import AS_JSON, SCENARIO, examples
from emu.cli.refusals import Wrong


@click.command(
    epilog=examples("emu check scenario.yaml matrix.yaml", "emu check experiments/*/*.yaml --json")
)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@AS_JSON
def check(files: tuple[Path, ...], as_json: bool) -> None:
    """Say whether each of FILES, scenarios and matrices, can be run, and start nothing."""
    found = [_verdict(path) for path in files]
    if as_json:
        click.echo(json.dumps(found, indent=2))
    problems: list[str] = []
    for one in found:
        problems += one["problems"]
        if not as_json and not one["problems"]:
            click.echo(f"{one['file']}: {one['name']} is good: {one['summary']}")
            for note in one["notes"]:
                click.echo(f"{one['file']}: note: {note}")
    if problems:
        raise Wrong(*problems)


def _verdict(path: Path) -> dict[str, Any]:
    """What there is to say of a file; ``problems`` has each as a line."""
    verdict: dict[str, Any] = {"file": str(path), "kind": None, "name": None, "problems": []}
    try:
        is_sweep = is_matrix_file(path)
        verdict["kind"] = "matrix" if is_sweep else "scenario"
        return verdict | (_of_sweep(path) if is_sweep else _of_scenario(path))
    except Wrong as refusal:
        return verdict | {"problems": refusal.lines, "notes": []}


def _of_sweep(path: Path) -> dict[str, Any]:
    from emu.sweep.estimate import estimate

    prospect = estimate(sweep_in(path), workers=1)
    return {
        "name": prospect.name,
        "summary": str(prospect),
        "notes": [],
        **{key: getattr(prospect, key) for key in ("runs", "seconds")},
    }


def _of_scenario(path: Path) -> dict[str, Any]:
    from emu.analysis.hints import hints
    from emu.scenario import Scenario
    from emu.scenario.units import DURATION

    scenario = any_scenario_in(path)
    length, events = DURATION.show(scenario.duration), len(scenario.events)
    return {
        "name": scenario.name,
        "summary": f"{length}, {events} events",
        "notes": list(hints(scenario)) if isinstance(scenario, Scenario) else [],
        "duration_s": scenario.duration / 1e9,
        "events": events,
    }


@click.command(epilog=examples("emu model scenario.yaml"))
@SCENARIO
@AS_JSON
def model(scenario: Path, as_json: bool) -> None:
    """Show what the papers' equations predict for SCENARIO, and start nothing."""
    from emu.show.model import predictions, show_model

    experiment = scenario_in(scenario)
    if as_json:
        click.echo(json.dumps(predictions(experiment), indent=2))
    else:
        show_model(Console(highlight=False), experiment)
