"""The mark that a handover leaves on a flow.

``disruption_ms`` is the longest gap between two arrivals that overlaps the time between link down
and the handover's last step, less the nominal packet interval. Losses, duplicates and reorderings
are those from link down to ``SETTLING_NS`` after the end of that gap, but no further than the next
handover. A flow that never came back has ``recovered: false``, and its disruption is a lower bound:
to the end of the flow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from emu.measure.handovers import Handover
from emu.measure.leaving import leave_ms
from emu.measure.stream import RECEIVED, SEQUENCE, Stream, delays

SETTLING_NS = 1_000_000_000


@dataclass(frozen=True)
class Gap:
    """The longest gap around a handover; ``end_ns`` is None when nothing arrived any more."""

    start_ns: int
    end_ns: int | None
    observed_ns: int
    """``end_ns``, or how long the flow was watched in vain."""


def gap(stream: Stream, handover: Handover) -> Gap | None:
    """The gap that a handover made; None when nothing had arrived before it."""
    times = stream.arrivals[:, RECEIVED]
    if not len(times) or times[0] > handover.down_ns:
        return None
    last = int(times[-1])
    edges = np.append(times, max(last, min(int(stream.flow["stop_ns"]), stream.run.end_ns)))
    over = (edges[1:] > handover.down_ns) & (edges[:-1] < max(handover.done_ns, handover.up_ns))
    if not over.any():
        return None
    at = int(np.argmax(np.where(over, np.diff(edges), -1)))
    resumed = at + 1 < len(times) and edges[at + 1] <= handover.until_ns
    end = int(edges[at + 1])
    return Gap(int(edges[at]), end if resumed else None, end)


def around(stream: Stream, handover: Handover) -> dict[str, Any] | None:
    """A flow's entry under a handover; None when the flow was not on just then."""
    if handover.mn not in (stream.flow["from"], stream.flow["to"]):
        return None
    if not any(start < handover.down_ns < stop for start, stop in stream.windows):
        return None
    if handover.down_ns > stream.flow["stop_ns"]:
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
    entry |= _marks(stream, handover, hole)
    entry["recovered"] = hole.end_ns is not None
    return entry


def _marks(stream: Stream, handover: Handover, hole: Gap) -> dict[str, Any]:
    rows = stream.arrivals
    received = rows[:, RECEIVED]
    settled = handover.until_ns
    if hole.end_ns is not None:
        settled = min(settled, hole.end_ns + SETTLING_NS)
    during = (received > handover.down_ns) & (received <= settled)
    before = (received <= handover.down_ns) & (received > handover.down_ns - SETTLING_NS)
    after = received >= (settled if hole.end_ns is None else hole.end_ns)
    return {
        "lost": None if stream.is_tcp else _lost(stream, handover, hole, settled),
        "duplicated": int((during & ~stream.first_copies).sum()),
        "reordered": int((during & stream.reordered).sum()),
        "delay_before_ms": delays(rows[before])["median"],
        "delay_after_ms": delays(rows[after & during])["median"],
    }


def _lost(stream: Stream, handover: Handover, hole: Gap, settled: int) -> int:
    """How many numbers are missing between the last before link down and the last when settled."""
    received, sequence = stream.arrivals[:, RECEIVED], stream.arrivals[:, SEQUENCE]
    first = np.max(sequence[received <= handover.down_ns])
    if hole.end_ns is None:
        numbers = stream.expected[stream.expected > first]
    else:
        last = np.max(sequence[received <= settled])
        numbers = stream.expected[(stream.expected > first) & (stream.expected <= last)]
    return int((~np.isin(numbers, sequence)).sum())
