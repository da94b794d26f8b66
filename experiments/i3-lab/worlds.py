"""The same scenario in the lab and in virtual time, with the same seeds, side by side.

    sudo .venv/bin/python experiments/i3-lab/worlds.py [--runs 3]

It goes on where it was stopped. Results go to ``results/i3-lab``: ``worlds`` (a row a run),
``worlds-stretch.svg``, and ``worlds.html``, which also has both trees of each run.
"""

from __future__ import annotations

import json
import sys
from operator import itemgetter
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd
from markupsafe import Markup

from emu import terminal
from emu.interrupts import run_below
from emu.report import overlay_tree, style
from emu.sweep.canvas import drawing
from emu.sweep.experiment import tabulate

SCENARIO = Path(__file__).resolve().parent / "worlds.yaml"
MESSAGES = ("Packet", "Insert", "Remove", "Challenge", "Accepted", "Refused")
"""Those about triggers and along them; what servers tell each other depends on when they began."""

TITLES = {"lab": "In the lab", "virtual": "In virtual time"}
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>One tree on i3 in two worlds</title>
<style>
body {{ font: 15px/1.5 sans-serif; margin: 2em }}
td, th {{ padding: 2px 12px; text-align: right }}
th {{ text-align: left; font-weight: normal }}
div {{ display: flex; flex-wrap: wrap; gap: 2em }}
figure {{ margin: 0; flex: 1 1 24em }}
svg {{ max-width: 100% }}
</style>
<h1>One tree on i3 in two worlds</h1>
{table}
{trees}
</html>
"""


def play(command: str, seed: int, place: Path) -> int:
    """Play the scenario in one world, unless that is done; the command's status."""
    if record(place) is not None:
        return 0
    words = [sys.executable, "-m", "emu", command, str(SCENARIO), "--seed", str(seed)]
    return run_below([*words, "--out", str(place)])


def record(place: Path) -> dict[str, Any] | None:
    """The overlay of a run that is whole, and that the machine kept up with."""
    for path in sorted(place.glob("*/*/record.json")):
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["fidelity"]["ok"] and not found["interrupted"]:
            return dict(found["runs"][0]["overlay"])
    return None


def compare(seed: int, lab: dict[str, Any], virtual: dict[str, Any]) -> dict[str, Any]:
    """How far the two agree."""
    pairs = list(_members(lab, virtual))
    sent = [sum(world["sent"].get(kind, 0) for kind in MESSAGES) for world in (lab, virtual)]
    ratios = [here["stretch"] - there["stretch"] for here, there in pairs if here["stretch"]]
    return {
        "seed": seed,
        "receivers": len(pairs),
        "same_parent": sum(here["parent"] == there["parent"] for here, there in pairs),
        "depth_lab": lab["tree"]["depth"],
        "depth_virtual": virtual["tree"]["depth"],
        "messages_lab": sent[0],
        "messages_virtual": sent[1],
        "stretch_p90_lab": lab["tree"]["stretch_p90"],
        "stretch_p90_virtual": virtual["tree"]["stretch_p90"],
        "stretch_differs_by": float(np.median(np.abs(ratios))),
    }


def _members(lab: dict[str, Any], virtual: dict[str, Any]) -> Any:
    """Each receiver's place in both worlds."""
    there = {member["name"]: member for member in virtual["members"]}
    for member in lab["members"]:
        if member["level"] and member["name"] in there:
            yield member, there[member["name"]]


def page(rows: pd.DataFrame, trees: dict[int, dict[str, Markup]]) -> str:
    """What came of all runs: the table, and of each the tree in the lab beside the other one."""
    pairs = [
        f"<h2>Seed {seed}</h2><div>" + "".join(
            f"<figure><figcaption>{TITLES[world]}</figcaption>{tree}</figure>"
            for world, tree in worlds.items()
        ) + "</div>"
        for seed, worlds in trees.items()
    ]  # fmt: skip
    table = rows.astype(object).T.to_html(header=False, float_format="{:.4g}".format)
    return PAGE.format(table=table, trees="".join(pairs))


@click.command()
@click.option("--runs", type=click.IntRange(1), default=3, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=Path("results"))
def main(runs: int, out: Path) -> None:
    """Run what is missing in both worlds, then compare what there is."""
    terminal.take_over()
    results = out / "i3-lab"
    rows, stretches, trees, status = [], [], {}, 0
    for seed in range(1, runs + 1):
        found = {}
        for world, command in (("lab", "run"), ("virtual", "simulate")):
            place = results / "worlds" / f"{world}-{seed}"
            status = play(command, seed, place) or status
            if status == 130:
                sys.exit(status)
            if (overlay := record(place)) is not None:
                found[world] = overlay
        if len(found) == 2:
            rows.append(compare(seed, **found))
            trees[seed] = {
                world: style.inline(
                    overlay_tree.draw(sorted(overlay["members"], key=itemgetter("name")))
                )
                for world, overlay in found.items()
            }
            stretches += [
                {"seed": seed, "virtual": there["stretch"], "lab": here["stretch"]}
                for here, there in _members(**found)
                if here["stretch"] and there["stretch"]
            ]
    if rows:
        tabulate(pd.DataFrame(rows), results / "worlds")
        text = page(pd.DataFrame(rows), trees)
        (results / "worlds.html").write_text(text, encoding="utf-8")
        frame = pd.DataFrame(stretches)
        with drawing(results / "worlds-stretch.svg", frame) as axes:
            most = float(frame[["lab", "virtual"]].max().max())
            axes.plot([0, most], [0, most], color="grey", linewidth=0.8)
            axes.plot(frame.virtual, frame.lab, ".", label="a receiver's stretch")
            axes.set(xlabel="in virtual time", ylabel="in the lab")
    sys.exit(status)


if __name__ == "__main__":
    main()
