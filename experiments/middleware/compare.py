"""Overlays beside native multicast on the same network: what each costs, and how it is repaired.

    sudo .venv/bin/python experiments/middleware/compare.py [--runs 2] [--schemes own,nemo]

In each run two of the eight receivers are killed, and twice two are cut off for three seconds; with
native multicast nobody is killed, for nobody depends on a receiver. Runs that are there are not
made again. Results go to ``results/middleware``: ``compare`` (a row a scheme), and the figures
``repair``, ``stretch``, ``stress`` and ``control``.
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

from emu.interrupts import INTERRUPTED, run_below
from emu.measure import overlay_packets, repairs
from emu.measure.run import Run, runs_of
from emu.measure.stream import Stream
from emu.sweep.canvas import drawing, look
from emu.sweep.experiment import tabulate

SCENARIO = Path(__file__).resolve().parent / "compare.yaml"
NATIVE, I3 = "native", "i3"
OVERLAYS: dict[str, dict[str, Any]] = {
    "own": {"scheme": "own"},
    "nemo": {"scheme": "nemo"},
    "nemo-bare": {"scheme": "nemo", "options": {"retransmissions": "off"}},
    I3: {"scheme": "i3"},
}
I3_NODES = {"src": "i3-client", "s1": "i3-server", "s2": "i3-server", "s3": "i3-server"}
REPORTS = ("MLD query", "MLD report", "MLD done")
EVENTS = {"crash": "crashes", "partition": "partitions", "heal": "heals"}


def scenario(scheme: str) -> dict[str, Any]:
    """The scenario with native multicast, or over an overlay."""
    text = SCENARIO.read_text(encoding="utf-8")
    document: dict[str, Any] = yaml.load(text, Loader=yaml.BaseLoader)
    if scheme == NATIVE:
        del document["overlay"]
        document["events"] = [event for event in document["events"] if "crash" not in event]
        return document
    document["overlay"] = OVERLAYS[scheme]
    if scheme == I3:
        receivers = document["traffic"][0]["to"]
        document["mobility"] = {"scheme": "none"}
        document["multicast"] = {"scheme": "none"}
        document["nodes"] |= {name: {"role": role} for name, role in I3_NODES.items()}
        flow = {"kind": "i3", "from": "src", "to": receivers, "join_interval": "100ms"}
        document["traffic"] = [{**flow, "interval": "20ms", "packet": "1000"}]
        del document["channels"]
    return document


def records(scheme: str, runs: int, results: Path) -> Iterator[Path]:
    """The folders of a scheme's runs, which are made if they are not there whole."""
    for seed in range(1, runs + 1):
        place = results / f"{scheme}-{seed}"
        path = place / "scenario.yaml"
        if not any(_is_whole(record) for record in place.glob("*/latest/record.json")):
            place.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(scenario(scheme)), encoding="utf-8")
            options = ["--seed", str(seed), "--out", str(place), "--keep-captures"]
            status = run_below([sys.executable, "-m", "emu", "run", str(path), *options])
            if status == INTERRUPTED:
                sys.exit(status)
        yield from (found.parent for found in place.glob("*/latest/record.json"))


def _is_whole(record: Path) -> bool:
    """Whether a run was not interrupted."""
    return not json.loads(record.read_text(encoding="utf-8"))["interrupted"]


def measured(folder: Path) -> dict[str, Any]:
    """One run: delays, losses of those that nothing happened to, copies, control, repairs."""
    record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    (result,), (run,) = record["runs"], runs_of(folder)
    events = record["scenario"]["events"]
    killed = {event["crash"] for event in events if "crash" in event}
    cut_off = {host for event in events for host in event.get("partition", ())}
    flows = [flow for flow in result["flows"] if flow["to"] not in killed]
    whole = [flow for flow in flows if flow["to"] not in cut_off and flow["sent"]]
    seen = list(overlay_packets.crossings(run))
    reports = sum(result["signalling"].get(kind, {}).get("bytes", 0) for kind in REPORTS)
    control = sum(link["control_bytes"] for link in overlay_packets.links(seen))
    return {
        "delay_ms": {flow["to"]: flow["delay_ms"]["median"] for flow in flows},
        "lost": [flow["lost"] / flow["sent"] for flow in whole],
        "control_kbit_s": 8e-3 * (control or reports) / (record["scenario"]["duration"] / 1e9),
        "repairs": _repairs(run, result),
        "fidelity": record["fidelity"]["ok"],
        **overlay_packets.stress(seen),
    }


def _repairs(run: Run, result: dict[str, Any]) -> list[dict[str, Any]]:
    """What the record has of them, which knows the trees; else those that are silent."""
    known = (result["overlay"] or {}).get("repairs")
    if known is not None:
        return list(known)
    return list(
        repairs.of_run(run, [Stream(run, flow) for flow in run.meta["flows"]], repairs.unknown)
    )


