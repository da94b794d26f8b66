"""The page that compares records: a table a record, and a figure of the differences."""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup

from emu import files
from emu.measure.differences import Difference
from emu.report import style
from emu.report.drawing import Drawing
from emu.report.page import environment
from emu.report.style import PALETTE
from emu.show.differences import difference, of_mean

_WIDTH, _LEFT, _RIGHT, _ROW = 720, 260, 20, 18
_MOST_PERCENT = 100.0
"""What is further off is drawn at the edge."""


def build(first: str, others: dict[str, list[Difference]], path: Path) -> None:
    """Write the page; ``others`` has the differences of each record from the first one."""
    pages = environment()
    pages.filters |= {"of_mean": of_mean, "difference": difference}
    page = pages.get_template("differences.html").render(
        first=first,
        others=[
            (name, found, Markup(style.inline(draw(found, f"{name} against {first}"))))
            for name, found in others.items()
        ],
    )
    files.replace(path, page)


def draw(found: list[Difference], title: str) -> str:
    """A row a metric: the difference in percent of the first record's mean, and its interval."""
    drawing = Drawing(_WIDTH, title)
    rows = [one for one in found if one.first]
    zero = (_LEFT + _WIDTH - _RIGHT) / 2
    scale = (_WIDTH - _RIGHT - _LEFT) / 2 / _MOST_PERCENT
    for percent in (-100, -50, 0, 50, 100):
        x = zero + percent * scale
        drawing.line(x, 20, x, 24 + _ROW * len(rows), PALETTE["rule"])
        drawing.text(x, 14, f"{percent:+d} %" if percent else "0", size=11, anchor="middle")
    for number, one in enumerate(rows):
        y = 34 + _ROW * number
        drawing.text(_LEFT - 12, y + 4, one.metric, size=11, anchor="end")
        colour = PALETTE["binding"] if one.is_clear else PALETTE["soft"]

        def at(value: float, mean: float = one.first) -> float:
            percent = 100 * value / mean
            return zero + scale * min(max(percent, -_MOST_PERCENT), _MOST_PERCENT)

        if one.half is not None:
            drawing.line(at(one.mean - one.half), y, at(one.mean + one.half), y, colour, width=2)
        drawing.dot(at(one.mean), y, colour)
    return drawing.svg()
