"""The experiment of the i3 lab: its scenarios are good, and its tables say what records have."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from markupsafe import Markup

from emu.internet import between
from emu.measure.run import Run, runs_of
from emu.scenario import load
from tests.unit.scripts import EXPERIMENTS, script

lab = script("i3-lab/lab.py")
worlds = script("i3-lab/worlds.py")


@pytest.mark.parametrize("part", lab.PARTS)
def test_its_scenarios_are_good(part: str, tmp_path: Path) -> None:
    delays = lab.PARTS[part].delays
    shutil.copy(EXPERIMENTS / "i3-lab" / delays, tmp_path / delays)
    (tmp_path / "scenario.yaml").write_text(
        yaml.safe_dump(lab.PARTS[part].scenario()), encoding="utf-8"
    )
    scenario = load(tmp_path / "scenario.yaml")
    roles = [node.role for node in scenario.nodes.values()]
    sizes = {"cluster": (32, 65)}.get(part, (50, 101))
    assert (roles.count("i3-server"), roles.count("i3-client")) == sizes


def test_real_delays_have_shorter_ways_over_a_third_site(tmp_path: Path) -> None:
    shutil.copy(EXPERIMENTS / "i3-lab" / "planetlab-rtt.txt", tmp_path)
    (tmp_path / "scenario.yaml").write_text(yaml.safe_dump(lab.planetlab()), encoding="utf-8")
    found = between(load(tmp_path / "scenario.yaml"), tmp_path, seed=1)
    delay = {pair: quality.delay_ns for pair, quality in found.items()}
    sites = [f"s{site}" for site in range(1, 51)]
    shorter = [
        (one, other)
        for one in sites
        for other in sites
        if one < other
        and any(
            delay[one, third] + delay[third, other] < delay[one, other]
            for third in sites
            if third not in (one, other)
        )
    ]
    assert len(shorter) > 500


def write_run(folder: Path, parents: dict[str, str | None], queries: dict[str, int]) -> Run:
    """A record whose clients have joined in the order of ``parents``."""
    paths: dict[str, list[str]] = {}
    lines = []
    for time, (name, parent) in enumerate(parents.items()):
        paths[name] = [] if parent is None else [*paths[parent], f"id-{parent}"]
        place = {"phase": "in tree", "path": paths[name], "identifier": f"id-{name}"}
        lines.append({"t": time, "node": name, "kind": "i3_place", **place, "joinable": True})
    (folder / "runs/1").mkdir(parents=True)
    (folder / "runs/1/meta.json").write_text(json.dumps({"t0_ns": 0}), encoding="utf-8")
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / "runs/1/events.jsonl").write_text(text, encoding="utf-8")
    members: list[dict[str, Any]] = [
        {"name": name, "level": len(path), "stretch": 1.5, "direct_ms": 10.0, "delay_ms": 15.0}
        for name, path in paths.items()
    ]
    recovery = {"losses": 4, "duplicates": 6, "given_up": 0, "waits_ms": [1, 2, 3]}
    clients = {name: {"queries": number, "recovery": recovery} for name, number in queries.items()}
    record = {"runs": [{"run": 1, "overlay": {"members": members, "clients": clients}}]}
    (folder / "record.json").write_text(json.dumps(record), encoding="utf-8")
    (run,) = runs_of(folder)
    return run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A chain of four below c0, then five that join there."""
    chain = {"c0": None, "c1": "c0", "c2": "c1", "c3": "c2", "c4": "c3"}
    parents = {**chain, **dict.fromkeys(("c5", "c6", "c7", "c8", "c9"), "c0")}
    queries = dict.fromkeys(parents, 10) | {"c1": 40, "c2": 7}
    return write_run(tmp_path / "record", parents, queries)


def test_table_2_has_the_depth_at_each_size_and_the_queries_of_each_level(
    run: Run, tmp_path: Path
) -> None:
    lab.table_2([run], tmp_path)
    (depth,) = pd.read_csv(tmp_path / "table-2a.csv").to_dict("records")
    assert (depth["receivers"], depth["depth"], depth["paper"]) == (8, 4, 2)
    queries = pd.read_csv(tmp_path / "table-2b.csv").set_index("level").queries
    assert queries.to_dict() == {1: (40 + 5 * 10) / 6, 2: 7, 3: 10, 4: 10}


def test_figures_have_stretches_and_duplicates_to_losses(run: Run, tmp_path: Path) -> None:
    lab.figure_14([run], tmp_path)
    table = pd.read_csv(tmp_path / "figure-14.csv").set_index("stretch")["mean"]
    assert (table["below_2"], table["below_1"], table["median"]) == (1, 0, 1.5)
    lab.figure_15([run], tmp_path)
    means = pd.read_csv(tmp_path / "figure-15-means.csv").set_index("what")["mean"]
    assert (means["ratio"], means["repaired"]) == (1.5, 0.75)


def overlay(parents: dict[str, str | None], stretch: float, packets: int) -> dict[str, Any]:
    """What a record has of a tree of which all members are below others."""
    levels = {None: -1}
    for name, parent in parents.items():
        levels[name] = levels[parent] + 1
    members = [
        {"name": name, "parent": parent, "level": levels[name], "joinable": True,
         "stretch": stretch if parent else None}
        for name, parent in parents.items()
    ]  # fmt: skip
    tree = {"depth": 1.5, "stretch_p90": stretch}
    return {"members": members, "tree": tree, "sent": {"Packet": packets, "Ring": 9}}


def test_two_worlds_are_compared_receiver_by_receiver_and_drawn_side_by_side() -> None:
    lab_run = overlay({"c0": None, "c1": "c0", "c2": "c1"}, 1.25, 110)
    virtual = overlay({"c0": None, "c1": "c0", "c2": "c0"}, 1.5, 100)
    row = worlds.compare(1, lab_run, virtual)
    assert (row["receivers"], row["same_parent"]) == (2, 1)
    assert (row["messages_lab"], row["messages_virtual"]) == (110, 100)
    assert row["stretch_differs_by"] == 0.25
    text = worlds.page(
        pd.DataFrame([row]), {1: {"lab": Markup("<svg/>"), "virtual": Markup("<svg></svg>")}}
    )
    assert text.index("In the lab") < text.index("<svg/>") < text.index("In virtual time")
    assert "<td>0.25</td>" in text
