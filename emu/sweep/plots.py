"""The figures of a sweep, drawn from what of its table counts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from emu.measure.disruption import BOUNDS
from emu.sweep.matrix import Matrix, Plot
from emu.sweep.table import counted, not_recovered

if TYPE_CHECKING:
    from pandas import DataFrame

_PANEL_INCHES = (3.6, 3.0)
_MARKERS = "osD^vPX*"


def draw(matrix: Matrix, frame: DataFrame, directory: Path) -> list[Path]:
    """Draw every plot of a matrix, or the default one; the files."""
    directory.mkdir(exist_ok=True)
    drawn = []
    for plot in matrix.plots or (_default(matrix),):
        figure = _figure(matrix, plot, counted(frame))
        path = directory / f"{plot.name}.svg"
        figure.savefig(path, metadata={"Date": None})
        drawn.append(path)
    return drawn


def _default(matrix: Matrix) -> Plot:
    """The eCDF of disruption, a curve a value of the first axis."""
    first = next(iter(matrix.axes))
    return Plot(name="disruption", kind="cdf", metric="disruption_ms", curves=first)


def _figure(matrix: Matrix, plot: Plot, frame: DataFrame) -> Figure:
    panels = list(_split(matrix, plot.panels, frame))
    width, height = _PANEL_INCHES
    figure = Figure(figsize=(width * len(panels) + 0.6, height), layout="constrained")
    FigureCanvasSVG(figure)
    every = figure.subplots(1, len(panels), sharey=plot.kind != "scatter", squeeze=False)[0]
    for axes, (title, part) in zip(every, panels, strict=True):
        curves = _split(matrix, plot.curves, part)
        for number, (label, curve) in enumerate(curves):
            _PAINTERS[plot.kind](axes, matrix, plot, curve, label, _MARKERS[number % 8])
        if plot.kind == "scatter":
            _diagonal(axes)
        axes.set_title(title + _left_out(plot, part), fontsize="medium")
        axes.grid(alpha=0.3)
    if plot.curves:
        every[-1].legend(fontsize="small")
    return figure


def _split(matrix: Matrix, axis: str | None, frame: DataFrame) -> Iterator[tuple[str, DataFrame]]:
    """The frame's parts by the values of an axis, with a title each."""
    if axis is None:
        yield "", frame
        return
    column, values = matrix.axes[axis].column(axis)
    for label, value in values.items():
        title = label if matrix.axes[axis].choices else f"{axis} {label}"
        yield title, frame[frame[column] == value]


def _left_out(plot: Plot, frame: DataFrame) -> str:
    """How many flows are not in a panel, as they did not come back: a part of its title."""
    gone = int(not_recovered(frame).sum()) if plot.metric in BOUNDS else 0
    return f" ({gone} did not come back)" if gone else ""


def _cdf(axes: Axes, _m: Matrix, plot: Plot, frame: DataFrame, label: str, _marker: str) -> None:
    values = np.sort(frame[plot.metric].dropna().to_numpy(dtype=float))
    shares = np.arange(1, len(values) + 1) / max(1, len(values))
    axes.step(values, shares, where="post", label=label)
    axes.set_xlabel(_words(plot.metric))
    axes.set_ylabel("share of handovers")
    axes.set_ylim(0, 1.02)


def _median(
    axes: Axes, matrix: Matrix, plot: Plot, frame: DataFrame, label: str, marker: str
) -> None:
    """Medians with the quartiles as bars."""
    column, values = matrix.axes[str(plot.over)].column(str(plot.over))
    known = frame[[column, plot.metric]].dropna()
    quartiles = [
        np.percentile(part.astype(float), [25, 50, 75]) if len(part) else [np.nan] * 3
        for part in (known[known[column] == value][plot.metric] for value in values.values())
    ]
    low, middle, high = np.transpose(quartiles)
    axes.errorbar(
        list(values.values()), middle, yerr=[middle - low, high - middle], marker=marker,
        capsize=3, label=label,
    )  # fmt: skip
    axes.set_xlabel(_words(column))
    axes.set_ylabel(f"{_words(plot.metric)}: median, quartiles")


def _scatter(
    axes: Axes, matrix: Matrix, plot: Plot, frame: DataFrame, label: str, marker: str
) -> None:
    over = matrix.columns.get(str(plot.over), str(plot.over))
    known = frame[[over, plot.metric]].dropna()
    axes.plot(known[over], known[plot.metric], marker, markersize=4, alpha=0.6, label=label)
    axes.set_xlabel(_words(over))
    axes.set_ylabel(_words(plot.metric))


def _diagonal(axes: Axes) -> None:
    """Where both columns are equal."""
    axes.axline((0, 0), slope=1, color="black", linewidth=0.8, linestyle=":")


_PAINTERS: dict[str, Any] = {"cdf": _cdf, "median": _median, "scatter": _scatter}


def _words(column: str) -> str:
    """A column's name as a label: ``disruption (ms)``."""
    stem = column.removesuffix("_ms")
    return stem.replace("_", " ") + (" (ms)" if stem != column else "")
