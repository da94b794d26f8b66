"""Confidence intervals are over runs; values of one run hang together, and describe no more."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emu.measure.statistics import decimals, most, summarise

VALUES = st.lists(st.floats(0, 1e6), min_size=1, max_size=12)


def test_one_value_a_run() -> None:
    summary = summarise([[value] for value in (2, 4, 4, 4, 5, 5, 7, 9)])
    assert (summary["n"], summary["runs"], summary["mean"]) == (8, 8, 5)
    assert summary["stdev"] == pytest.approx(2.13809, abs=1e-5)
    # t(0.975, 7) = 2.36462; 2.36462 * 2.13809 / sqrt(8)
    assert summary["ci95"] == pytest.approx(1.78748, abs=1e-4)
    assert summary["ci95_low"] == pytest.approx(5 - 1.78748, abs=1e-4)
    assert summary["ci95_high"] == pytest.approx(5 + 1.78748, abs=1e-4)
    assert (summary["min"], summary["median"], summary["max"]) == (2, 4.5, 9)
    assert summary["p95"] == pytest.approx(8.3)


def test_a_channel_more_in_the_same_handovers_tells_nothing_more() -> None:
    one = summarise([[60.0], [64.0], [68.0]])
    five = summarise([[60.0] * 5, [64.0] * 5, [68.0] * 5])
    assert (five["n"], five["runs"]) == (15, 3)
    assert [five[key] for key in ("mean", "ci95")] == [one[key] for key in ("mean", "ci95")]


def test_each_run_counts_alike() -> None:
    summary = summarise([[10.0] * 9, [30.0], []])
    assert (summary["n"], summary["runs"], summary["mean"]) == (10, 2, 20)
    assert (summary["median"], summary["max"]) == (10, 30)


@pytest.mark.parametrize("values", [[3.5], [847.8] * 5, [1.0, 900.0]])
def test_one_run_has_no_interval(values: list[float]) -> None:
    summary = summarise([values])
    assert summary["mean"] == pytest.approx(sum(values) / len(values))
    assert summary["ci95"] is summary["ci95_low"] is summary["ci95_high"] is None


def test_no_interval_reaches_below_zero() -> None:
    summary = summarise([[1.0], [3.0]])
    assert summary["ci95"] == pytest.approx(12.7062, abs=1e-4)  # t(0.975, 1)
    assert summary["ci95_low"] == 0
    assert summary["ci95_high"] == pytest.approx(14.7062, abs=1e-4)


def test_no_interval_of_a_share_reaches_above_one() -> None:
    shares = [[1.0], [1.0], [0.5]]
    assert summarise(shares, most("overlay.delivery_ratio"))["ci95_high"] == 1
    assert summarise(shares, most("delivery_ratio"))["ci95_high"] == 1
    assert (summarise(shares, most("burst_ratio"))["ci95_high"] or 0) > 1


def test_no_value() -> None:
    names = ("mean", "ci95", "ci95_low", "ci95_high", "stdev", "min", "median", "p95", "max")
    assert summarise([[], []]) == {"n": 0, "runs": 0, **dict.fromkeys(names)}


@given(st.lists(VALUES, min_size=2, max_size=8))
def test_order_within_a_summary(runs: list[list[float]]) -> None:
    summary = summarise(runs)
    low, middle, high, top = (summary[key] or 0.0 for key in ("min", "median", "p95", "max"))
    assert low <= middle <= high + 1e-6 <= top + 2e-6
    keys = ("ci95_low", "mean", "ci95_high")
    least, mean, most = (summary[key] or 0.0 for key in keys)
    assert 0 <= least <= mean + 1e-6 <= most + 2e-6


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    """5 runs of 10 handovers, correlated by 0.5 within a run, 4,000 times.

    The share that covers has a standard deviation of 0.35 %. An interval over single handovers
    covers 58 %.
    """
    truth, spread, trials = 400.0, 40.0, 4_000
    random = np.random.default_rng(20261130)
    of_runs = random.normal(0, spread, (trials, 5, 1))
    of_handovers = random.normal(0, spread, (trials, 5, 10))
    values = truth + (of_runs + of_handovers) * 0.5**0.5
    covered = 0
    for trial in values:
        summary = summarise(trial)
        covered += (summary["ci95_low"] or 0.0) <= truth <= (summary["ci95_high"] or 0.0)
    assert 0.935 < covered / trials < 0.965


@pytest.mark.parametrize(
    ("half_width", "places"),
    [(2.04, 1), (0.204, 2), (0.00204, 2), (63.5, 0), (204.0, -1), (9.96, 0), (2_855_617.9, -5)],
)
def test_an_interval_bears_two_digits(half_width: float, places: int) -> None:
    assert decimals(half_width, 2) == places


@pytest.mark.parametrize("half_width", [None, 0.0])
def test_without_a_width_nothing_is_rounded_away(half_width: float | None) -> None:
    assert decimals(half_width, 2) == 2
