"""Whether the machine kept up: the run's timer lag and CPU load, sampled while it goes on.

A thread of the agents' priority sleeps to absolute deadlines and notes how late it wakes: what
delays it delays them alike. Load is read from /proc/stat, of all CPUs together.

A machine that is slow as a whole spoils a run. One that stands still for a moment, as a hypervisor
makes it do now and then, spoils what it fell upon: such a stall is kept with its time, and the
handovers that it made longer are left out of the statistics.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from agents.kernel.neighbour_table import neighbour_table
from agents.kernel.scheduling import AGENT, be_realtime
from emu.network.delay_line import STALL_NS

_PERIOD_S = 0.01
_CPU_EVERY = 50
LAG_LIMIT_MS = 10.0
"""The 99th percentile of timer lag may not be above this."""
LOAD_LIMIT = 0.95
"""The CPUs may not be busier than this on the average of a run…"""
STALLED_LIMIT = 0.05
"""The share of a handover that stalls may take."""
STEAL_LIMIT = 0.10
"""…nor may a hypervisor take more than this share away."""

Period = tuple[int, int]
"""From … to, CLOCK_MONOTONIC in ns."""


class Sampler:
    """Samples from ``start()`` to ``stop()``."""

    def __init__(self) -> None:
        self._lags: list[float] = []
        self._stalls: list[Period] = []
        self._cpu: list[tuple[int, int, int]] = []
        self._refused = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._cpu.append(cpu_times())
        self._refused = neighbour_table().refused
        self._thread.start()

    def stop(self) -> dict[str, Any]:
        """End, and give the verdict."""
        self._stopping.set()
        self._thread.join()
        self._cpu.append(cpu_times())
        refused = neighbour_table().refused - self._refused
        return {**verdict(self._lags, self._cpu, refused), "stalls": self._stalls}

    def _run(self) -> None:
        be_realtime(AGENT)
        due = time.monotonic()
        while True:
            due += _PERIOD_S
            if self._stopping.wait(max(0.0, due - time.monotonic())):
                return
            now = time.monotonic()
            self._lags.append((now - due) * 1000)
            if (now - due) * 1e9 > STALL_NS:
                self._stalls.append((int(due * 1e9), int(now * 1e9)))
            due = max(due, now - _PERIOD_S)  # one stall is one late sample, not a hundred
            if len(self._lags) % _CPU_EVERY == 0:
                self._cpu.append(cpu_times())


def cpu_times() -> tuple[int, int, int]:
    """(all, idle, stolen) jiffies of all CPUs since boot."""
    fields = [
        int(field)
        for field in Path("/proc/stat").read_text(encoding="utf-8").split("\n")[0].split()[1:9]
    ]
    return sum(fields), fields[3] + fields[4], fields[7]


def join(periods: Iterable[Period]) -> list[Period]:
    """The periods in order of time, those that overlap as one."""
    joined: list[Period] = []
    for start, end in sorted(periods):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def disturbed(stalls: Iterable[Period], start: int, end: int) -> bool:
    """Whether stalls took more than ``STALLED_LIMIT`` of a period: it may be so much too long."""
    lost = sum(max(0, min(end, ended) - max(start, began)) for began, ended in stalls)
    return lost > STALLED_LIMIT * (end - start)


def undisturbed(handovers: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of a record's handovers that no stall fell upon: what statistics are made of."""
    return [handover for handover in handovers if not handover["disturbed"]]


def verdict(
    lags_ms: list[float], cpu: list[tuple[int, int, int]], neighbours_refused: int = 0
) -> dict[str, Any]:
    """{ok, reason, timer_lag_ms {median, p99, max}, cpu {mean, max, steal}, neighbours_refused}.

    Shares are of 1. ``neighbours_refused``: how often the machine's table of neighbours was full.
    """
    median, p99, worst = np.percentile(lags_ms or [0.0], [50, 99, 100])
    busy = [_share(one, two)[0] for one, two in itertools.pairwise(cpu)]
    mean, steal = _share(cpu[0], cpu[-1])
    reasons = []
    if p99 > LAG_LIMIT_MS:
        reasons.append(f"timers were late by {p99:.1f} ms (p99), the limit is {LAG_LIMIT_MS:g} ms")
    if mean > LOAD_LIMIT:
        reasons.append(f"the CPUs were {mean:.0%} busy, the limit is {LOAD_LIMIT:.0%}")
    if steal > STEAL_LIMIT:
        reasons.append(f"the hypervisor took {steal:.0%} of the CPU time")
    if neighbours_refused:
        reasons.append(
            f"the machine's table of neighbours was full, for {neighbours_refused} packets "
            "(net.ipv6.neigh.default.gc_thresh3)"
        )
    return {
        "ok": not reasons,
        "reason": "; ".join(reasons) or None,
        "timer_lag_ms": {"median": float(median), "p99": float(p99), "max": float(worst)},
        "cpu": {"mean": mean, "max": max(busy, default=mean), "steal": steal},
        "neighbours_refused": neighbours_refused,
    }


def _share(one: tuple[int, int, int], two: tuple[int, int, int]) -> tuple[float, float]:
    """(busy, stolen) share of the time between two readings."""
    total = two[0] - one[0]
    if total <= 0:
        return 0.0, 0.0
    return 1 - (two[1] - one[1]) / total, (two[2] - one[2]) / total
