"""Overlays beside native multicast on the same network: what each costs, and how it is repaired.

    sudo .venv/bin/python experiments/middleware/compare.py [--runs 3] [--schemes own,nemo]

In the overlays' runs three of the eight members are killed, one after another. Runs that are there
are not made again. Results go to ``results/middleware``: ``compare`` (a row a scheme).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import mean, median
from typing import Any

import click
import pandas as pd
import yaml

from emu.interrupts import run_below
from emu.measure import overlay_packets
from emu.measure.run import runs_of
from emu.sweep.experiment import tabulate

SCENARIO = Path(__file__).resolve().parent / "compare.yaml"
NATIVE = "native"
CRASHES = {"mn1": "4s", "mn2": "7s", "mn3": "10s"}
REPORTS = ("MLD query", "MLD report", "MLD done")


def scenario(scheme: str) -> dict[str, Any]:
    """The scenario with native multicast, or over an overlay whose members are killed."""
    text = SCENARIO.read_text(encoding="utf-8")
    document: dict[str, Any] = yaml.load(text, Loader=yaml.BaseLoader)
    if scheme != NATIVE:
        document["overlay"] = {"scheme": scheme}
        document["events"] = [{"at": at, "crash": node} for node, at in CRASHES.items()]
    return document


def records(scheme: str, runs: int, results: Path) -> Iterator[Path]:
    """The folders of a scheme's runs, which are made if they are not there."""
    for seed in range(1, runs + 1):
        place = results / f"{scheme}-{seed}"
        path = place / "scenario.yaml"
        if not list(place.glob("*/*/record.json")):
            place.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(scenario(scheme)), encoding="utf-8")
            options = ["--seed", str(seed), "--out", str(place), "--keep-captures"]
            run_below([sys.executable, "-m", "emu", "run", str(path), *options])
        yield from (found.parent for found in place.glob("*/latest/record.json"))


def measured(folder: Path, scheme: str) -> dict[str, Any]:
    """One run: delays and losses of those that were not killed, copies, control, repairs."""
    record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    (run,) = record["runs"]
    killed = set() if scheme == NATIVE else set(CRASHES)
    flows = [flow for flow in run["flows"] if flow["to"] not in killed]
    overlay = run["overlay"]
    sent = run["signalling"] if overlay is None else {}
    control = sum(cost["bytes"] for kind, cost in sent.items() if kind in REPORTS)
    return {
        "delay_ms": {flow["to"]: flow["delay_ms"]["median"] for flow in flows},
        "lost": [flow["lost"] / flow["sent"] for flow in flows if flow["sent"]],
        "control_bytes": control if overlay is None else overlay["tree"]["control_bytes"],
        "seconds": record["scenario"]["duration"] / 1e9,
        "repairs": [] if overlay is None else [r["repair_ms"] for r in overlay["repairs"]],
        "fidelity": record["fidelity"]["ok"],
        **overlay_packets.stress(overlay_packets.crossings(runs_of(folder)[0])),
    }


def row(scheme: str, runs: list[dict[str, Any]], native_ms: dict[str, float]) -> dict[str, Any]:
    """One line of the table; stretch is the delay by that of native multicast to the same node."""
    stretch = [
        delay / native_ms[node]
        for one in runs
        for node, delay in one["delay_ms"].items()
        if delay is not None and native_ms.get(node)
    ]
    repairs = [ms for one in runs for ms in one["repairs"] if ms is not None]
    return {
        "scheme": scheme,
        "runs": len(runs),
        "kept_up": sum(one["fidelity"] for one in runs),
        "stress_mean": mean(one["stress_mean"] or 0 for one in runs),
        "stress_max": max(one["stress_max"] or 0 for one in runs),
        "stretch_median": median(stretch) if stretch else None,
        "stretch_max": max(stretch, default=None),
        "control_kbit_s": mean(8e-3 * one["control_bytes"] / one["seconds"] for one in runs),
        "lost_share": mean(share for one in runs for share in one["lost"]),
        "repairs": len(repairs),
        "not_repaired": sum(ms is None for one in runs for ms in one["repairs"]),
        "repair_ms_median": median(repairs) if repairs else None,
        "repair_ms_max": max(repairs, default=None),
    }


@click.command()
@click.option("--runs", default=3, show_default=True)
@click.option("--schemes", default="own,nemo", show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=Path("results/middleware"))
def main(runs: int, schemes: str, out: Path) -> None:
    """Make the runs, and the table."""
    found = {
        scheme: [measured(folder, scheme) for folder in records(scheme, runs, out)]
        for scheme in (NATIVE, *schemes.split(","))
    }
    natives = [one["delay_ms"] for one in found[NATIVE]]
    native_ms = {node: mean(one[node] for one in natives) for node in natives[0]}
    rows = [row(scheme, results, native_ms) for scheme, results in found.items() if results]
    tabulate(pd.DataFrame(rows), out / "compare")


if __name__ == "__main__":
    main()
