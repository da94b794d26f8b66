"""The demo of experiments/cdn-demo: its walk, and what it makes of the records of a sweep."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pandas as pd
import pytest
import scripts

from emu.scenario.loader import parse
from emu.scenario.services import Cache
from emu.sweep.loader import plan

CORE = "player.core_bytes_per_played_s"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return scripts.script("cdn-demo/compare.py")


def record(core: float, mos: float = 4.0) -> dict[str, Any]:
    segment = {
        "number": 1, "at_s": 0.5, "ms": 300.0, "bitrate": 400_000, "bytes": 90_000, "from": "mar1",
        "cache": "HIT", "links": 1.0, "tunnel_bytes": 0,
    }  # fmt: skip
    services = [{"kind": "origin"}, {"kind": "player", "segments": [segment, segment]}]
    summary = {CORE: {"mean": core}, "call.mos": {"mean": mos}}
    return {"summary": summary, "runs": [{"services": services}]}


def test_only_the_schemes_that_say_so_have_caches() -> None:
    jobs = plan(scripts.EXPERIMENTS / "cdn-demo/matrix.yaml").jobs
    places = {}
    for job in jobs:
        services = parse(job.scenario.encode(), "demo.yaml").services.values()
        caches = [one for one in services if isinstance(one, Cache)]
        places[job.values["scheme"]] = [place for cache in caches for place in cache.at]
    assert places == {
        "dmm-caches": ["mar1", "mar2", "mar3"],
        "dmm": [],
        "pmipv6-cache": ["lma"],
        "pmipv6": [],
        "mipv6": [],
    }


def test_what_is_saved_is_a_share_of_the_other_schemes_traffic(script: ModuleType) -> None:
    runs = script.measured(
        [("dmm-caches", 1, record(10)), ("dmm-caches", 2, record(20)),
         ("dmm", 1, record(100)), ("dmm", 2, record(100)), ("mipv6", 1, record(200))]
    )  # fmt: skip
    base, dmm, mipv6 = script.compare(runs).to_dict("records")
    assert pd.isna(base["saved"])
    assert dmm["saved"] == pytest.approx(0.85)
    assert dmm["low"] < 0.85 < dmm["high"]
    assert mipv6["saved"] == pytest.approx(0.95)
    assert pd.isna(mipv6["low"])
    assert dmm["runs"] == 2


def test_a_metric_that_a_run_has_not_is_in_no_mean(script: ModuleType) -> None:
    without = record(10)
    del without["summary"]["call.mos"]
    runs = script.measured([("dmm-caches", 1, without), ("dmm-caches", 2, record(10, 4.2))])
    (row,) = script.compare(runs).to_dict("records")
    assert row["MOS"] == pytest.approx(4.2)


def test_every_segment_is_a_row(script: ModuleType) -> None:
    table = script.segments([("dmm", 1, record(10)), ("dmm", 2, record(10))])
    assert len(table) == 4
    assert set(table["from"]) == {"mar1"}
