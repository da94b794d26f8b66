"""What nodes refused, as the record counts it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rich.console import Console

from emu.measure import refused
from emu.measure.record import summary
from emu.measure.run import Run
from emu.report import page
from emu.show.outcome import show_outcome
from tests.small_run import event, small_run


def test_reasons_by_node_without_zeros(tmp_path: Path) -> None:
    signalling = {"unauthentic": 3, "replayed": 0, "untrusted": 1}
    events = [
        {"kind": "state", "node": "mar1", "signalling": signalling, "multicast": {"ignored": 2}},
        {"kind": "state", "node": "mar2", "contexts": {"packets": 1, "messages": 0}},
        {"kind": "stopped", "node": "mar1", "malformed": 4, "unexpected": 5},
        {"kind": "state", "node": "cmd", "counters": {"ignored": 0}, "multicast": None},
        {"kind": "stopped", "node": "cmd", "malformed": 0},
        {"kind": "state", "node": "mar3", "home_agent": {"counters": {"ignored": 9, "full": 2}}},
        {"kind": "state", "node": "mar4", "home_agent": None},
        {"kind": "state", "node": "mn1", "counters": {"full": 0}, "optimiser": {"ignored": 1}},
        {"kind": "state", "node": "radio", "guard": {"mn2.link_layer": 301}},
        {"kind": "serving", "node": "mar2", "mn": "mn1"},
    ]
    lines = [json.dumps({"t": number, **event}) for number, event in enumerate(events)]
    (tmp_path / "events.jsonl").write_text("\n".join(lines), encoding="utf-8")
    assert refused.counts(Run(tmp_path, 1)) == {
        "mar1": {
            "signalling.unauthentic": 3,
            "signalling.untrusted": 1,
            "multicast.ignored": 2,
            "malformed": 4,
            "unexpected": 5,
        },
        "mar2": {"contexts.packets": 1},
        "mar3": {"home_agent.full": 2},
        "mn1": {"optimiser.ignored": 1},
        "radio": {"guard.mn2.link_layer": 301},
    }


GROUPS = "more than 64 groups of one host"
SOURCES = "more than 64 sources of one host in one group"


def refusal(at: float, what: str, why: str, sources: int = 0, whom: str = "fe80::a1") -> Any:
    return event(at, "mar1", "refused", whom=whom, what=what, sources=sources, why=why)


def test_what_was_not_granted_is_told_with_node_group_and_reason(tmp_path: Path) -> None:
    events = [
        *(refusal(number, f"ff0e::{number:x}", GROUPS) for number in range(1, 8)),
        refusal(20, "ff0e::1", GROUPS),
        refusal(21, "ff0e::c1", SOURCES, 3),
        refusal(22, "ff0e::c1", SOURCES, 6),
        refusal(23, "ff0e::9", GROUPS, whom="fe80::bad"),
    ]
    run = small_run(tmp_path, events=events, nodes={"mn1": {"addresses": ["fe80::a1"]}})
    found = refused.refusals(run)
    first = {"node": "mar1", "whom": "mn1", "what": "ff0e::1", "why": GROUPS}
    assert found[0] == {**first, "sources": 0, "times": 2}
    some = {"node": "mar1", "whom": "mn1", "what": "ff0e::c1", "why": SOURCES}
    assert found[7] == {**some, "sources": 6, "times": 2}
    assert len(found) == 9
    assert refused.counts(run) == {"mar1": {"refusals": 11}}

    console = Console(record=True, width=300)
    show_outcome(console, {"runs": [empty(refusals=found)]}, tmp_path)
    lines = [line for line in console.export_text().splitlines() if line.startswith("refused")]
    first_four = "ff0e::1, ff0e::2, ff0e::3, ff0e::4, … (7 in all)"
    assert lines == [
        f"refused by mar1 to mn1: {first_four}: {GROUPS}",
        f"refused by mar1 to mn1: 6 sources of ff0e::c1: {SOURCES}",
        f"refused by mar1 to fe80::bad: ff0e::9: {GROUPS}",
    ]
    runs = summary([empty(refusals=found), empty(refusals=[])])
    assert page._flow_rows(runs) == []  # the report can read it
    assert (runs["refused.requests"]["mean"], runs["refused.requests"]["max"]) == (4.5, 9)


def empty(**more: Any) -> dict[str, Any]:
    """A run's results, of nothing but this."""
    return {"handovers": [], "flows": [], "signalling": {}, **more}


def test_where_all_was_granted_nothing_is_said(tmp_path: Path) -> None:
    run = small_run(tmp_path)
    assert refused.refusals(run) == []
    assert "refused.requests" not in summary([empty(refusals=[])])
