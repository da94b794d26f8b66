"""A group on i3 under losses and churn, in virtual time: what arrives, and how long repairs take.

    python experiments/i3-churn/churn.py [--out DIRECTORY] [OPTIONS OF emu sweep]

Results go to ``results/i3-churn``: ``churn.md`` and ``churn.csv``, a row for each loss and churn,
with means over the runs and the ends of their 95 % confidence intervals.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from emu.sweep.experiment import experiment, interval, tabulate

MEANS = ("delivery_ratio", "repair_ms", "repair_ms_p95", "longest_gap_ms_p99", "requests_per_loss")


def compare(table: pd.DataFrame) -> pd.DataFrame:
    """One row for each loss and churn; there are no repairs where nothing is lost."""
    rows = []
    for (loss, churn), runs in table.groupby(["loss", "churn"], sort=False):
        row = {"loss": loss, "churn": churn, "runs": runs["seed"].nunique()}
        for metric in MEANS:
            row |= interval(runs[runs[metric].notna()], metric)
        rows.append(row)
    return pd.DataFrame(rows)


def analyse(table: pd.DataFrame, results: Path) -> None:
    """Play one group under ever more loss, with and without churn."""
    tabulate(compare(table), results / "churn")


if __name__ == "__main__":
    experiment(Path(__file__).resolve().parent, analyse)()