def stretches(runs: list[dict[str, Any]], native_ms: dict[str, float]) -> list[float]:
    """Each receiver's delay in each run, by that of native multicast to the same node."""
    return [
        delay / native_ms[node]
        for one in runs
        for node, delay in one["delay_ms"].items()
        if delay is not None and native_ms.get(node)
    ]


def row(scheme: str, runs: list[dict[str, Any]], native_ms: dict[str, float]) -> dict[str, Any]:
    """One line of the table."""
    stretch = stretches(runs, native_ms)
    columns: dict[str, Any] = {
        "scheme": scheme,
        "runs": len(runs),
        "kept_up": sum(one["fidelity"] for one in runs),
        "stress_mean": mean(one["stress_mean"] or 0 for one in runs),
        "stress_max": max(one["stress_max"] or 0 for one in runs),
        "stretch_median": median(stretch) if stretch else None,
        "stretch_max": max(stretch, default=None),
        "control_kbit_s": mean(one["control_kbit_s"] for one in runs),
        "lost_share": mean(share for one in runs for share in one["lost"]),
    }
    for event, plural in EVENTS.items():
        found = [r["repair_ms"] for one in runs for r in one["repairs"] if r["event"] == event]
        known = [ms for ms in found if ms is not None]
        columns |= {
            plural: len(found),
            f"{event}_ms_median": median(known) if known else None,
            f"{event}_ms_max": max(known, default=None),
            f"{event}_not_repaired": len(found) - len(known),
        }
    return columns


def draw(found: dict[str, list[dict[str, Any]]], native_ms: dict[str, float], out: Path) -> None:
    """The figures: how repairs and stretches are distributed; what each scheme costs."""
    repaired = [
        {"scheme": scheme, "repair_ms": repair["repair_ms"]}
        for scheme, runs in found.items()
        for one in runs
        for repair in one["repairs"]
        if repair["event"] != "heal" and repair["repair_ms"] is not None
    ]
    stretch = [
        {"scheme": scheme, "stretch": value}
        for scheme, runs in found.items()
        for value in stretches(runs, native_ms)
    ]
    _cdf(out / "repair.svg", repaired, "repair_ms", "Time to repair (ms)")
    _cdf(out / "stretch.svg", stretch, "stretch", "Delay, by that of native multicast")
    for name, key, label in (
        ("stress", "stress_mean", "Copies of a packet on a link"),
        ("control", "control_kbit_s", "Control traffic (kbit/s)"),
    ):
        sums = [(scheme, mean(one[key] or 0 for one in runs)) for scheme, runs in found.items()]
        data = pd.DataFrame(sums, columns=["scheme", key])
        with drawing(out / f"{name}.svg", data) as axes:
            axes.bar(data["scheme"], data[key], color=look(0)["color"])
            axes.set_ylabel(label)


def _cdf(path: Path, rows: list[dict[str, Any]], column: str, label: str) -> None:
    """The share of values up to each; nothing is drawn where there is none."""
    if not rows:
        return
    data = pd.DataFrame(rows).sort_values(["scheme", column])
    with drawing(path, data) as axes:
        for number, (scheme, part) in enumerate(data.groupby("scheme")):
            shares = [(rank + 1) / len(part) for rank in range(len(part))]
            style = {**look(number), "markersize": 3}
            axes.step(part[column], shares, where="post", label=scheme, **style)
        axes.set_xlabel(label)
        axes.set_ylabel("Share")
        axes.set_ylim(0, 1.02)


@click.command()
@click.option("--runs", default=2, show_default=True)
@click.option("--schemes", default=",".join(OVERLAYS), show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=Path("results/middleware"))
def main(runs: int, schemes: str, out: Path) -> None:
    """Make the runs, the table and the figures."""
    chosen = schemes.split(",")
    for scheme in chosen:
        if scheme not in OVERLAYS:
            raise click.BadParameter(f"{scheme}; write some of {', '.join(OVERLAYS)}")
    found = {
        scheme: [measured(folder) for folder in records(scheme, runs, out)]
        for scheme in (NATIVE, *chosen)
    }
    found = {scheme: results for scheme, results in found.items() if results}
    if NATIVE not in found:
        raise click.ClickException("no run with native multicast has left a record")
    natives = [one["delay_ms"] for one in found[NATIVE]]
    native_ms = {node: mean(one[node] for one in natives) for node in natives[0]}
    rows = [row(scheme, results, native_ms) for scheme, results in found.items()]
    tabulate(pd.DataFrame(rows), out / "compare")
    draw(found, native_ms, out)


if __name__ == "__main__":
    main()
