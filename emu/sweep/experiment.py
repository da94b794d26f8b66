"""What an experiment's script has around its own analysis: the sweep, tables, a figure's canvas."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pandas import DataFrame

Analysis = Callable[["DataFrame", Path], None]
"""Gets the table and the folder of the sweep's results; writes there, and prints what it found.

The table has no rows of runs that the machine could not keep up with, and at least one other.
"""

SIZE = (5.5, 3.8)
"""Of a figure, in inches."""


def experiment(folder: Path, analyse: Analysis, *others: tuple[Path, Analysis]) -> click.Command:
    """The command that runs the sweep of ``folder``/matrix.yaml, then ``analyse``.

    The results are in a folder of the same name. ``others`` are sweeps that belong to it, which
    follow. Its exit status is that of ``emu sweep``, which goes on where it was stopped, and runs
    again what the machine could not keep up with; the first sweep that is not all done ends it.
    """

    @click.command(context_settings={"ignore_unknown_options": True}, help=analyse.__doc__)
    @click.option("--out", type=click.Path(path_type=Path), default=Path("results"))
    @click.argument("options", nargs=-1, type=click.UNPROCESSED)
    def command(out: Path, options: tuple[str, ...]) -> None:
        for part in ((folder, analyse), *others):
            status = _sweep(*part, out, options)
            if status:
                sys.exit(status)

    return command


def _sweep(folder: Path, analyse: Analysis, out: Path, options: tuple[str, ...]) -> int:
    """Run the sweep of a folder and analyse what there is; how the sweep ended."""
    import pandas as pd

    sweep = [sys.executable, "-m", "emu", "sweep", folder / "matrix.yaml", "--out", out]
    status = subprocess.run([*map(str, sweep), *options], check=False).returncode
    results = out / folder.name
    path = results / "table.csv"
    if path.exists():
        table = pd.read_csv(path)
        faithful = table[table["faithful"].astype(bool)]
        if faithful.empty:
            click.echo("nothing to analyse: there is no run yet that the machine kept up with")
        else:
            analyse(faithful, results)
    return status


@contextmanager
def drawing(path: Path) -> Iterator[Any]:
    """The axes of a figure, which is in ``path`` afterwards, the same bytes for the same data."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE, layout="constrained")
    FigureCanvasSVG(figure)
    axes = figure.subplots()
    axes.grid(alpha=0.3)
    yield axes
    axes.legend(fontsize="small")
    figure.savefig(path, metadata={"Date": None})
    print(path)


def tabulate(rows: DataFrame, path: Path) -> None:
    """Write a table to ``path`` with the suffixes .csv and .md, and print it."""
    rows.to_csv(path.with_suffix(".csv"), index=False, float_format="%.4g")
    text = rows.to_markdown(index=False, floatfmt=".4g")
    path.with_suffix(".md").write_text(text + "\n", encoding="utf-8")
    print(text)


def bindings(frame: DataFrame, axes: list[str]) -> DataFrame:
    """One row a completed handover; the table has one for each of its flows."""
    return frame[frame["binding_ms"].notna()].drop_duplicates([*axes, "seed", "handover"])
