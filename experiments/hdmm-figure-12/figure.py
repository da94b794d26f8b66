"""Makes and draws figure 12 of the HDMM paper.

    sudo python experiments/hdmm-figure-12/figure.py [--out DIRECTORY] [OPTIONS OF emu sweep]

The sweep goes on where it was stopped. Results go to ``results/hdmm-figure-12``: ``figure-12.svg``,
``figure-12.csv`` (a row a point, beside equations 17 and 18) and what ``emu sweep`` writes.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pandas as pd
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from emu.analysis.hdmm import fully_binding, proxy_binding

HERE = Path(__file__).resolve().parent
MARKERS = "osD^v"
RATIOS = (0.125, 0.25, 0.5, 1, 2, 4, 8)


def ratios(table: Path) -> pd.DataFrame:
    """Medians of T_binding of both schemes for each pair of delays; their ratio, and predicted."""
    frame = pd.read_csv(table)
    frame = frame[frame["faithful"] & frame["binding_ms"].notna()]
    frame = frame.drop_duplicates(["scheme", "cmd_ms", "dar_ms", "seed", "handover"])
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
    figure = Figure(figsize=(5.5, 3.8), layout="constrained")
    FigureCanvasSVG(figure)
    axes = figure.subplots()
    for number, (delay, points) in enumerate(frame.groupby("cmd_ms")):
        label = f"DAR-CMD delay {delay:g} ms"
        (line,) = axes.plot(points["dar_ms"], points["ratio"], MARKERS[number] + "-", label=label)
        axes.plot(points["dar_ms"], points["predicted"], "--", color=line.get_color(), alpha=0.6)
        axes.axvline(delay, color=line.get_color(), linewidth=0.6, linestyle=":")
    axes.axhline(1, color="black", linewidth=0.8)
    axes.set(xlabel="S-DAR to P-DAR delay (ms)", ylabel="Latency, fully / partially distributed")
    axes.set(xscale="log", yscale="log")
    for axis, ticks in ((axes.xaxis, sorted(set(frame["dar_ms"]))), (axes.yaxis, RATIOS)):
        axis.set_ticks(ticks, [f"{tick:g}" for tick in ticks])
        axis.set_ticks([], minor=True)
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    figure.savefig(path, metadata={"Date": None})


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--out", type=click.Path(path_type=Path), default=Path("results"))
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def main(out: Path, options: tuple[str, ...]) -> None:
    """Run the sweep, then draw."""
    sweep = [sys.executable, "-m", "emu", "sweep", str(HERE / "matrix.yaml"), "--out", str(out)]
    status = subprocess.run([*sweep, *options], check=False).returncode
    results = out / "hdmm-figure-12"
    frame = ratios(results / "table.csv")
    frame.to_csv(results / "figure-12.csv", index=False, float_format="%.4g")
    draw(frame, results / "figure-12.svg")
    print(frame.round(2).to_string(index=False))
    for delay, points in frame.groupby("cmd_ms"):
        print(f"DAR-CMD delay {delay:g} ms: equal at {crossing(points):.1f} ms between DARs")
    print(results / "figure-12.svg")
    sys.exit(status)


if __name__ == "__main__":
    main()
