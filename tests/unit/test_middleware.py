"""The comparison of overlays with native multicast: its scenarios, and what it makes of runs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emu.scenario import parse
from tests.unit.scripts import script

compare = script("middleware/compare.py")


@pytest.mark.parametrize("scheme", ["native", "own", "nemo"])
def test_each_scheme_has_a_scenario(scheme: str) -> None:
    made = parse(json.dumps(compare.scenario(scheme)).encode(), f"{scheme}.yaml")
    assert (made.multicast.scheme == "none") == (scheme != "native")
    assert len(made.events) == (0 if scheme == "native" else len(compare.CRASHES))


def one(**more: Any) -> dict[str, Any]:
    empty = {"lost": [0.0], "repairs": [], "fidelity": True, "stress_mean": 1, "stress_max": 1}
    return {"delay_ms": {"mn1": 10.0}, "control_bytes": 1000, "seconds": 8.0, **empty, **more}


def test_a_row_has_ratios_to_native_multicast() -> None:
    runs = [one(delay_ms={"mn1": 20.0, "mn9": 7.0}, repairs=[500.0, None]), one(stress_max=3)]
    row = compare.row("own", runs, {"mn1": 10.0})
    assert (row["stretch_median"], row["stretch_max"]) == (1.5, 2)
    assert (row["repairs"], row["not_repaired"], row["repair_ms_max"]) == (1, 1, 500)
    assert (row["control_kbit_s"], row["stress_max"], row["kept_up"]) == (1, 3, 2)
