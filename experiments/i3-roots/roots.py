"""What several roots save the founder, and what they cost the tree, in virtual time.

    python experiments/i3-roots/roots.py [--out DIRECTORY] [OPTIONS OF emu sweep]

Results go to ``results/i3-roots``: ``roots.md`` and ``roots.csv``, a row for each way to begin,
with means over the runs and the ends of their 95 % confidence intervals.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from emu.sweep.experiment import experiment, interval, tabulate

MEANS = ("queries_of_founder", "queries_max", "replies_per_join", "rmd", "rad", "stretch_p90")


def compare(table: pd.DataFrame) -> pd.DataFrame:
    """One row for each way to begin."""
    rows = []
    for begin_at, runs in table.groupby("begin_at", sort=False):
        row = {"begin_at": begin_at, "runs": runs["seed"].nunique()}
        for metric in MEANS:
            row |= interval(runs, metric)
        rows.append(row)
    return pd.DataFrame(rows)


def analyse(table: pd.DataFrame, results: Path) -> None:
    """Let newcomers begin at the founder, or at one of several roots."""
    tabulate(compare(table), results / "roots")


if __name__ == "__main__":
    experiment(Path(__file__).resolve().parent, analyse)()
