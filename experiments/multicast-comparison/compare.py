"""Every multicast scheme on one network, measured and as the model predicts.

    sudo python experiments/multicast-comparison/compare.py [--out DIRECTORY] [OPTIONS OF emu sweep]

The sweep goes on where it was stopped. Results go to ``results/multicast-comparison``:
``comparison.md`` and ``comparison.csv`` (a row a scheme, L2 gap and delay between MARs; medians of
the handovers) and what ``emu sweep`` writes. Tunnel convergence follows, a sweep of its own, with
``convergence.md``, ``.csv`` and ``.svg`` in ``results/multicast-convergence``.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from emu.sweep.experiment import drawing, experiment, tabulate

HERE = Path(__file__).resolve().parent
CONVERGENCE = HERE.parent / "multicast-convergence"
CELL = ["scheme", "gap_ms", "mars_ms"]
MEDIANS = (
    "disruption_ms",
    "predicted_disruption_ms",
    "predicted_low_ms",
    "predicted_high_ms",
    "l2_ms",
    "lost",
    "duplicated",
    "join_ms",
    "leave_ms",
    "predicted_leave_ms",
    "wasted_bytes",
    "copies",
    "delay_before_ms",
    "delay_after_ms",
    "tunnel_bytes",
    "signalling_bytes",
)
PREDICTED = ("predicted_disruption_ms", "predicted_low_ms", "predicted_high_ms")
TOLERANCE, SLACK_MS = 0.20, 3.0
"""How far the median disruption may be from the model's."""
CONTEXT_TRANSFER = ("remote", "local", "both", "cxtp", "buffer", "bicast")
"""The schemes that do not wait for a report, which is random: of the others the model has a range.
"""


def compare(table: pd.DataFrame) -> pd.DataFrame:
    """One row a cell: how many handovers, the medians, and whether the model holds."""
    groups = table[table["handover"].notna()].groupby(CELL, sort=False)
    rows = groups[list(MEDIANS)].median()
    rows.insert(0, "handovers", groups.size())
    # The radio takes a few ms for a gap of 0: the model is asked with the gap that there was.
    late = rows["l2_ms"] - rows.index.get_level_values("gap_ms")
    for name in PREDICTED:
        rows[name] += late
    predicted, low, high = (rows[name] for name in PREDICTED)
    waits = ~rows.index.get_level_values("scheme").isin(CONTEXT_TRANSFER)
    expected = predicted.mask(waits, rows["disruption_ms"].clip(low, high))
    off = (rows["disruption_ms"] - expected).abs()
    rows.insert(3, "within", off <= predicted * TOLERANCE + SLACK_MS)
    return rows.reset_index()


def analyse(table: pd.DataFrame, results: Path) -> None:
    """Run every scheme under every gap and delay, then tabulate."""
    rows = compare(table)
    tabulate(rows, results / "comparison")
    bounded = rows[rows["scheme"].isin(CONTEXT_TRANSFER)]
    print(f"context transfer: {bounded['within'].sum()} of {len(bounded)} cells within the model")


def converge(table: pd.DataFrame, results: Path) -> None:
    """Copies of a channel that enter a MAR, by how many listeners from as many anchors are there.

    The listeners come one after the other, so it is the number of the handover, counted from 1.
    """
    table = table[table["handover"].notna()].assign(listeners=table["handover"] + 1)
    copies = table.pivot_table("copies", "scheme", "listeners", aggfunc="median", sort=False)
    copies.columns = pd.Index([int(count) for count in copies.columns], name="listeners")
    copies.to_csv(results / "convergence.csv")
    text = copies.to_markdown(floatfmt="g")
    (results / "convergence.md").write_text(text + "\n", encoding="utf-8")
    print(text)
    with drawing(results / "convergence.svg") as axes:
        for scheme, row in copies.iterrows():
            axes.plot(row.index, row, marker="o", label=scheme)
        axes.set_xlabel("listeners from as many anchors")
        axes.set_ylabel("copies that enter the MAR")


if __name__ == "__main__":
    experiment(HERE, analyse, (CONVERGENCE, converge))()
