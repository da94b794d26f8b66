"""Makes and draws figure 12 of the HDMM paper.

    sudo python experiments/hdmm-figure-12/figure.py [--out DIRECTORY] [OPTIONS OF emu sweep]

The sweep goes on where it was stopped. Results go to ``results/hdmm-figure-12``: ``figure-12.svg``,
``figure-12.csv`` (a row a point, beside equations 17 and 18) and what ``emu sweep`` writes.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from emu.analysis.hdmm import fully_binding, proxy_binding
from emu.sweep.experiment import bindings, drawing, experiment

MARKERS = "osD^v"
RATIOS = (0.125, 0.25, 0.5, 1, 2, 4, 8)


def ratios(frame: pd.DataFrame) -> pd.DataFrame:
    """Medians of T_binding of both schemes for each pair of delays; their ratio, and predicted."""
    frame = bindings(frame, ["scheme", "cmd_ms", "dar_ms"])
    medians = frame.groupby(["cmd_ms", "dar_ms", "scheme"])["binding_ms"].median().unstack()
    points = medians.reset_index().dropna()
    to_cmd, to_dar = 2 * points["cmd_ms"], 2 * points["dar_ms"]
    return points.assign(
        ratio=points["fully"] / points["partially"],
        predicted=fully_binding(to_dar) / proxy_binding(to_cmd, to_cmd),
    )


def crossing(points: pd.DataFrame) -> float:
    """The DAR-DAR delay (ms) at which both schemes are equally fast, between measured points."""
    logs = np.log(points["ratio"].to_numpy())
    return float(np.exp(np.interp(0, logs, np.log(points["dar_ms"].to_numpy()))))


def draw(frame: pd.DataFrame, path: Path) -> None:
    """The ratio against the delay between DARs, a curve a delay to the CMD; dashed: predicted."""
    with drawing(path) as axes:
        for number, (delay, points) in enumerate(frame.groupby("cmd_ms")):
            style, label = MARKERS[number] + "-", f"DAR-CMD delay {delay:g} ms"
            (line,) = axes.plot(points["dar_ms"], points["ratio"], style, label=label)
            same = {"color": line.get_color()}
            axes.plot(points["dar_ms"], points["predicted"], "--", alpha=0.6, **same)
            axes.axvline(delay, linewidth=0.6, linestyle=":", **same)
        axes.axhline(1, color="black", linewidth=0.8)
        axes.set(xlabel="S-DAR to P-DAR delay (ms)", xscale="log", yscale="log")
        axes.set_ylabel("Latency, fully / partially distributed")
        for axis, ticks in ((axes.xaxis, sorted(set(frame["dar_ms"]))), (axes.yaxis, RATIOS)):
            axis.set_ticks(ticks, [f"{tick:g}" for tick in ticks])
            axis.set_ticks([], minor=True)


def analyse(table: pd.DataFrame, results: Path) -> None:
    """Run every pair of delays, then draw the figure."""
    frame = ratios(table)
    frame.to_csv(results / "figure-12.csv", index=False, float_format="%.4g")
    print(frame.round(2).to_string(index=False))
    for delay, points in frame.groupby("cmd_ms"):
        print(f"DAR-CMD delay {delay:g} ms: equal at {crossing(points):.1f} ms between DARs")
    draw(frame, results / "figure-12.svg")


if __name__ == "__main__":
    experiment(Path(__file__).resolve().parent, analyse)()
