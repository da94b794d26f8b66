"""What the report shows of calls."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import emu.report
from emu.measure import record
from tests.synthetic_record import write_record
from tests.unit.test_report import checked

SCORE = {"mos": 4.36, "R": 91.0, "loss_percent": 1.25, "burst_ratio": 1.0, "mouth_to_ear_ms": 98.5}


def way(sender: str, receiver: str) -> dict[str, Any]:
    times = [{"at_s": at / 2, **SCORE, "mos": 3.37 if at == 8 else 4.36} for at in range(2, 20)]
    mos = {"before": 4.36, "during": 3.37, "after": None}
    moves = [{"at_s": 4.0, "from": "mar1", "to": "mar2", "disturbed": False, "mos": mos}]
    return {
        "from": sender, "to": receiver, **SCORE, "sent": 500, "lost": 4, "discarded": 2,
        "delay_ms": {"min": 20.0, "median": 20.5, "max": 25.0}, "jitter_ms": 0.75,
        "over_time": times, "handovers": [
            {**moves[0], "silence_ms": 140.0, "delay_before_ms": 15.25, "delay_after_ms": 20.25}
        ],
    }  # fmt: skip


def call(name: str, *ways: dict[str, Any], ended: str | None = None) -> dict[str, Any]:
    ends = {"from": "mn1", "to": "server1"}
    return {
        "service": name,
        "kind": "call",
        "ended": ended,
        "setup_ms": None,
        **ends,
        "directions": list(ways),
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = write_record(tmp_path_factory.mktemp("calls"), runs=2)
    record.build(directory)
    path = directory / "record.json"
    whole = json.loads(path.read_text(encoding="utf-8"))
    talk = call("talk", way("mn1", "server1"), way("server1", "mn1"))
    whole["runs"][0]["services"] = [talk, call("vain", ended="the callee did not answer")]
    whole["runs"][1]["services"] = [talk]
    path.write_text(json.dumps(whole), encoding="utf-8")
    emu.report.build(directory)
    return directory


def test_each_direction_and_each_handover_has_its_numbers(built: Path) -> None:
    words = checked((built / "report.html").read_text(encoding="utf-8")).words
    assert words.count("talk") == 8  # two runs, two directions, two tables
    assert words.count("3.37") == 4
    assert "the callee did not answer" in words
    assert words.count("140") == words.count("15.25") == words.count("20.25") == 4


def test_the_calls_of_the_first_run_that_were_answered_are_drawn(built: Path) -> None:
    assert [path.name for path in (built / "figures").glob("call-*")] == ["call-talk.svg"]
    drawing = (built / "figures" / "call-talk.svg").read_text(encoding="utf-8")
    for words in ("mn1 to server1", "server1 to mn1", "to mar2", "MOS"):
        assert f">{words}<" in drawing


def test_a_record_without_calls_has_no_such_section(built: Path) -> None:
    path = built / "record.json"
    whole = json.loads(path.read_text(encoding="utf-8"))
    for run in whole["runs"]:
        del run["services"]  # as in records of earlier versions
    path.write_text(json.dumps(whole), encoding="utf-8")
    emu.report.build(built)
    assert "<h2>Calls</h2>" not in (built / "report.html").read_text(encoding="utf-8")
