"""A flow around a handover: each packet's arrival, the gap, and how the delay changed."""

from __future__ import annotations

import io
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from emu.measure.disruption import Gap
from emu.measure.handovers import Handover
from emu.measure.stream import RECEIVED, SENT, SEQUENCE, Stream, like
from emu.report.style import FIGURE, PALETTE

_WIDTH_IN, _PANEL_IN, _TOP_IN, _BOTTOM_IN = 7.2, 1.75, 0.36, 0.48
_LEAST_MARGIN_MS = 150.0
_MOST_POINTS = 1500


def draw(stream: Stream, handover: Handover, gap: Gap, disruption_ms: float, salt: str) -> str:
    """The plot as SVG; ``salt`` makes its element ids differ from those of other plots."""
    window = _window(handover, gap)
    times = (stream.arrivals[:, RECEIVED] - handover.down_ns) / 1e6
    inside = (times >= window[0]) & (times <= window[1])
    rows, times = stream.arrivals[inside], times[inside]
    delays = bool((rows[:, SENT] > 0).any())
    with mpl.rc_context({**FIGURE, "svg.hashsalt": salt}):
        height = _PANEL_IN * (2 if delays else 1) + _TOP_IN + _BOTTOM_IN
        # Margins are set, not laid out: that halves the time a figure takes.
        figure = Figure(figsize=(_WIDTH_IN, height))
        figure.subplots_adjust(
            left=0.095,
            right=0.99,
            top=1 - _TOP_IN / height,
            bottom=_BOTTOM_IN / height,
            hspace=0.12,
        )
        panels = figure.subplots(2 if delays else 1, 1, sharex=True, squeeze=False)[:, 0]
        _sequence(panels[0], stream, rows, times)
        if delays:
            _lost(panels[0], stream, handover, rows)
            _delay(panels[1], rows, times, "round trip" if like(stream.flow) == "ping" else "delay")
        for panel in panels:
            _mark(panel, handover, gap)
            panel.yaxis.set_label_coords(-0.07, 0.5)
        _annotate(panels[0], handover, gap, disruption_ms)
        panels[-1].set_xlabel("time since link down (ms)")
        panels[0].set_xlim(*window)
        title = f"{stream.flow['flow']} around the handover of {handover.mn} to {handover.target}"
        out = io.StringIO()
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Title": title})
    return out.getvalue()


def _window(handover: Handover, gap: Gap) -> tuple[float, float]:
    """What to show, in ms since link down: gap, steps, and half as much on each side."""
    end = max(gap.observed_ns, handover.done_ns)
    length = (end - min(gap.start_ns, handover.down_ns)) / 1e6
    margin = max(_LEAST_MARGIN_MS, length / 2)
    start = (min(gap.start_ns, handover.down_ns) - handover.down_ns) / 1e6
    return start - margin, (end - handover.down_ns) / 1e6 + margin


def _thin(values: NDArray[Any]) -> slice:
    return slice(None, None, max(1, len(values) // _MOST_POINTS))


def _size(values: NDArray[Any]) -> float:
    return 5.5 if len(values) < 300 else 3.5


def _sequence(panel: Axes, stream: Stream, rows: NDArray[np.int64], times: NDArray[Any]) -> None:
    base = rows[0, SEQUENCE] if len(rows) else 0
    unit = 1e6 if stream.is_tcp else 1
    few = _thin(rows)
    panel.plot(
        times[few], (rows[few, SEQUENCE] - base) / unit,
        ".", markersize=_size(times), markeredgewidth=0, color=PALETTE["binding"],
    )  # fmt: skip
    panel.set_ylabel("MB received" if stream.is_tcp else "packet number")


def _lost(panel: Axes, stream: Stream, handover: Handover, rows: NDArray[np.int64]) -> None:
    """Crosses where lost packets would have arrived, had they the flow's median delay."""
    sent = stream.run.rows(stream.flow["sent"])
    if not len(sent) or not len(rows):
        return
    expected = np.isin(sent[:, 0], stream.expected)
    missing = sent[expected & ~np.isin(sent[:, 0], stream.arrivals[:, SEQUENCE])]
    delay = float(np.median(rows[:, RECEIVED] - rows[:, SENT]))
    due = (missing[:, 2] + delay - handover.down_ns) / 1e6
    start, end = ((rows[at, RECEIVED] - handover.down_ns) / 1e6 for at in (0, -1))
    shown = (due >= start) & (due <= end)
    panel.plot(
        due[shown], missing[shown, 0] - rows[0, SEQUENCE],
        "x", markersize=3.6, markeredgewidth=0.9, color=PALETTE["bad"],
    )  # fmt: skip


def _delay(panel: Axes, rows: NDArray[np.int64], times: NDArray[Any], what: str) -> None:
    few = _thin(rows)
    delays = (rows[:, RECEIVED] - rows[:, SENT]) / 1e6
    panel.plot(
        times[few],
        delays[few],
        ".",
        markersize=_size(times),
        markeredgewidth=0,
        color=PALETTE["good"],
    )
    panel.set_ylabel(f"{what} (ms)")
    panel.set_ylim(0, float(np.max(delays)) * 1.25)


def _mark(panel: Axes, handover: Handover, gap: Gap) -> None:
    start, end = ((time - handover.down_ns) / 1e6 for time in (gap.start_ns, gap.observed_ns))
    panel.axvspan(start, end, color=PALETTE["gap"], linewidth=0, zorder=0)
    for time in (handover.down_ns, handover.up_ns, handover.complete_ns):
        if time is not None:
            panel.axvline(
                (time - handover.down_ns) / 1e6, color=PALETTE["soft"], linewidth=0.8, dashes=(3, 2)
            )


def _annotate(panel: Axes, handover: Handover, gap: Gap, disruption_ms: float) -> None:
    """What the dashed lines are, above the panel; the disruption, inside it."""
    marks = [(handover.down_ns, "L2 down", "right", 1.02), (handover.up_ns, "L2 up", "center", 1.1)]
    if handover.complete_ns is not None:
        marks.append((handover.complete_ns, "bound", "left", 1.02))
    transform = panel.get_xaxis_transform()
    for time, words, side, height in marks:
        panel.text(
            (time - handover.down_ns) / 1e6, height, words,
            transform=transform, ha=side, va="bottom", fontsize=8, color=PALETTE["soft"],
        )  # fmt: skip
    least = "" if gap.end_ns is not None else "at least "
    middle = ((gap.start_ns + gap.observed_ns) / 2 - handover.down_ns) / 1e6
    panel.text(
        middle, 0.9, f"{least}{disruption_ms:.1f} ms",
        transform=transform, ha="center", va="top", fontsize=9, color=PALETTE["bad"], weight="bold",
    )  # fmt: skip
