"""Makes and draws figure 11 of the HDMM paper.

    sudo python experiments/hdmm-figure-11/figure.py [--out DIRECTORY] [OPTIONS OF emu sweep]

The sweep goes on where it was stopped. Results go to ``results/hdmm-figure-11``: ``figure-11.svg``,
``figure-11.csv`` (a row a handover) and what ``emu sweep`` writes.
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

HERE = Path(__file__).resolve().parent
PREFIXES = {"mar2": 1, "mar3": 2}
"""Active prefixes anchored elsewhere, by the DAR to which the mobile node comes."""
STYLES = {("partially", 1): "-", ("partially", 2): "--", ("fully", 1): "-.", ("fully", 2): ":"}


def handovers(table: Path) -> pd.DataFrame:
    """One row a handover: the scheme, the active prefixes, T_binding."""
    frame = pd.read_csv(table)
    frame = frame[frame["faithful"] & frame["binding_ms"].notna()]
    frame = frame.drop_duplicates(["scheme", "seed", "handover"])
    frame = frame.assign(prefixes=frame["to"].map(PREFIXES))
    return frame[["scheme", "prefixes", "seed", "mn", "binding_ms"]]


def draw(frame: pd.DataFrame, path: Path) -> None:
    """The eCDF of each scheme with one and with two active prefixes."""
    figure = Figure(figsize=(5.5, 3.8), layout="constrained")
    FigureCanvasSVG(figure)
    axes = figure.subplots()
    for (scheme, prefixes), style in STYLES.items():
        part = frame[(frame["scheme"] == scheme) & (frame["prefixes"] == prefixes)]
        values = np.sort(part["binding_ms"].to_numpy())
        label = f"{scheme} distributed, {prefixes} prefix{'es' * (prefixes > 1)} (n={len(values)})"
        axes.step(values, np.arange(1, len(values) + 1) / max(len(values), 1), style, label=label)
    axes.set(xlabel="Handover latency (ms)", ylabel="eCDF", ylim=(0, 1))
    axes.set_xlim(0, frame["binding_ms"].quantile(0.98) * 1.1)
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small", loc="lower right")
    figure.savefig(path, metadata={"Date": None})


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--out", type=click.Path(path_type=Path), default=Path("results"))
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def main(out: Path, options: tuple[str, ...]) -> None:
    """Run the sweep, then draw."""
    sweep = [sys.executable, "-m", "emu", "sweep", str(HERE / "matrix.yaml"), "--out", str(out)]
    status = subprocess.run([*sweep, *options], check=False).returncode
    results = out / "hdmm-figure-11"
    frame = handovers(results / "table.csv")
    frame.to_csv(results / "figure-11.csv", index=False, float_format="%.4g")
    draw(frame, results / "figure-11.svg")
    print(frame.groupby(["scheme", "prefixes"])["binding_ms"].describe().round(2))
    print(results / "figure-11.svg")
    sys.exit(status)


if __name__ == "__main__":
    main()
