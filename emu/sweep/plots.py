"""The figures of a sweep, drawn from what of its table counts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from emu.measure.disruption import BOUNDS
from emu.sweep.canvas import SIZE, look, save
from emu.sweep.matrix import Matrix, Plot
from emu.sweep.table import counted, not_recovered

if TYPE_CHECKING:
    from pandas import DataFrame

Look = dict[str, Any]

_PANEL_INCHES = (3.6, 3.0)
_MARKS = 8
"""So many markers, about, on a curve of many points."""
_APART = 0.05
"""Of the way from one value to the next, between two curves."""


def draw(matrix: Matrix, frame: DataFrame, directory: Path) -> list[Path]:
    """Draw every plot of a matrix, or the default one if it does not say; the SVG files.

    Beside each are the same as PDF and PNG, and the rows that it shows as CSV.
    """
    plots = (_default(matrix),) if matrix.plots is None else matrix.plots
    if plots:
        directory.mkdir(exist_ok=True)
    drawn = []
    for plot in plots:
        shown = counted(frame)
        path = directory / f"{plot.name}.svg"
        save(_figure(matrix, plot, shown), path, _data(matrix, plot, shown))
        drawn.append(path)
    return drawn


def _data(matrix: Matrix, plot: Plot, frame: DataFrame) -> DataFrame:
    """What a plot shows: a row a flow in a handover."""
    wanted = (plot.panels, plot.curves, plot.over, plot.metric)
    columns = [matrix.columns.get(name, name) for name in wanted if name is not None]
    return frame[list(dict.fromkeys(columns))].dropna(subset=[plot.metric])


def _default(matrix: Matrix) -> Plot:
    """The eCDF of disruption, of a group's delays; a curve a value of the first axis."""
    first = next(iter(matrix.axes))
    if matrix.world == "virtual":
        return Plot(name="delay", kind="cdf", metric="flow_delay_ms", curves=first)
    return Plot(name="disruption", kind="cdf", metric="disruption_ms", curves=first)


def _figure(matrix: Matrix, plot: Plot, frame: DataFrame) -> Figure:
    panels = list(_split(matrix, plot.panels, frame))
    width, height = _PANEL_INCHES
    figure = Figure(figsize=(max(SIZE[0], width * len(panels) + 0.6), height))
    every = figure.subplots(1, len(panels), sharey=plot.kind != "scatter", squeeze=False)[0]
    for axes, (title, part) in zip(every, panels, strict=True):
        curves = list(_split(matrix, plot.curves, part))
        for number, (label, curve) in enumerate(curves):
            beside = number - (len(curves) - 1) / 2
            _PAINTERS[plot.kind](axes, matrix, plot, curve, label, look(number), beside)
        if plot.kind == "scatter":
            _diagonal(axes)
        axes.set_title(title + _left_out(plot, part), fontsize="medium")
        axes.grid(alpha=0.3)
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


def _cdf(
    axes: Axes, _m: Matrix, plot: Plot, frame: DataFrame, label: str, look: Look, _beside: float
) -> None:
    """The share of values that are no greater; one value is a step, too."""
    values = np.sort(frame[plot.metric].dropna().to_numpy(dtype=float))
    if len(values):
        shares = np.arange(len(values) + 1) / len(values)
        every = max(1, len(values) // _MARKS)
        axes.step(
            [values[0], *values], shares, where="post", label=label or None,
            markevery=every, markersize=4, **look,
        )  # fmt: skip
    axes.set_xlabel(_words(plot.metric))
    axes.set_ylabel("share of handovers")
    axes.set_ylim(0, 1.02)
    if _whole(values):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _median(
    axes: Axes,
    matrix: Matrix,
    plot: Plot,
    frame: DataFrame,
    label: str,
    look: Look,
    beside: float,
) -> None:
    """Medians with the quartiles as bars, side by side; joined by a line along numbers only."""
    column, values = matrix.axes[str(plot.over)].column(str(plot.over))
    known = frame[[column, plot.metric]].dropna()
    quartiles = [
        np.percentile(part.astype(float), [25, 50, 75]) if len(part) else [np.nan] * 3
        for part in (known[known[column] == value][plot.metric] for value in values.values())
    ]
    low, middle, high = np.transpose(quartiles)
    places, names = np.arange(len(values)), matrix.axes[str(plot.over)].choices is not None
    axes.errorbar(
        places + beside * _APART, middle, yerr=[middle - low, high - middle], capsize=2,
        markersize=4, label=label or None, **(look | ({"linestyle": "none"} if names else {})),
    )  # fmt: skip
    axes.set_xticks(
        places, list(values), rotation=45 if names else 0, ha="right" if names else "center"
    )
    axes.set_xlabel("" if names else _words(str(plot.over)))
    axes.set_ylabel(f"{_words(plot.metric)}: median, quartiles")


def _scatter(
    axes: Axes,
    matrix: Matrix,
    plot: Plot,
    frame: DataFrame,
    label: str,
    look: Look,
    _beside: float,
) -> None:
    over = matrix.columns.get(str(plot.over), str(plot.over))
    known = frame[[over, plot.metric]].dropna()
    points = look | {"linestyle": "none"}
    axes.plot(
        known[over], known[plot.metric], markersize=4, alpha=0.6, label=label or None, **points
    )
    axes.set_xlabel(_words(over))
    axes.set_ylabel(_words(plot.metric))


def _whole(values: NDArray[np.float64]) -> bool:
    """Whether these are counts."""
    return bool(np.equal(np.mod(values, 1), 0).all())


def _diagonal(axes: Axes) -> None:
    """Where both columns are equal."""
    axes.axline((0, 0), slope=1, color="black", linewidth=0.8, linestyle=":")


_PAINTERS: dict[str, Any] = {"cdf": _cdf, "median": _median, "scatter": _scatter}


def _words(column: str) -> str:
    """A column's name as a label: ``disruption (ms)``."""
    stem = column.removesuffix("_ms")
    return stem.replace("_", " ") + (" (ms)" if stem != column else "")
