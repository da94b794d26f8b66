"""What experiments/multicast-comparison makes of its tables."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest
import scripts


@pytest.fixture(scope="module")
def comparison() -> ModuleType:
    return scripts.script("multicast-comparison/compare.py")


def rows(comparison: ModuleType, scheme: str, disruptions: list[float]) -> pd.DataFrame:
    """Handovers of which the model has 92 to 112 ms, 102 ms mean."""
    values = dict.fromkeys(comparison.MEDIANS, 0.0) | {
        "scheme": scheme, "gap_ms": 50, "mars_ms": 10, "handover": 0, "seed": 1,
        "predicted_disruption_ms": 102.0, "predicted_low_ms": 92.0, "predicted_high_ms": 112.0,
    }  # fmt: skip
    return pd.DataFrame([values | {"disruption_ms": disruption} for disruption in disruptions])


@pytest.mark.parametrize(
    ("scheme", "median", "within"),
    [
        ("remote", 125.3, True),  # 102 ms, and 20 % + 3 ms of it
        ("remote", 125.5, False),
        ("remote", 78.7, True),
        ("remote", 78.5, False),
        ("mld-dmm", 135.3, True),  # the same beyond the range, 92 to 112 ms
        ("mld-dmm", 135.5, False),
        ("mld-dmm", 68.7, True),
    ],
)
def test_the_median_is_held_to_the_model(
    comparison: ModuleType, scheme: str, median: float, within: bool
) -> None:
    table = rows(comparison, scheme, [0, median, 1000])
    (row,) = comparison.compare(table).to_dict("records")
    assert (row["handovers"], row["disruption_ms"]) == (3, median)
    assert row["within"] == within


def test_intervals_are_over_the_runs(comparison: ModuleType) -> None:
    table = pd.concat(
        rows(comparison, "remote", [disruption] * 8).assign(seed=seed)
        for seed, disruption in enumerate((110.0, 120.0, 130.0))
    )
    (row,) = comparison.compare(table).to_dict("records")
    assert (row["runs"], row["handovers"], row["disruption_ms_mean"]) == (3, 24, 120)
    assert row["disruption_ms_high"] == pytest.approx(120 + 24.84, abs=0.01)  # t(0.975, 2)


def test_tunnel_convergence_is_told_by_the_number_of_listeners(tmp_path: Path) -> None:
    convergence = scripts.script("multicast-convergence/converge.py")
    table = pd.DataFrame(
        {"scheme": scheme, "handover": float(handover), "copies": copies[handover]}
        for scheme, copies in {"mld-dmm": (1, 2, 3), "remote": (1, 1, 1)}.items()
        for handover in range(3)
        for _ in range(2)
    )
    convergence.analyse(table, tmp_path)
    found = pd.read_csv(tmp_path / "convergence.csv", index_col="scheme")
    assert found.columns.to_list() == ["1", "2", "3"]
    assert found.loc["mld-dmm"].to_list() == [1, 2, 3]
    assert found.loc["remote"].to_list() == [1, 1, 1]
    assert "<svg" in (tmp_path / "convergence.svg").read_text(encoding="utf-8")
