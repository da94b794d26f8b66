"""What experiments/hdmm-scale reports: what holds on a busy machine, and how busy it was."""

from __future__ import annotations

from types import ModuleType

import pandas as pd
import pytest
import scripts

from agents.mobility.config import Variant


@pytest.fixture
def scale() -> ModuleType:
    return scripts.script("hdmm-scale/scale.py")


def samples(rates: list[float], yardstick_s: float) -> pd.DataFrame:
    what = {"variant": "proxy", "what": "handovers/s: core alone", "others": 0.5}
    return pd.DataFrame([what | {"value": rate, "yardstick_s": yardstick_s} for rate in rates])


def test_a_machine_that_is_half_as_fast_has_the_same_ratio(scale: ModuleType) -> None:
    (quiet,) = scale.rates(samples([20_000, 24_000, 22_000], 0.02)).to_dict("records")
    (busy,) = scale.rates(samples([10_000, 12_000, 11_000], 0.04)).to_dict("records")
    assert (quiet["best"], quiet["median"], busy["best"]) == (24_000, 22_000, 12_000)
    assert quiet["ratio"] == busy["ratio"] == 440


def test_every_sample_is_kept_with_its_yardstick(scale: ModuleType, monkeypatch) -> None:
    monkeypatch.setattr(scale, "SAMPLES", 2)
    monkeypatch.setattr(scale, "SAMPLE", 50)
    frame = pd.DataFrame(scale.one_cmd(Variant.PROXY, 40, 5))
    assert frame["what"].value_counts().to_dict() == {
        "handovers/s: core alone": 2,
        "handovers/s: decoding and encoding too": 2,
        "handovers/s: SQLite store too": 2,
        scale.MEMORY: 1,
    }
    measured = frame[frame["sample"].notna()]
    assert (measured["yardstick_s"] > 0).all()
    assert measured["others"].between(0, 1).all()
