"""The comparison of overlays with native multicast: its scenarios, and what it makes of runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from emu.interrupts import INTERRUPTED
from emu.scenario import parse
from tests.unit.scripts import script

compare = script("middleware/compare.py")
streams = script("middleware/streams.py")


@pytest.mark.parametrize("scheme", ["native", "own", "nemo", "nemo-bare", "i3"])
def test_each_scheme_has_a_scenario(scheme: str) -> None:
    made = parse(json.dumps(compare.scenario(scheme)).encode(), f"{scheme}.yaml")
    assert (made.multicast.scheme == "none") == (scheme != "native")
    verbs = [event.verb for event in made.events]
    assert (verbs.count("crash"), verbs.count("partition")) == (0 if scheme == "native" else 2, 2)
    assert (made.i3 is not None) == (scheme == "i3")


def one(**more: Any) -> dict[str, Any]:
    empty = {"lost": [0.0], "repairs": [], "fidelity": True, "stress_mean": 1, "stress_max": 1}
    return {"delay_ms": {"mn1": 10.0}, "control_kbit_s": 1.0, **empty, **more}


def repair(event: str, repair_ms: float | None) -> dict[str, Any]:
    return {"event": event, "repair_ms": repair_ms}


def test_an_interrupted_run_ends_the_comparison_and_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever starts it again gets what is missing, and no more."""
    outcomes = iter([False, True, False, False])
    made: list[str] = []

    def run_below(command: list[str]) -> int:
        place, interrupted = Path(command[command.index("--out") + 1]), next(outcomes)
        made.append(place.name)
        latest = place / "middleware" / "latest"
        latest.mkdir(parents=True, exist_ok=True)
        (latest / "record.json").write_text(
            json.dumps({"interrupted": interrupted}), encoding="utf-8"
        )
        return INTERRUPTED if interrupted else 0

    monkeypatch.setattr(compare, "run_below", run_below)
    with pytest.raises(SystemExit) as ended:
        list(compare.records("own", 3, tmp_path))
    assert ended.value.code == INTERRUPTED
    assert len(list(compare.records("own", 3, tmp_path))) == 3
    assert made == ["own-1", "own-2", "own-2", "own-3"]


RUNS = [
    one(
        delay_ms={"mn1": 20.0, "mn9": 7.0},
        repairs=[repair("crash", 500.0), repair("crash", None), repair("heal", 20.0)],
    ),
    one(stress_max=3),
]


def test_a_row_has_ratios_to_native_multicast() -> None:
    row = compare.row("own", RUNS, {"mn1": 10.0})
    assert (row["stretch_median"], row["stretch_max"]) == (1.5, 2)
    assert (row["control_kbit_s"], row["stress_max"], row["kept_up"]) == (1, 3, 2)


def test_a_row_tells_crashes_from_partitions_and_their_ends() -> None:
    row = compare.row("own", RUNS, {"mn1": 10.0})
    assert (row["crashes"], row["crash_not_repaired"], row["crash_ms_max"]) == (2, 1, 500)
    assert (row["partitions"], row["partition_ms_median"]) == (0, None)
    assert (row["heals"], row["heal_ms_median"], row["heal_not_repaired"]) == (1, 20, 0)


def test_there_are_figures(tmp_path: Path) -> None:
    compare.draw({"native": [one()], "own": RUNS}, {"mn1": 10.0}, tmp_path)
    figures = {path.name for path in tmp_path.glob("*.svg")}
    assert figures == {"repair.svg", "stretch.svg", "stress.svg", "control.svg"}
    assert "own,500" in (tmp_path / "repair.csv").read_text(encoding="utf-8")


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
