"""The mark that a handover leaves on a flow.

``disruption_ms`` is the longest gap between two arrivals that each brought the stream forward (a
copy, or a packet older than the newest one, ends no gap), which overlaps the time between link down
and the handover's last step and lies in the time in which the receiver listened, less the nominal
packet interval. Packets come once an interval: finer than that it says nothing.

Losses, duplicates and reorderings are those from link down to ``SETTLING_NS`` after the end of that
gap, but no further than the next handover: what is due after that is the next one's to answer for.
A flow that did not come back before the next handover, or before the receiver left, has
``recovered: false``, and its disruption is a lower bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from emu.measure.handovers import Handover
from emu.measure.leaving import leave_ms
from emu.measure.stream import RECEIVED, SEQUENCE, Stream, delays

SETTLING_NS = 1_000_000_000
BOUNDS = ("disruption_ms", "lost")
"""What is only a lower bound when the flow did not come back."""
PER_FLOW = (
    "disruption_ms",
    "lost",
    "duplicated",
    "reordered",
    "delay_before_ms",
    "delay_after_ms",
    "leave_ms",
    "wasted_bytes",
    "copies",
    "tunnel_bytes",
    "tunnel_overhead_bytes",
)
"""What a flow has of each handover: this mark, and what it cost to carry the flow since then."""


@dataclass(frozen=True)
class Gap:
    """The longest gap around a handover; ``end_ns`` is None when nothing arrived any more."""

    start_ns: int
    end_ns: int | None
    observed_ns: int
    """``end_ns``, or how long the flow was watched in vain."""


def gap(stream: Stream, handover: Handover) -> Gap | None:
    """The gap that a handover made; None when the receiver had got nothing before it."""
    window = _window(stream, handover)
    if window is None:
        return None
    received = stream.progress[:, RECEIVED]
    times = received[(received >= window[0]) & (received <= window[1])]
    if not len(times) or times[0] > handover.down_ns:
        return None
    watched = min(window[1], int(stream.flow["stop_ns"]), stream.run.end_ns)
    edges = np.append(times, max(int(times[-1]), watched))
    over = (edges[1:] > handover.down_ns) & (edges[:-1] < max(handover.done_ns, handover.up_ns))
    if not over.any():
        return None
    at = int(np.argmax(np.where(over, np.diff(edges), -1)))
    resumed = at + 1 < len(times) and edges[at + 1] <= handover.until_ns
    end = int(edges[at + 1])
    return Gap(int(edges[at]), end if resumed else None, end)


def _window(stream: Stream, handover: Handover) -> tuple[int, int] | None:
    """The time in which the receiver was there, around link down."""
    around = (window for window in stream.windows if window[0] < handover.down_ns < window[1])
    return next(around, None)


def around(stream: Stream, handover: Handover) -> dict[str, Any] | None:
    """A flow's entry under a handover; None when the flow was not on just then."""
    if handover.mn not in (stream.flow["from"], stream.flow["to"]):
        return None
    window = _window(stream, handover)
    if window is None or handover.down_ns > stream.flow["stop_ns"]:
        return None
    entry: dict[str, Any] = {key: stream.flow[key] for key in ("flow", "kind", "protocol")}
    entry["leave_ms"] = leave_ms(stream.run, handover, stream.flow)
    hole = gap(stream, handover)
    if hole is None:
        empty = ("disruption_ms", "lost", "duplicated", "reordered", "delay_before_ms")
        times = stream.arrivals[:, RECEIVED]
        later = (times > handover.down_ns) & (times <= handover.until_ns)
        entry |= dict.fromkeys(empty)
        return {**entry, "delay_after_ms": None, "recovered": bool(later.any())}
    nominal = int(stream.flow["interval_ns"] or 0)
    entry["disruption_ms"] = max(0, hole.observed_ns - hole.start_ns - nominal) / 1e6
    joins = (since for since, _ in stream.windows if since > handover.down_ns)
    entry |= _marks(stream, handover, hole, min([handover.until_ns, *joins]))
    entry["recovered"] = hole.end_ns is not None
    return entry


def known(mark: dict[str, Any], metric: str) -> Any:
    """A metric of a flow's entry in the record; None if the entry has only a lower bound of it."""
    return mark.get(metric) if mark["recovered"] or metric not in BOUNDS else None


def _marks(stream: Stream, handover: Handover, hole: Gap, over_ns: int) -> dict[str, Any]:
    rows = stream.arrivals
    received = rows[:, RECEIVED]
    settled = over_ns
    if hole.end_ns is not None:
        settled = min(settled, hole.end_ns + SETTLING_NS)
    during = (received > handover.down_ns) & (received <= settled)
    before = (received <= handover.down_ns) & (received > handover.down_ns - SETTLING_NS)
    after = received >= (settled if hole.end_ns is None else hole.end_ns)
    return {
        "lost": None if stream.is_tcp else _lost(stream, handover, settled),
        "duplicated": int((during & ~stream.first_copies).sum()),
        "reordered": int((during & stream.reordered).sum()),
        "delay_before_ms": delays(rows[before])["median"],
        "delay_after_ms": delays(rows[after & during])["median"],
    }


def _lost(stream: Stream, handover: Handover, settled: int) -> int:
    """How many numbers are missing of those due between link down and when it had settled."""
    first = _newest_due(stream, handover.down_ns, handover.since_ns)
    last = _newest_due(stream, settled, handover.done_ns)
    numbers = stream.expected[(stream.expected > first) & (stream.expected <= last)]
    return int((~np.isin(numbers, stream.arrivals[:, SEQUENCE])).sum())


def _newest_due(stream: Stream, time_ns: int, since_ns: int) -> int:
    """The newest number that had come by a time; of a stream silent since another, that was due.

    One handover's losses end where the next one's begin, also if nothing comes in between.
    """
    newest = stream.progress[stream.progress[:, RECEIVED] <= time_ns][-1]
    missed = 0
    if newest[RECEIVED] < since_ns and stream.flow["interval_ns"]:
        missed = (time_ns - int(newest[RECEIVED])) // int(stream.flow["interval_ns"])
    return int(newest[SEQUENCE]) + missed
