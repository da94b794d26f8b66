"""A flow's packets in one run: what was sent, what arrived, and which of it counts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emu.measure.fidelity import LAG_LIMIT_MS
from emu.measure.run import Rows, Run

SEQUENCE, SENT, RECEIVED = range(3)
"""The columns of an arrival file."""
WITH_MEMBERS = ("multicast", "i3")
"""Kinds of flow whose receivers join and leave."""


def like(flow: dict[str, Any]) -> str:
    """The kind of the toolkit's own flows whose packets and files a flow's are like."""
    return str(flow.get("like", flow["kind"]))


Mask = NDArray[np.bool_]
_RECENT, _USUAL_PERCENT = 100, 95
"""How long a packet takes just now: this percentile of so many delays; a late one is no measure."""


@dataclass(frozen=True)
class Stream:
    """A flow's description and its arrivals in one run."""

    run: Run
    flow: dict[str, Any]

    @cached_property
    def arrivals(self) -> Rows:
        """(sequence, sent, received) in order of arrival."""
        rows = self.run.rows(self.flow["arrivals"])
        return rows[np.argsort(rows[:, RECEIVED], kind="stable")]

    @cached_property
    def first_copies(self) -> Mask:
        """Which arrivals are the first copy of their packet."""
        mask = np.zeros(len(self.arrivals), bool)
        mask[np.unique(self.arrivals[:, SEQUENCE], return_index=True)[1]] = True
        return mask

    @cached_property
    def reordered(self) -> Mask:
        """Which arrivals came after a higher number, later copies apart."""
        return self.first_copies & ~self._newest_yet

    @cached_property
    def progress(self) -> Rows:
        """The arrivals that each brought the stream forward: no copies, nothing that is late."""
        return self.arrivals[self.first_copies & self._newest_yet]

    @cached_property
    def _newest_yet(self) -> Mask:
        """Which arrivals have the highest number so far."""
        sequence = self.arrivals[:, SEQUENCE]
        newest: Mask = sequence == np.maximum.accumulate(sequence)
        return newest

    @property
    def is_tcp(self) -> bool:
        """Whether rows are stream positions rather than packet numbers."""
        return bool(self.flow["protocol"] == "tcp")

    @cached_property
    def windows(self) -> list[tuple[int, int]]:
        """When the receiver was there: a listener's memberships, else from the flow's start on."""
        whole = (int(self.flow["start_ns"]), self.run.end_ns)
        if like(self.flow) not in WITH_MEMBERS:
            return [whole]
        windows: list[tuple[int, int]] = []
        joined: int | None = None
        for event in self.run.of_kind("joined", "left"):
            if event.get("flow") != self.flow["flow"]:
                continue
            if event["kind"] == "joined":
                joined = int(event["t"])
            elif joined is not None:
                windows.append((joined, int(event["t"])))
                joined = None
        if joined is not None:
            windows.append((joined, max(joined, self.run.end_ns)))
        return windows or [whole]

    @cached_property
    def expected(self) -> NDArray[np.int64]:
        """The numbers of the packets that the receiver could have got."""
        if like(self.flow) == "iperf3":
            return np.arange(1, self._iperf_packets + 1)
        sent = self.run.rows(self.flow["sent"])
        if like(self.flow) == "ping":
            return sent[:, 0]
        parts = [sent[self._reachable(sent, *window), 0] for window in self.windows]
        return np.unique(np.concatenate(parts))

    def _reachable(self, sent: Rows, joined: int, left: int) -> Mask:
        """Which packets were sent from the first that came until the last that was not under way.

        That is the newest that came, or one that would usually have come before the listener left,
        though the machine be as late as it may.
        """
        received = self.progress[:, RECEIVED]
        here = self.progress[(received >= joined) & (received <= left)]
        times = sent[:, 2]
        first, last = joined, left
        if len(here):
            recent = here[-_RECENT:]
            took = recent[:, RECEIVED] - recent[:, SENT]
            usual = int(np.percentile(took, _USUAL_PERCENT, method="lower"))
            under_way = left - usual - int(LAG_LIMIT_MS * 1e6)
            first, last = int(here[0, SENT]), max(under_way, int(here[-1, SENT]))
        reachable: Mask = (times >= first) & (times <= last)
        return reachable

    def iperf_sum(self, end: str) -> dict[str, Any]:
        """The sum that the "sender" or "receiver" iperf3 reported; empty when it could not."""
        path = self.run.directory / str(self.flow[f"{end}_report"])
        try:
            whole = json.loads(path.read_text(encoding="utf-8"))["end"]
            return dict(whole["sum_sent" if end == "sender" else "sum_received"])
        except (OSError, ValueError, KeyError, TypeError):
            return {}  # iperf3 was killed, or wrote only an error

    @property
    def _iperf_packets(self) -> int:
        highest = int(np.max(self.arrivals[:, SEQUENCE])) if len(self.arrivals) else 0
        return max(highest, int(self.iperf_sum("sender").get("packets", 0)))


def delays(rows: Rows) -> dict[str, float | None]:
    """min, median, p99 and max one-way delay (round trip of a ping) of arrivals, in ms."""
    known = rows[rows[:, SENT] > 0]
    if not len(known):
        return dict.fromkeys(("min", "median", "p99", "max"))
    times = (known[:, RECEIVED] - known[:, SENT]) / 1e6
    low, middle, high, top = np.percentile(times, [0, 50, 99, 100])
    return {"min": float(low), "median": float(middle), "p99": float(high), "max": float(top)}
