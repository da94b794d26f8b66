"""A receiver that moves between access routers: i3 beside DMM multicast and Mobile IPv6.

    sudo python experiments/i3-mobility/compare.py [--out DIRECTORY] [OPTIONS OF emu sweep]

The sweep goes on where it was stopped. Results go to ``results/i3-mobility``: ``comparison.md`` and
``comparison.csv`` (a row a scheme; medians of the handovers, and of the disruption the mean over
the runs with its confidence interval) and what ``emu sweep`` writes.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from emu.sweep.experiment import experiment, interval, tabulate

MEDIANS = (
    "disruption_ms", "l2_ms", "lost", "duplicated", "delay_before_ms", "delay_after_ms"
)  # fmt: skip


def compare(table: pd.DataFrame) -> pd.DataFrame:
    """One row a scheme."""
    groups = table[table["handover"].notna()].groupby("scheme", sort=False)
    rows = groups[list(MEDIANS)].median()
    rows.insert(0, "runs", groups["seed"].nunique())
    rows.insert(1, "handovers", groups.size())
    means = [interval(part, "disruption_ms") for _, part in groups]
    return rows.join(pd.DataFrame(means, index=rows.index)).reset_index()


def analyse(table: pd.DataFrame, results: Path) -> None:
    """Run every scheme, then tabulate."""
    tabulate(compare(table), results / "comparison")


if __name__ == "__main__":
    experiment(Path(__file__).resolve().parent, analyse)()
