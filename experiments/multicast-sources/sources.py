"""A mobile source and its listeners: the way of the data before and after the source moves.

    sudo python experiments/multicast-sources/sources.py [--out DIRECTORY] [OPTIONS OF emu sweep]

Results go to ``results/multicast-sources``: ``sources.md`` and ``sources.csv``, a row a scheme,
service and listener.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from emu.sweep.experiment import experiment, interval, tabulate

SOURCE = "s1"
LISTENERS = {"C1→mn1": "at the source's anchor", "C1→mn2": "at the source's new MAR"}
MEDIANS = (
    "delay_before_ms", "delay_after_ms", "disruption_ms", "lost", "duplicated", "tunnel_bytes",
)  # fmt: skip


def compare(table: pd.DataFrame) -> pd.DataFrame:
    """Medians over the moves of the source, and means over the runs, by what each listener saw."""
    moves = table[table["mn"] == SOURCE]
    moves = moves.assign(listener=moves["flow"].map(LISTENERS))
    cells = moves.groupby(["scheme", "service", "listener"], sort=False)
    rows = cells[list(MEDIANS)].median()
    rows.insert(0, "runs", cells["seed"].nunique())
    means = [
        interval(part, "delay_after_ms") | interval(part, "disruption_ms") for _, part in cells
    ]
    return rows.join(pd.DataFrame(means, index=rows.index)).reset_index()


def analyse(table: pd.DataFrame, results: Path) -> None:
    """Move a source to the MAR of a listener, under each scheme, and measure the way."""
    tabulate(compare(table), results / "sources")


if __name__ == "__main__":
    experiment(Path(__file__).resolve().parent, analyse)()
