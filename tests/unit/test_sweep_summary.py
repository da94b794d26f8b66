"""The statistics of a sweep: over runs, of handovers that are alike."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from emu.sweep.summary import over_runs, summary


def row(seed: int, handover: int, flow: str, disruption: float, **more: Any) -> dict[str, Any]:
    way = {"from": f"mar{handover + 1}", "to": f"mar{handover + 2}"}
    what = {"scheme": "base", "seed": seed, "faithful": True, "kind": "multicast"}
    times = {"disruption_ms": disruption, "binding_ms": 20.0 + seed}
    return {**what, "handover": handover, **way, "flow": flow, **times, **more}


def statistics(rows: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    from emu.sweep.rows import METRICS

    frame = pd.DataFrame(rows, columns=list(dict.fromkeys([*rows[0], *METRICS])))
    found = summary(["scheme"], frame).to_dict("records")
    return {(one["to"], one["metric"]): one for one in found}


def test_five_channels_of_one_handover_are_one_run_of_it() -> None:
    rows = [row(1, 0, f"C{n}", 847.0 + n) for n in range(5)]
    found = statistics(rows)["mar2", "disruption_ms"]
    assert (found["n"], found["runs"], found["mean"]) == (5, 1, 849)
    assert pd.isna(found["ci95"])
    rows += [row(2, 0, f"C{n}", 637.0 + n) for n in range(5)]
    found = statistics(rows)["mar2", "disruption_ms"]
    assert (found["n"], found["runs"], found["mean"]) == (10, 2, 744)
    assert found["ci95"] == pytest.approx(12.7062 * 105, rel=1e-4)  # t(0.975, 1)
    assert found["ci95_low"] == 0


def test_a_handover_counts_once_however_many_flows_it_has() -> None:
    rows = [row(seed, 0, flow, 60.0) for seed in (1, 2, 3) for flow in ("C1", "C2", "C3")]
    found = statistics(rows)["mar2", "binding_ms"]
    assert (found["n"], found["runs"], found["mean"]) == (3, 3, 22)


def test_unlike_handovers_are_not_pooled() -> None:
    rows = [row(seed, handover, "C1", 100.0 * handover) for seed in (1, 2) for handover in (0, 1)]
    found = statistics(rows)
    assert found["mar2", "disruption_ms"]["mean"] == 0
    assert found["mar3", "disruption_ms"]["mean"] == 100


def test_what_is_not_faithful_does_not_count() -> None:
    rows = [row(1, 0, "C1", 60.0), row(2, 0, "C1", 900.0, faithful=False)]
    found = statistics(rows)["mar2", "disruption_ms"]
    assert (found["runs"], found["max"]) == (1, 60)


def test_the_runs_of_a_column_are_told_by_their_seeds() -> None:
    frame = pd.DataFrame({"seed": [1, 1, 2, 2], "lost": [4, 6, None, 9]})
    found = over_runs(frame, "lost")
    assert (found["n"], found["runs"], found["mean"]) == (3, 2, 7)


def test_flows_that_did_not_come_back_count_apart() -> None:
    rows = [row(1, 0, "C1", 60.0), row(2, 0, "C1", 6852.0, recovered=False)]
    found = statistics(rows)
    assert (found["mar2", "disruption_ms"]["max"], found["mar2", "disruption_ms"]["n"]) == (60, 1)
    assert found["mar2", "disruption_ms"]["not_recovered"] == 1
    assert pd.isna(found["mar2", "binding_ms"]["not_recovered"])
    none_came_back = statistics([row(1, 0, "C1", 6852.0, recovered=False)])
    assert none_came_back["mar2", "disruption_ms"]["n"] == 0
