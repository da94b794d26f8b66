"""What is different between two records, with confidence intervals.

Runs are what is independent, and two runs of one seed have the same randomness in common: a
difference is that of the two runs' means, seed by seed, and its interval is over the seeds.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np

from emu.measure.record import values_of
from emu.measure.statistics import half_width


@dataclass(frozen=True)
class Difference:
    """Of one metric: the other record's less the first one's."""

    metric: str
    """As in the record's summary."""
    seeds: int
    """Pairs of runs in which both have it."""
    first: float
    other: float
    """The means over these runs."""
    mean: float
    half: float | None
    """Half the width of its 95 % confidence interval; None with one pair."""

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves 0 out."""
        return self.half is not None and abs(self.mean) > self.half


def differences(first: dict[str, Any], other: dict[str, Any]) -> list[Difference]:
    """One for each metric that both records have in runs of the same seed."""
    ours, theirs = _means(first), _means(other)
    found = []
    for metric in (name for name in ours if name in theirs):
        seeds = sorted(ours[metric].keys() & theirs[metric].keys())
        if seeds:
            first_means = np.array([ours[metric][seed] for seed in seeds])
            other_means = np.array([theirs[metric][seed] for seed in seeds])
            gaps = other_means - first_means
            found.append(
                Difference(
                    metric,
                    seeds=len(seeds),
                    first=float(first_means.mean()),
                    other=float(other_means.mean()),
                    mean=float(gaps.mean()),
                    half=half_width(gaps),
                )
            )
    return found


def faithful_runs(record: dict[str, Any]) -> list[dict[str, Any]]:
    """The runs that the machine could keep up with."""
    verdicts = record["fidelity"].get("runs") or [record["fidelity"]] * len(record["runs"])
    return [run for run, one in zip(record["runs"], verdicts, strict=True) if one["ok"]]


def _means(record: dict[str, Any]) -> dict[str, dict[int, float]]:
    """The mean of each metric in each run, by the run's seed."""
    runs = faithful_runs(record)
    seeds = [run.get("seed", record["seed"] + run["run"] - 1) for run in runs]
    return {
        metric: {seed: fmean(found) for seed, found in zip(seeds, values, strict=True) if found}
        for metric, values in values_of(runs).items()
    }
