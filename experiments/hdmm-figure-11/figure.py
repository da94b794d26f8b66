"""Makes and draws figure 11 of the HDMM paper.

    sudo python experiments/hdmm-figure-11/figure.py [--out DIRECTORY] [OPTIONS OF emu sweep]

The sweep goes on where it was stopped. Results go to ``results/hdmm-figure-11``: ``figure-11.svg``,
``figure-11.csv`` (a row a handover), ``latency.csv`` and ``.md`` (a row a curve: quartiles of the
handovers, and the mean over the runs with its interval) and what ``emu sweep`` writes.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from emu.sweep.canvas import drawing
from emu.sweep.experiment import bindings, experiment, interval, tabulate

PREFIXES = {"mar2": 1, "mar3": 2}
"""Active prefixes anchored elsewhere, by the DAR to which the mobile node comes."""
STYLES = {("partially", 1): "-", ("partially", 2): "--", ("fully", 1): "-.", ("fully", 2): ":"}


def draw(frame: pd.DataFrame, path: Path) -> None:
    """The eCDF of each scheme with one and with two active prefixes."""
    with drawing(path, frame) as axes:
        for (scheme, prefixes), style in STYLES.items():
            part = frame[(frame["scheme"] == scheme) & (frame["prefixes"] == prefixes)]
            values = np.sort(part["binding_ms"].to_numpy())
            label = f"{scheme} distributed, {prefixes} prefix{'es' * (prefixes > 1)}"
            shares = np.arange(1, len(values) + 1) / max(len(values), 1)
            axes.step(values, shares, style, label=f"{label} (n={len(values)})")
        axes.set(xlabel="Handover latency (ms)", ylabel="eCDF", ylim=(0, 1))
        axes.set_xlim(0, frame["binding_ms"].quantile(0.98) * 1.1)


def analyse(table: pd.DataFrame, results: Path) -> None:
    """Run 200 handovers a curve, then draw the figure."""
    frame = bindings(table, ["scheme"])
    frame = frame.assign(prefixes=frame["to"].map(PREFIXES))
    frame = frame[["scheme", "prefixes", "seed", "mn", "binding_ms"]]
    curves = frame.groupby(["scheme", "prefixes"])
    rows = curves["binding_ms"].describe()[["count", "25%", "50%", "75%"]]
    means = [interval(part, "binding_ms") for _, part in curves]
    tabulate(rows.join(pd.DataFrame(means, index=rows.index)).reset_index(), results / "latency")
    draw(frame, results / "figure-11.svg")


if __name__ == "__main__":
    experiment(Path(__file__).resolve().parent, analyse)()
