"""Figures of sweeps and experiments: looks that can be told apart, and the files that they become.

A figure is kept as SVG for pages, PDF for papers and PNG for slides, with its data as CSV.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

COLOURS = (
    "#0072b2", "#e69f00", "#009e73", "#d00000", "#7b3294", "#56b4e9", "#8c510a",
    "#000000", "#f07ab8", "#7f9f00", "#808080", "#00b7b7", "#5e0035", "#b9a0dc",
)  # fmt: skip
"""As many as there are schemes; the first ones are those that the colour-blind can tell apart."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*", "p", "h", "d", "8")
_DASHES = ("-", "--", "-.", ":")
SIZE = (5.5, 3.8)
"""Of a figure with one panel, in inches; its legend comes on top."""
_LINE_INCHES = 0.19
"""Of a legend."""
_COLUMNS, _LONG = 4, 14
"""Names side by side in a legend, if none is long."""
_PAD_INCHES = 0.08
"""Between a figure's parts: what keeps a legend off the panels."""
_PNG_DPI = 200


def look(number: int) -> dict[str, Any]:
    """Colour, marker and line of the curve of this number: no two of 56 are alike."""
    again = number // len(COLOURS)
    return {
        "color": COLOURS[number % len(COLOURS)],
        "marker": MARKERS[(number + again) % len(MARKERS)],
        "linestyle": _DASHES[again % len(_DASHES)],
    }


@contextmanager
def drawing(path: Path, data: DataFrame) -> Iterator[Axes]:
    """The axes of a figure, which is at ``path``, an SVG's, afterwards, with all its other files.

    ``data`` is what is drawn.
    """
    figure = Figure(figsize=SIZE)
    axes = figure.subplots()
    axes.grid(alpha=0.3)
    yield axes
    save(figure, path, data)
    print(path)


def save(figure: Figure, path: Path, data: DataFrame) -> None:
    """Put the legend above, and write all files; the same data make the same octets."""
    FigureCanvasAgg(figure)
    figure.set_layout_engine("constrained", h_pad=_PAD_INCHES)
    _legend(figure)
    data.to_csv(path.with_suffix(".csv"), index=False, float_format="%.6g")
    with rc_context({"svg.hashsalt": path.stem, "pdf.fonttype": 42}):
        figure.savefig(path, metadata={"Date": None, "Title": path.stem})
        figure.savefig(path.with_suffix(".pdf"), metadata={"CreationDate": None})
        figure.savefig(path.with_suffix(".png"), dpi=_PNG_DPI)


def _legend(figure: Figure) -> None:
    """Every name once, above the panels, where it hides nothing."""
    named: dict[str, Any] = {}
    for axes in figure.axes:
        handles, labels = axes.get_legend_handles_labels()
        named |= dict(zip(labels, handles, strict=True))
    if named:
        columns = _COLUMNS if max(map(len, named)) <= _LONG else _COLUMNS // 2
        columns = max(columns, columns * round(figure.get_figwidth() / SIZE[0]))
        figure.set_figheight(figure.get_figheight() + _LINE_INCHES * ceil(len(named) / columns))
        figure.legend(
            [*named.values()], [*named], loc="outside upper center", ncols=columns, fontsize="small"
        )
