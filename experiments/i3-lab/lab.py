"""Table 2 and figures 14 and 15 of the i3 multicast paper, with real processes in Mininet hosts.

    sudo .venv/bin/python experiments/i3-lab/lab.py [--part cluster] [--runs 10]

It goes on where it was stopped. Results go to ``results/i3-lab``: tables (.csv, .md), figures, and
a folder of records for each part.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd
import yaml
from matplotlib.axes import Axes

from emu import terminal
from emu.interrupts import run_below
from emu.measure import i3
from emu.measure.run import Run, runs_of
from emu.sweep.canvas import drawing, look
from emu.sweep.experiment import tabulate

HERE = Path(__file__).resolve().parent
SIZES = (8, 16, 32, 48, 64)
PAPER_DEPTH = {8: 2.0, 16: 2.8, 32: 3.4, 48: 3.9, 64: 4.5}
PAPER_QUERIES = {1: 55.9, 2: 10.1, 3: 2.36, 4: 0.88, 5: 0.066}
PAPER_BELOW_2, PAPER_DUPLICATES = 0.85, 1.6
"""The share of receivers with a stretch below two; the mean of duplicates to losses."""
SERVER, CLIENT = "i3-server", "i3-client"


@dataclass(frozen=True)
class Part:
    """One scenario, and what is made of its runs."""

    delays: str
    scenario: Callable[[], dict[str, Any]]
    analyse: Callable[[list[Run], Path], None]


def cluster() -> dict[str, Any]:
    """32 servers and 64 clients of one site, D = 4 (section 7.1)."""
    servers = {f"s{number}": {"role": SERVER} for number in range(1, 33)}
    clients = {f"c{number}": {"role": CLIENT} for number in range(SIZES[-1] + 1)}
    return _scenario("cluster", {**servers, **clients}, {"degree": 4}, "30s", interval="250ms")


def planetlab() -> dict[str, Any]:
    """50 sites with a server and two clients each, rooted at the first (section 7.2)."""
    return _scenario("planetlab", _sites(), {"degree": 8}, "45s", interval="500ms")


def planetlab_losses() -> dict[str, Any]:
    """The same, with losses, and repairs by rel-loss."""
    loss = {"hop": "4%", "last_hop": "8%"}
    overlay = {"degree": 8, "recovery": "rel-loss", "loss": loss}
    return _scenario("planetlab-losses", _sites(), overlay, "100s", interval="200ms")


def _sites() -> dict[str, Any]:
    """The source c0 is a third client of the first site."""
    nodes: dict[str, Any] = {"c0": {"role": CLIENT, "site": 1}}
    for site in range(1, 51):
        nodes[f"s{site}"] = {"role": SERVER, "site": site}
        nodes[f"c{site}"] = {"role": CLIENT, "site": site}
        nodes[f"d{site}"] = {"role": CLIENT, "site": site}
    return nodes


def _scenario(
    name: str, nodes: dict[str, Any], overlay: dict[str, Any], duration: str, interval: str
) -> dict[str, Any]:
    receivers = [node for node in nodes if nodes[node]["role"] == CLIENT and node != "c0"]
    return {
        "name": name,
        "duration": duration,
        "topology": {"kind": "internet", "delays": PARTS[name].delays},
        "overlay": {"scheme": "i3", **overlay},
        "nodes": nodes,
        "traffic": [{"kind": "i3", "from": "c0", "to": receivers, "interval": interval}],
    }


def table_2(runs: list[Run], results: Path) -> None:
    """Depth by the size of the group, and queries that members answer, by their level."""
    depths, queries = [], []
    for run in runs:
        for size, depth in _growth(run):
            depths.append({"receivers": size, "depth": depth})
        entry = _overlay(run)
        for member in entry["members"]:
            if member["level"]:
                answered = entry["clients"][member["name"]]["queries"]
                queries.append({"level": member["level"], "queries": answered, "run": run.number})
    by_size = pd.DataFrame(depths).groupby("receivers").depth
    table = by_size.agg(["mean", "std", "size"]).reset_index()
    table["paper"] = table.receivers.map(PAPER_DEPTH)
    tabulate(table.rename(columns={"mean": "depth", "std": "depth_sd", "size": "runs"}),
             results / "table-2a")  # fmt: skip
    frame = pd.DataFrame(queries).groupby(["level", "run"], as_index=False).queries.mean()
    table = frame.groupby("level").queries.agg(["mean", "std", "size"]).reset_index()
    table["paper"] = table.level.map(PAPER_QUERIES)
    tabulate(table.rename(columns={"mean": "queries", "std": "queries_sd", "size": "runs"}),
             results / "table-2b")  # fmt: skip


def _growth(run: Run) -> Iterator[tuple[int, int]]:
    """The highest level of the tree when so many receivers had joined."""
    places = run.of_kind("i3_place")
    in_tree: set[str] = set()
    for at, event in enumerate(places):
        if event["phase"] == "in tree" and event["path"] and event["node"] not in in_tree:
            in_tree.add(event["node"])
            if len(in_tree) in SIZES:
                tree = i3.tree(places[: at + 1])
                yield len(in_tree), max(place["level"] for place in tree.values())


def figure_14(runs: list[Run], results: Path) -> None:
    """The stretch of all receivers, and their latency by the tree beside that straight."""
    rows = [
        {"run": run.number, **{key: member[key] for key in ("direct_ms", "delay_ms", "stretch")}}
        for run in runs
        for member in _overlay(run)["members"]
        if member["stretch"] is not None
    ]
    frame = pd.DataFrame(rows).sort_values(["run", "stretch"], ignore_index=True)
    with drawing(results / "figure-14a.svg", frame) as axes:
        _distribution(axes, frame, "stretch")
        axes.plot([2], [PAPER_BELOW_2], "k+", label="the paper's 85 % below 2")
        axes.set(xlabel="stretch", ylabel="share of receivers", xlim=(0, 6))
    with drawing(results / "figure-14b.svg", frame) as axes:
        most = float(frame[["direct_ms", "delay_ms"]].max().max())
        axes.plot([0, most], [0, most], color="grey", linewidth=0.8)
        axes.plot(frame.direct_ms, frame.delay_ms, ".", markersize=4, label="a receiver")
        axes.set(xlabel="straight (ms)", ylabel="by the tree (ms)")
    by_run = frame.groupby("run").stretch
    below = pd.DataFrame(
        {
            "below_2": by_run.apply(lambda one: (one < 2).mean()),
            "below_1": by_run.apply(lambda one: (one < 1).mean()),
            "median": by_run.median(),
            "p90": by_run.quantile(0.9),
        }
    )
    table = below.agg(["mean", "std"]).T.reset_index(names="stretch").assign(runs=len(below))
    table["paper"] = table.stretch.map({"below_2": PAPER_BELOW_2})
    tabulate(table, results / "figure-14")


def figure_15(runs: list[Run], results: Path) -> None:
    """Duplicates a loss, of each client."""
    rows = []
    for run in runs:
        for name, client in _overlay(run)["clients"].items():
            recovery = client["recovery"]
            if recovery["losses"]:
                counts = {key: recovery[key] for key in ("losses", "duplicates", "given_up")}
                repaired = len(recovery["waits_ms"])
                rows.append({"run": run.number, "client": name, **counts, "repaired": repaired})
    frame = pd.DataFrame(rows)
    frame["ratio"] = frame.duplicates / frame.losses
    frame = frame.sort_values(["run", "ratio"], ignore_index=True)
    with drawing(results / "figure-15.svg", frame) as axes:
        _distribution(axes, frame, "ratio")
        axes.axvline(PAPER_DUPLICATES, color="grey", linestyle=":", label="the paper's mean")
        axes.set(xlabel="duplicates to losses", ylabel="share of clients")
    by_run = frame.groupby("run")
    found = pd.DataFrame(
        {
            "ratio": by_run.ratio.mean(),
            "of all": by_run.duplicates.sum() / by_run.losses.sum(),
            "repaired": by_run.repaired.sum() / by_run.losses.sum(),
        }
    )
    table = found.agg(["mean", "std"]).T.reset_index(names="what").assign(runs=len(found))
    table["paper"] = table.what.map({"ratio": PAPER_DUPLICATES})
    tabulate(table, results / "figure-15-means")


def _distribution(axes: Axes, frame: pd.DataFrame, column: str) -> None:
    """A step for each run."""
    for number, (run, one) in enumerate(frame.groupby("run")):
        values = np.sort(one[column])
        style = {**look(number), "marker": ""}
        axes.step(values, np.arange(1, len(values) + 1) / len(values), label=f"run {run}", **style)


def _overlay(run: Run) -> dict[str, Any]:
    """The overlay part of the record of one run."""
    record = json.loads((run.directory.parent.parent / "record.json").read_text(encoding="utf-8"))
    return dict(record["runs"][0]["overlay"])


PARTS = {
    "cluster": Part("cluster-rtt.txt", cluster, table_2),
    "planetlab": Part("planetlab-rtt.txt", planetlab, figure_14),
    "planetlab-losses": Part("planetlab-rtt.txt", planetlab_losses, figure_15),
}


def play(name: str, seed: int, results: Path) -> int:
    """Run a part once, unless that is done; the status of ``emu run``."""
    part, place = PARTS[name], results / "records" / f"{name}-{seed}"
    if _record(place) is not None:
        return 0
    place.mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / part.delays, place / part.delays)
    scenario = place / "scenario.yaml"
    scenario.write_text(yaml.safe_dump(part.scenario(), sort_keys=False), encoding="utf-8")
    command = [sys.executable, "-m", "emu", "run", str(scenario), "--seed", str(seed)]
    return run_below([*command, "--out", str(place)])


def _record(place: Path) -> Path | None:
    """A record of the place that the machine kept up with."""
    for path in sorted(place.glob("*/*/record.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        if record["fidelity"]["ok"] and not record["interrupted"]:
            return path.parent
    return None


@click.command()
@click.option("--part", "parts", multiple=True, type=click.Choice([*PARTS]), help="All by default.")
@click.option("--runs", type=click.IntRange(1), default=10, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=Path("results"))
def main(parts: tuple[str, ...], runs: int, out: Path) -> None:
    """Run what is missing, then write the tables and the figures of what there is."""
    terminal.take_over()
    results = out / "i3-lab"
    status = 0
    for name in parts or PARTS:
        for seed in range(1, runs + 1):
            status = play(name, seed, results) or status
            if status == 130:
                sys.exit(status)
        places = [results / "records" / f"{name}-{seed}" for seed in range(1, runs + 1)]
        done = [path for place in places if (path := _record(place)) is not None]
        if done:
            found = [
                Run(run.directory, number)
                for number, path in enumerate(done, 1)
                for run in runs_of(path)
            ]
            PARTS[name].analyse(found, results)
    sys.exit(status)


if __name__ == "__main__":
    main()
