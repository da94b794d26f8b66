"""Figure 12: ratios over runs, and where they say that both schemes are equal."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pandas as pd
import pytest
import scripts


@pytest.fixture(scope="module")
def figure() -> ModuleType:
    return scripts.script("hdmm-figure-12/figure.py")


def points(*ratios: tuple[float, float]) -> pd.DataFrame:
    return pd.DataFrame(ratios, columns=["dar_ms", "ratio"])


def table(fully: dict[float, list[float]], partially: list[float]) -> pd.DataFrame:
    """Three handovers a run; T_binding of each run by the delay between DARs, 20 ms to the CMD."""
    return pd.DataFrame(
        {"scheme": scheme, "cmd_ms": 20.0, "dar_ms": dar, "seed": seed, "handover": handover,
         "binding_ms": binding + off}
        for dar, bindings in fully.items()
        for scheme, of_runs in (("fully", bindings), ("partially", partially))
        for seed, binding in enumerate(of_runs)
        for handover, off in enumerate((-1.0, 0.0, 1.0))
    )  # fmt: skip


def test_equal_is_between_two_measured_points(figure: ModuleType) -> None:
    found = figure.crossing(points((10, 0.5), (40, 2.0), (80, 4.0)))
    assert found == pytest.approx(20)


@pytest.mark.parametrize("ratios", [((5, 1.2), (10, 2.0)), ((5, 0.2), (10, 0.9)), ((10, 0.9),)])
def test_nothing_is_said_of_what_was_not_measured(figure: ModuleType, ratios) -> None:
    assert figure.crossing(points(*ratios)) is None


def test_a_ratio_has_the_interval_of_the_runs(figure: ModuleType) -> None:
    frame = table({20.0: [44.0, 42.0, 46.0]}, [44.0, 44.0, 44.0])
    (row,) = figure.ratios(frame).to_dict("records")
    assert (row["runs"], row["ratio"], row["predicted"]) == (3, 1, 1)
    assert (row["fully_above_ms"], row["partially_above_ms"]) == (4, 4)
    # t(0.975, 2) = 4.30265, over sqrt(3), of ratios 2 / 44 apart
    assert row["ratio_high"] == pytest.approx(1 + 4.30265 / 3**0.5 * 2 / 44, abs=1e-5)


def test_equality_has_an_interval_and_says_how_many_runs_have_it(figure: ModuleType) -> None:
    frame = table({10.0: [22.0, 22.0], 40.0: [88.0, 88.0]}, [44.0, 44.0])
    (row,) = figure.crossings(frame).to_dict("records")
    assert (row["runs"], row["crossed"]) == (2, 2)
    assert row["equal_ms_mean"] == pytest.approx(20)
    frame = table({10.0: [50.0, 50.0], 40.0: [88.0, 88.0]}, [44.0, 44.0])
    (row,) = figure.crossings(frame).to_dict("records")
    assert row["crossed"] == 0
    assert np.isnan(float(row["equal_ms_mean"] or "nan"))
