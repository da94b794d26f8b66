"""Measured against predicted: what the equations say about each handover, and what happened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from matplotlib.ticker import MaxNLocator
from pydantic import ValidationError

from emu.analysis.forecast import Forecast
from emu.analysis.multicast import Range
from emu.measure.disruption import known
from emu.measure.fidelity import undisturbed
from emu.report.drawing import Drawing
from emu.report.style import PALETTE, number
from emu.scenario.model import Scenario

_WIDTH, _LEFT, _RIGHT = 720, 190, 130
_ROW, _BAND = 22, 12
_TICKS = 5
_MOST_ROWS = 40
"""So many handovers are drawn for each thing that was predicted."""


@dataclass(frozen=True)
class Comparison:
    """One thing that the model predicts of one handover; ms."""

    what: str
    """"binding", "disruption of C1→mn1", "leave of C1→mn1"."""
    run: int
    handover: dict[str, Any]
    """Of the record."""
    measured: float | None
    predicted: Range


def compare(record: dict[str, Any]) -> list[Comparison]:
    """All comparisons of a record, ordered by what they are of.

    None when its scenario is not one of this version's: then nothing can be predicted.
    """
    try:
        forecast = Forecast(Scenario.model_validate(record["scenario"]))
    except ValidationError:
        return []
    found = [
        comparison
        for run in record["runs"]
        for handover in undisturbed(run["handovers"])
        for comparison in _of_handover(forecast, run["run"], handover)
    ]
    order = list(dict.fromkeys(comparison.what for comparison in found))
    return sorted(found, key=lambda comparison: order.index(comparison.what))


def _of_handover(forecast: Forecast, run: int, handover: dict[str, Any]) -> Iterator[Comparison]:
    move = forecast.move(handover)
    if move is not None:
        binding = Range.exactly(move.path.binding)
        yield Comparison("binding", run, handover, handover["latency_ms"]["binding"], binding)
    for flow in handover["flows"]:
        name = flow["flow"]
        prediction = forecast.channel(handover, name)
        if prediction is not None:
            gap = known(flow, "disruption_ms")
            yield Comparison(f"disruption of {name}", run, handover, gap, prediction.disruption)
            yield Comparison(f"leave of {name}", run, handover, flow["leave_ms"], prediction.leave)


def draw(comparisons: list[Comparison]) -> str:
    """A row each: the predicted range and its mean as a band and a line, the measured as a dot.

    Each thing that is predicted has a scale of its own.
    """
    drawing = Drawing(_WIDTH, "Measured against predicted")
    drawing.box(_LEFT, 6, 24, _BAND, fill=PALETTE["rule"], radius=2)
    drawing.line(_LEFT + 12, 4, _LEFT + 12, 20, PALETTE["ink"], width=2)
    drawing.text(_LEFT + 32, 16, "predicted: least, mean, most", colour=PALETTE["soft"])
    drawing.dot(_LEFT + 230, 12, PALETTE["binding"])
    drawing.text(_LEFT + 240, 16, "measured", colour=PALETTE["soft"])
    drawing.text(_WIDTH - _RIGHT + 12, 16, "mean → measured", colour=PALETTE["soft"])
    y = 30.0
    for what, group in groupby(comparisons, key=lambda comparison: comparison.what):
        every = list(group)
        rows = every[:_MOST_ROWS]
        drawing.text(0, y + 13, what, bold=True)
        y += _ROW
        longest = max(max(row.predicted.high, row.measured or 0) for row in rows) or 1
        scale = (_WIDTH - _LEFT - _RIGHT) / longest
        for row in rows:
            _row(drawing, y, row, scale)
            y += _ROW
        _axis(drawing, y, longest, scale)
        y += _ROW
        if len(every) > len(rows):
            words = f"and {len(every) - len(rows)} more, which the table has"
            drawing.text(_LEFT, y + 8, words, colour=PALETTE["soft"])
            y += _ROW
        y += 6
    return drawing.svg()


def _axis(drawing: Drawing, y: float, longest: float, scale: float) -> None:
    """Times from 0 to the longest, in ms, at round numbers."""
    drawing.line(_LEFT, y + 1, _LEFT + longest * scale, y + 1, PALETTE["soft"])
    ticks = MaxNLocator(_TICKS, steps=[1, 2, 5, 10]).tick_values(0, longest)
    for value in (tick for tick in ticks if tick <= longest):
        x = _LEFT + value * scale
        drawing.line(x, y + 1, x, y + 5, PALETTE["soft"])
        drawing.text(x, y + 17, f"{value:g}", size=11, colour=PALETTE["soft"], anchor="middle")
    drawing.text(_WIDTH - _RIGHT + 12, y + 17, "ms", size=11, colour=PALETTE["soft"])


def _row(drawing: Drawing, y: float, row: Comparison, scale: float) -> None:
    handover, predicted = row.handover, row.predicted
    words = f"run {row.run}: {handover['mn']} {handover['from']}→{handover['to']}"
    drawing.text(_LEFT - 12, y + 12, words, anchor="end")
    low, middle, high = (
        _LEFT + value * scale for value in (predicted.low, predicted.mean, predicted.high)
    )
    drawing.box(low, y + 2, max(high - low, 1), _BAND, fill=PALETTE["rule"], radius=2)
    drawing.line(middle, y, middle, y + _BAND + 4, PALETTE["ink"], width=2)
    if row.measured is not None:
        drawing.dot(_LEFT + row.measured * scale, y + 8, PALETTE["binding"])
    numbers = f"{number(predicted.mean, 1)} → {number(row.measured, 1)}"
    drawing.text(_WIDTH - _RIGHT + 12, y + 12, numbers)
