"""What arrived of each flow and what got lost, over time, in bins of equal width."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from emu.measure.stream import RECEIVED, SENT, SEQUENCE, Stream, like

_LEAST_WIDTH_NS = 250_000_000
_MOST_BINS = 1200
Sample = dict[str, Any]


def width_ns(duration_ns: int) -> int:
    """How wide the bins of a scenario are: a quarter of a second, or more if it is long."""
    return max(_LEAST_WIDTH_NS, duration_ns // _MOST_BINS)


def samples(stream: Stream, width: int, first: int, end: int) -> list[Sample]:
    """A flow's samples from bin ``first`` to before bin ``end``; bin 0 begins with the scenario.

    ``received`` counts each packet once, when it came, ``lost`` those that did not come, when they
    were sent: summed over all bins they are the record's numbers. ``bytes`` is what came of the
    stream (of UDP, payload), None where a flow has no packets of one size; ``delay_ms`` the median.
    TCP has bytes only.
    """
    origin = stream.run.meta["t0_ns"]

    def bins(times: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.asarray(np.clip((times - origin) // width, 0, None) - first)

    def per_bin(at: NDArray[np.int64], weights: NDArray[Any] | None = None) -> NDArray[Any]:
        inside = (at >= 0) & (at < end - first)
        of = None if weights is None else weights[inside]
        return np.bincount(at[inside], of, minlength=end - first)

    size = _packet_bytes(stream)
    if stream.is_tcp:
        rows = stream.progress
        grown = np.diff(rows[:, SEQUENCE], prepend=rows[:1, SEQUENCE])
        counts = per_bin(bins(rows[:, RECEIVED]), grown)
        return [
            {"flow": stream.flow["flow"], "bin": first + at, "bytes": int(count)}
            for at, count in enumerate(counts)
        ]
    rows = stream.arrivals[stream.first_copies]
    rows = rows[np.isin(rows[:, SEQUENCE], stream.expected)]
    arrived = bins(rows[:, RECEIVED])
    received = per_bin(arrived)
    lost = per_bin(bins(_lost_at(stream, rows)))
    delays = _medians(arrived, rows, end - first)
    return [
        {
            "flow": stream.flow["flow"],
            "bin": first + at,
            "received": int(received[at]),
            "lost": int(lost[at]),
            "bytes": None if size is None else int(received[at]) * size,
            "delay_ms": delays[at],
        }
        for at in range(end - first)
    ]


def _packet_bytes(stream: Stream) -> int | None:
    """The payload of each packet of a flow, if all have the same."""
    if like(stream.flow) == "iperf3":
        return stream.flow.get("packet")
    for channel in stream.run.meta["scenario"].get("channels", {}).values():
        if like(stream.flow) == "multicast" and channel["group"] == stream.flow.get("group"):
            return int(channel["packet"])
    return None


def _lost_at(stream: Stream, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """When each lost packet was sent; by those before and after it where no file tells."""
    missing = np.setdiff1d(stream.expected, rows[:, SEQUENCE])
    sent = stream.run.rows(stream.flow["sent"])
    if len(sent):
        return np.asarray(sent[np.isin(sent[:, 0], missing), 2])
    if not len(rows):
        return np.zeros(0, np.int64)
    known = rows[np.argsort(rows[:, SEQUENCE])]
    return np.interp(missing, known[:, SEQUENCE], known[:, SENT]).astype(np.int64)


def _medians(arrived: NDArray[np.int64], rows: NDArray[np.int64], count: int) -> list[float | None]:
    """The median delay of each bin, in ms."""
    delays = (rows[:, RECEIVED] - rows[:, SENT]) / 1e6
    found: list[float | None] = [None] * count
    for at in np.unique(arrived[(arrived >= 0) & (arrived < count)]):
        found[at] = round(float(np.median(delays[(arrived == at) & (rows[:, SENT] > 0)])), 3)
    return found
