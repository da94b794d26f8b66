"""Compares the walk of this folder's scenario under five schemes, with caches and without.

    sudo python experiments/cdn-demo/compare.py [--out DIRECTORY] [OPTIONS OF emu sweep]

The sweep goes on where it was stopped. Results go to ``results/cdn-demo``: ``comparison.csv`` and
``.md`` (a row a scheme), ``segments.csv`` (a row a segment), ``core-traffic.svg``,
``segment-time.svg`` and what ``emu sweep`` writes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd

from emu.measure.statistics import summarise
from emu.sweep.canvas import drawing
from emu.sweep.experiment import experiment, faithful_records, tabulate

FOLDER = Path(__file__).resolve().parent
BASE = "dmm-caches"
METRICS = {
    "player.startup_ms": "start-up (ms)",
    "player.stalled_ms": "stalled (ms)",
    "player.mean_bitrate": "bit rate (bit/s)",
    "player.core_bytes_per_played_s": "core (bytes a played second)",
    "player.segment_links": "links a segment",
    "player.segment_ms": "segment (ms)",
    "player.tunnel_bytes": "in tunnels (bytes)",
    "call.mos": "MOS",
    "call.mos_during_handover": "MOS at a handover",
    "call.silence_ms": "silence (ms)",
    "call.mouth_to_ear_ms": "mouth to ear (ms)",
}
"""What is compared, and the heading of its column."""
CORE = "player.core_bytes_per_played_s"


def measured(records: list[tuple[str, int, dict[str, Any]]]) -> pd.DataFrame:
    """One row a run: scheme, seed, and the run's mean of each metric."""
    return pd.DataFrame(
        [
            {
                "scheme": scheme,
                "seed": seed,
                **{m: record["summary"].get(m, {}).get("mean") for m in METRICS},
            }
            for scheme, seed, record in records
        ]
    )


def segments(records: list[tuple[str, int, dict[str, Any]]]) -> pd.DataFrame:
    """One row a segment."""
    names = ("number", "at_s", "ms", "bitrate", "bytes", "from", "cache", "links", "tunnel_bytes")
    return pd.DataFrame(
        [
            {"scheme": scheme, "seed": seed, **{name: segment[name] for name in names}}
            for scheme, seed, record in records
            for service in record["runs"][0]["services"]
            if service["kind"] == "player"
            for segment in service["segments"]
        ]
    )


def compare(runs: pd.DataFrame) -> pd.DataFrame:
    """One row a scheme: the mean over its runs of each metric, and the core traffic saved.

    What is saved is the share of another scheme's core traffic that the base does without; with the
    ends of its 95 % confidence interval, over pairs of runs with one seed.
    """
    rows = []
    base = runs[runs["scheme"] == BASE].set_index("seed")[CORE]
    for scheme, part in runs.groupby("scheme", sort=False):
        means = {heading: part[metric].mean() for metric, heading in METRICS.items()}
        other = part.set_index("seed")[CORE]
        saved = (1 - base / other).dropna() if scheme != BASE else pd.Series(dtype=float)
        found = summarise([[value] for value in saved])
        ends = {"saved": found["mean"], "low": found["ci95_low"], "high": found["ci95_high"]}
        rows.append({"scheme": scheme, "runs": len(part), **means, **ends})
    return pd.DataFrame(rows)


def draw_core(runs: pd.DataFrame, path: Path) -> None:
    """The core traffic of each scheme: the mean over its runs, and each run."""
    names = list(dict.fromkeys(runs["scheme"]))
    with drawing(path, runs[["scheme", "seed", CORE]]) as axes:
        for place, scheme in enumerate(names):
            values = runs[runs["scheme"] == scheme][CORE] / 1000
            axes.bar(place, values.mean(), color=f"C{place}")
            axes.plot([place] * len(values), values, "k.", markersize=4)
        axes.set_xticks(range(len(names)), names, rotation=20)
        axes.set(ylabel="Core traffic (kB a played second)")


def draw_times(found: pd.DataFrame, path: Path) -> None:
    """The eCDF of the time that a segment takes, a curve a scheme."""
    with drawing(path, found[["scheme", "seed", "number", "ms"]]) as axes:
        for scheme, part in found.groupby("scheme", sort=False):
            values = np.sort(part["ms"].to_numpy())
            shares = np.arange(1, len(values) + 1) / len(values)
            axes.step(values, shares, label=f"{scheme} (n={len(values)})")
        axes.set(xlabel="Time of a segment (ms)", ylabel="eCDF", ylim=(0, 1))


def analyse(_table: pd.DataFrame, results: Path) -> None:
    """Run the walk under every scheme, then compare what the video and the call got and cost."""
    records = [
        (
            str(job.values["scheme"]),
            job.seed,
            json.loads((place / "record.json").read_text(encoding="utf-8")),
        )
        for job, place in faithful_records(FOLDER, results)
    ]
    runs, loaded = measured(records), segments(records)
    loaded.to_csv(results / "segments.csv", index=False)
    table = compare(runs)
    tabulate(table, results / "comparison")
    for row in table[table["saved"].notna()].to_dict("records"):
        known = not pd.isna(row["low"])
        ends = f" (95 %: {row['low']:.1%} to {row['high']:.1%})" if known else ""
        text = f"caches at the MARs save {row['saved']:.1%}{ends} of the core traffic of"
        click.echo(f"{text} {row['scheme']}")
    draw_core(runs, results / "core-traffic.svg")
    draw_times(loaded, results / "segment-time.svg")


if __name__ == "__main__":
    experiment(FOLDER, analyse)()
