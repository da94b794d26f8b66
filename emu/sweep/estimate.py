"""How many runs a sweep has left to do, and how long they take."""

from __future__ import annotations

import math
from collections.abc import Container
from dataclasses import dataclass

from emu.sweep.loader import Plan

AROUND_A_RUN_S = 5.0
"""What a run in the lab takes beside its duration: its network is built, and it is measured.

So it was in the reference sweeps hdmm-comparison, hdmm-figure-12 and multicast-comparison, on an
idle machine; with twenty mobile nodes (hdmm-figure-11) it was 13 s.
"""


@dataclass(frozen=True)
class Estimate:
    """What a sweep amounts to."""

    name: str
    combinations: int
    seeds: int
    runs: int
    left: int
    """Runs that have no faithful result yet."""
    at_a_time: int
    seconds: float | None
    """What is left takes so long if no run is repeated; None: virtual time takes what it takes."""

    def __str__(self) -> str:
        runs = f"{self.runs} runs ({self.combinations} combinations, {self.seeds} seeds)"
        if self.left < self.runs:
            runs += f", {self.left} of them left"
        if self.seconds is None:
            return f"{runs}, in virtual time"
        return f"{runs}, about {in_words(self.seconds)}, {self.at_a_time} at a time"


def estimate(plan: Plan, workers: int, done: Container[str] = ()) -> Estimate:
    """What a sweep has left to do, with so many runs at a time; ``done`` has names of jobs."""
    left = [job for job in plan.jobs if job.name not in done]
    seconds = None
    if plan.matrix.world == "lab":
        lengths = [job.duration / 1e9 + AROUND_A_RUN_S for job in left]
        seconds = max(sum(lengths) / workers, max(lengths, default=0.0))
    seeds, runs = plan.matrix.seeds, len(plan.jobs)
    return Estimate(plan.matrix.name, runs // seeds, seeds, runs, len(left), workers, seconds)


def in_words(seconds: float) -> str:
    """No more exact than it is known: ``40 s``, ``12 min``, ``2 h 10 min``."""
    if seconds < 60:
        return f"{math.ceil(seconds)} s"
    minutes = math.ceil(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    hours, rest = divmod(10 * math.ceil(minutes / 10), 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"
