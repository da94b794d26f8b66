"""The comparison of overlays with native multicast: its scenarios, and what it makes of runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from emu.scenario import parse
from tests.unit.scripts import script

compare = script("middleware/compare.py")
streams = script("middleware/streams.py")


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


def test_the_streams_are_a_scenario(tmp_path: Path) -> None:
    (tmp_path / "rtt.txt").write_text("0 20\n20 0\n", encoding="utf-8")
    text = json.dumps(streams.scenario(tmp_path / "clip.ts", 2)).encode()
    made = parse(text, str(tmp_path / "streams.yaml"))
    assert made.members == ("m1", "m2", "m3")
    programs = [flow.node for flow in made.traffic if flow.kind == "program"]
    assert [programs.count(node) for node in made.members] == [7, 7, 7]


def test_what_was_sent_beside_the_streams_does_not_count() -> None:
    delay = {"min": 10.0, "median": 10.3, "p99": 11.4}
    flow = {"to": "m2", "received": 1397, "delay_ms": delay}
    links = {"m1": {"link": {"sent": 65443}}, "m2": {"link": {"delivered": 65440}}}
    run = {"flows": [flow], "overlay": {"members": links}}
    (row,) = streams.rows({"runs": [run], "fidelity": {"ok": True}}, 1400, {})
    assert (row["sent"], row["delivered"], row["lost"]) == (64043, 64043, 0)
