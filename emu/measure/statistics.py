"""Statistics of what several runs measured: runs are independent, what one run measured is not.

All that is measured here is a duration, a delay or a number of things, and cannot be negative.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

CONFIDENCE = 0.95

Summary = dict[str, float | int | None]
"""What `summarise` gives, as ``record.json`` has it."""


def summarise(runs: Sequence[Sequence[float]]) -> Summary:
    """The statistics of a quantity, from its values run by run; runs without a value do not count.

    ``n`` values of ``runs`` runs: ``stdev`` (n - 1), ``min``, ``median``, ``p95`` and ``max``
    describe them. ``mean`` is the mean of the runs' means, ``ci95`` half the width of its 95 %
    confidence interval by Student's t with runs - 1 degrees of freedom, ``ci95_low`` and
    ``ci95_high`` where that ends; not below 0. What there are too few values or runs for is None.
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
        **dict(zip(_OF_RUNS, (float(means.mean()), *_interval(means)), strict=True)),
        **dict(zip(_OF_VALUES, (stdev, *percentiles), strict=True)),
    }


_OF_RUNS = ("mean", "ci95", "ci95_low", "ci95_high")
_OF_VALUES = ("stdev", "min", "median", "p95", "max")


def _interval(means: np.ndarray) -> tuple[float | None, float | None, float | None]:
    """Half the width of the confidence interval of the mean of independent means, and its ends."""
    count, middle = len(means), float(means.mean())
    if count < 2:
        return None, None, None
    quantile = float(stats.t.ppf((1 + CONFIDENCE) / 2, count - 1))
    half = quantile * float(means.std(ddof=1)) / count**0.5
    return half, max(0.0, middle - half), middle + half


def decimals(half_width: float | None, most: int) -> int:
    """How many decimals a mean and its interval bear: two digits of the interval, ``most`` at most.

    Negative where not even all digits before the point mean something.
    """
    if not half_width:
        return most
    return min(most, 1 - int(f"{half_width:.1e}".split("e")[1]))
