"""Statistics of what several runs measured: runs are independent, what one run measured is not.

All that is measured here is a duration, a delay or a number of things, and cannot be negative.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import stdtrit  # all of scipy.stats would take half a second to import

CONFIDENCE = 0.95
_SHARES = frozenset({"delivery_ratio"})

Summary = dict[str, float | int | None]
"""What `summarise` gives, as ``record.json`` has it."""


def most(metric: str) -> float:
    """What a metric cannot be above: a share is one at most."""
    return 1.0 if metric.rpartition(".")[2] in _SHARES else math.inf


def summarise(runs: Sequence[Sequence[float]], at_most: float = math.inf) -> Summary:
    """The statistics of a quantity, from its values run by run; runs without a value do not count.

    ``n`` values of ``runs`` runs: ``stdev`` (n - 1), ``min``, ``median``, ``p95`` and ``max``
    describe them. ``mean`` is the mean of the runs' means, ``ci95`` half the width of its 95 %
    confidence interval by Student's t with runs - 1 degrees of freedom, ``ci95_low`` and
    ``ci95_high`` where that ends; not below 0, nor above ``at_most``. What there are too few
    values or runs for is None.
    """
    samples = [np.asarray(values, float) for values in runs if len(values)]
    if not samples:
        return {"n": 0, "runs": 0, **dict.fromkeys((*_OF_RUNS, *_OF_VALUES))}
    values = np.concatenate(samples)
    means = np.array([sample.mean() for sample in samples])
    percentiles = (float(value) for value in np.percentile(values, [0, 50, 95, 100]))
    stdev = float(values.std(ddof=1)) if len(values) > 1 else None
    return {
        "n": len(values),
        "runs": len(means),
        **dict(zip(_OF_RUNS, (float(means.mean()), *_interval(means, at_most)), strict=True)),
        **dict(zip(_OF_VALUES, (stdev, *percentiles), strict=True)),
    }


_OF_RUNS = ("mean", "ci95", "ci95_low", "ci95_high")
_OF_VALUES = ("stdev", "min", "median", "p95", "max")


def _interval(means: np.ndarray, at_most: float) -> tuple[float | None, float | None, float | None]:
    """Half the width of the confidence interval of the mean of independent means, and its ends."""
    middle, half = float(means.mean()), half_width(means)
    if half is None:
        return None, None, None
    return half, max(0.0, middle - half), min(at_most, middle + half)


def half_width(values: np.ndarray) -> float | None:
    """Half the width of the confidence interval of the mean of independent values, by Student's t.

    None with less than two of them.
    """
    count = len(values)
    if count < 2:
        return None
    quantile = float(stdtrit(count - 1, (1 + CONFIDENCE) / 2))
    return quantile * float(values.std(ddof=1)) / float(count**0.5)


def decimals(half_width: float | None, most: int) -> int:
    """How many decimals a mean and its interval bear: two digits of the interval, ``most`` at most.

    Negative where not even all digits before the point mean something.
    """
    if not half_width:
        return most
    return min(most, 1 - int(f"{half_width:.1e}".split("e")[1]))
