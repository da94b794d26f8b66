"""How many copies of a channel enter a MAR as listeners from other MARs come to it.

    sudo python experiments/multicast-convergence/converge.py [--out DIRECTORY] [OPTIONS …]

OPTIONS are those of emu sweep, which goes on where it was stopped. Results go to
``results/multicast-convergence``: ``convergence.md``, ``.csv`` and ``.svg``, and what ``emu sweep``
writes.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from matplotlib.ticker import MaxNLocator

from emu.sweep.canvas import drawing, look
from emu.sweep.experiment import experiment


def analyse(table: pd.DataFrame, results: Path) -> None:
    """Copies of a channel that enter a MAR, by how many listeners from as many anchors are there.

    The listeners come one after the other, so it is the number of the handover, counted from 1.
    """
    table = table[table["handover"].notna()].assign(listeners=table["handover"] + 1)
    copies = table.pivot_table("copies", "scheme", "listeners", aggfunc="median", sort=False)
    copies.columns = pd.Index([int(count) for count in copies.columns], name="listeners")
    text = copies.to_markdown(floatfmt="g")
    (results / "convergence.md").write_text(text + "\n", encoding="utf-8")
    print(text)
    with drawing(results / "convergence.svg", copies.reset_index()) as axes:
        for number, (scheme, row) in enumerate(copies.iterrows()):
            axes.plot(row.index, row, label=scheme, **look(number))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("listeners from as many anchors")
        axes.set_ylabel("copies that enter the MAR")


if __name__ == "__main__":
    experiment(Path(__file__).resolve().parent, analyse)()
