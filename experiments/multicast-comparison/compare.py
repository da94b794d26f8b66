"""Every multicast scheme on one network, measured and as the model predicts.

    sudo python experiments/multicast-comparison/compare.py [--out DIRECTORY] [OPTIONS OF emu sweep]

The sweep goes on where it was stopped. Results go to ``results/multicast-comparison``:
``comparison.md`` and ``comparison.csv`` (a row a scheme, L2 gap and delay between MARs; medians of
the handovers, and of disruption and leave latency the means over the runs with their confidence
intervals) and what ``emu sweep`` writes.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from emu.sweep.experiment import experiment, interval, tabulate

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
    """One row a cell: how many handovers, the medians, means, and whether the model holds."""
    groups = table[table["handover"].notna()].groupby(CELL, sort=False)
    rows = groups[list(MEDIANS)].median()
    predicted, low, high = (rows[name] for name in PREDICTED)
    waits = ~rows.index.get_level_values("scheme").isin(CONTEXT_TRANSFER)
    expected = predicted.mask(waits, rows["disruption_ms"].clip(low, high))
    off = (rows["disruption_ms"] - expected).abs()
    rows.insert(0, "runs", groups["seed"].nunique())
    rows.insert(1, "handovers", groups.size())
    rows.insert(4, "within", off <= predicted * TOLERANCE + SLACK_MS)
    means = [interval(part, "disruption_ms") | interval(part, "leave_ms") for _, part in groups]
    return rows.join(pd.DataFrame(means, index=rows.index)).reset_index()


def analyse(table: pd.DataFrame, results: Path) -> None:
    """Run every scheme under every gap and delay, then tabulate."""
    rows = compare(table)
    tabulate(rows, results / "comparison")
    bounded = rows[rows["scheme"].isin(CONTEXT_TRANSFER)]
    print(f"context transfer: {bounded['within'].sum()} of {len(bounded)} cells within the model")


if __name__ == "__main__":
    experiment(Path(__file__).resolve().parent, analyse)()
