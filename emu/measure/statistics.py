"""Statistics of a sample."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

CONFIDENCE = 0.95


def summarise(values: Sequence[float]) -> dict[str, float | int | None]:
    """n, mean, stdev, ci95, min, median, p95 and max of a sample.

    ``stdev`` is the sample's (n - 1). ``ci95`` is half the width of the 95 % confidence interval of
    the mean, by Student's t with n - 1 degrees of freedom. Both need two values; a statistic that
    the sample is too small for is None.
    """
    n = len(values)
    if n == 0:
        return {"n": 0, **dict.fromkeys(("mean", "stdev", "ci95", "min", "median", "p95", "max"))}
    sample = np.asarray(values, float)
    stdev = ci95 = None
    if n > 1:
        stdev = float(sample.std(ddof=1))
        ci95 = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)) * stdev / n**0.5
    low, median, p95, high = (float(value) for value in np.percentile(sample, [0, 50, 95, 100]))
    mean = float(sample.mean())
    return {
        "n": n, "mean": mean, "stdev": stdev, "ci95": ci95,
        "min": low, "median": median, "p95": p95, "max": high,
    }  # fmt: skip
