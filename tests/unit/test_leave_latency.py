"""Leave latency: link down to the previous MAR's end of a listener's membership."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from emu.measure.handovers import find
from emu.measure.leaving import leave_ms
from emu.measure.run import Run
from tests.synthetic_record import GROUP, MN, MS, SECOND, T0, write_record

FLOW = {"flow": "C1→mn1", "group": str(GROUP)}
DOWN = T0 + 4 * SECOND


def leave(after_ns: int, **changed: Any) -> dict[str, Any]:
    event = {
        "t": DOWN + after_ns, "node": "mar1", "kind": "leave", "link": "mar1-radio",
        "host": str(MN), "group": str(GROUP), "source": None,
    }  # fmt: skip
    return {**event, **changed}


def run_with(directory: Path, *events: dict[str, Any]) -> Run:
    write_record(directory, runs=1)
    with (directory / "runs/1/events.jsonl").open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(event) + "\n" for event in events)
    return Run(directory / "runs/1", 1)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([leave(70 * MS)], 70.0),
        ([leave(-MS), leave(90 * MS), leave(80 * MS)], 80.0),
        ([leave(70 * MS, node="mar2")], None),
        ([leave(70 * MS, node="ha", link="tun-1")], 70.0),  # by the previous tunnel
        ([leave(70 * MS, group="ff3e::c2")], None),
        ([leave(70 * MS, host="fe80::1")], None),
        ([leave(5 * SECOND)], None),  # after the next handover
        ([], None),
    ],
)
def test_the_leave_that_counts(tmp_path, events, expected):
    run = run_with(tmp_path, *events)
    first = find(run)[0]
    assert leave_ms(run, first, FLOW) == expected


def test_what_is_no_channel_has_no_leave(tmp_path):
    run = run_with(tmp_path, leave(70 * MS))
    assert leave_ms(run, find(run)[0], {"flow": "ping"}) is None
