"""Endurance: what is no result does not say that a scheme endures."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pandas as pd
import pytest
import scripts

from emu.sweep.experiment import Unmet
from emu.sweep.loader import plan
from emu.sweep.store import Store
from emu.sweep.work import Result

ALIVE = {"handovers": 50, "tcp_packets_after": 9, "udp_packets_after": 9, "left_over": "nothing"}


@pytest.fixture
def endure() -> ModuleType:
    return scripts.script("hdmm-endurance/endure.py")


@pytest.mark.parametrize(
    ("change", "endures"),
    [({}, True), ({"handovers": 49}, False), ({"udp_packets_after": 0}, False),
     ({"left_over": "mar1: left over rule"}, False)],
)  # fmt: skip
def test_what_a_scheme_must_do(endure: ModuleType, change: dict[str, Any], endures: bool) -> None:
    assert endure.endures(pd.Series(ALIVE | change)) == endures


def test_only_faithful_runs_are_taken(endure: ModuleType, tmp_path, monkeypatch) -> None:
    first, second, *_ = plan(endure.HERE / "matrix.yaml").jobs
    results = tmp_path / endure.HERE.name
    store = Store(results)
    for job, faithful in ((first, True), (second, False)):
        store.keep(job, Result(job.digest, f"/{job.name}", [], faithful, None, failed=False))
    monkeypatch.setattr(endure, "row", lambda scheme, _: {"scheme": scheme, **ALIVE})
    endure.analyse(pd.DataFrame(), results)
    found = pd.read_csv(results / "endurance.csv")
    assert found["scheme"].to_list() == [first.values["scheme"]]
    monkeypatch.setattr(
        endure, "row", lambda scheme, _: {"scheme": scheme, **ALIVE, "handovers": 3}
    )
    with pytest.raises(Unmet, match=f"does not endure: {first.values['scheme']}"):
        endure.analyse(pd.DataFrame(), results)
