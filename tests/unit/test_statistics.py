from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emu.measure.statistics import summarise


def test_a_known_sample() -> None:
    summary = summarise([2, 4, 4, 4, 5, 5, 7, 9])
    assert summary["n"] == 8
    assert summary["mean"] == 5
    assert summary["stdev"] == pytest.approx(2.13809, abs=1e-5)
    # t(0.975, 7) = 2.36462; 2.36462 * 2.13809 / sqrt(8)
    assert summary["ci95"] == pytest.approx(1.78748, abs=1e-4)
    assert (summary["min"], summary["median"], summary["max"]) == (2, 4.5, 9)
    assert summary["p95"] == pytest.approx(8.3)


def test_two_values_have_a_wide_interval() -> None:
    assert summarise([1, 3])["ci95"] == pytest.approx(12.7062, abs=1e-4)  # t(0.975, 1)


def test_one_value_has_no_spread() -> None:
    summary = summarise([3.5])
    assert (summary["mean"], summary["stdev"], summary["ci95"]) == (3.5, None, None)


def test_no_value() -> None:
    assert summarise([]) == {
        "n": 0, "mean": None, "stdev": None, "ci95": None,
        "min": None, "median": None, "p95": None, "max": None,
    }  # fmt: skip


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30))
def test_order_within_a_summary(sample: list[float]) -> None:
    summary = summarise(sample)
    low, middle, high, top = (summary[key] or 0.0 for key in ("min", "median", "p95", "max"))
    assert low <= middle <= high + 1e-6 <= top + 2e-6
    assert (summary["ci95"] or 0) >= 0
