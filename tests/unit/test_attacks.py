"""experiments/attacks: what its tables say of records."""

from __future__ import annotations

from typing import Any

import pandas as pd
from scripts import script

attacks = script("attacks/attacks.py")


def run(lost: int, join_ms: float, agent_s: float) -> dict[str, Any]:
    """A run with one flow of each kind."""
    stream = {"to": "mn1", "sent": 400, "lost": lost}
    return {
        "flows": [
            {"flow": "C2→mn1", "kind": "multicast", "join_ms": join_ms, **stream},
            {"flow": "ping-server1-mn1", "kind": "ping", **stream},
            {"flow": "tcp", "kind": "iperf3", "to": "mn1", "goodput_mbit_s": 1.0 - lost / 100},
            {"flow": "attack", "kind": "program", "to": "mn2", "sent": 9, "lost": 9},
        ],
        "processor_s": {"mar1": agent_s, "mr1": 0.01},
        "conductor_mib": 50 + lost,
        "refused": {"mar1": {"guard.mn2.source": 7}},
    }


def test_a_row_has_the_worst_of_its_runs() -> None:
    rows = pd.DataFrame([attacks.of_run(run(*told)) for told in ((0, 8.0, 0.2), (4, 6.0, 0.4))])
    found = {column: attacks.summary(rows[column], column) for column in rows}
    assert found == {
        "C2→mn1 lost %": 1.0,
        "C2→mn1 join ms": 8.0,
        "ping-server1-mn1 lost %": 1.0,
        "TCP mn1 Mbit/s": 0.96,
        "busiest agent": "mar1",
        "CPU %": 10.0,
        "conductor MiB": 54,
        "refused": "mar1 guard.mn2.source: 7",
    }


def test_the_page_has_a_row_an_attack() -> None:
    ways = [("nothing", "on", 0), ("a", "off", 10), ("a", "on", 10), ("a", "on", 5000)]
    rows = [
        {"attack": attack, "guard": guard, "packets/s": rate}
        | attacks.of_run(run(int(rate > 9), 8, 0.2))
        for attack, guard, rate in ways
    ]
    head, rule, nothing, one = attacks.page(pd.DataFrame(rows)).splitlines()
    assert head.count("|") == rule.count("|") == nothing.count("|") == one.count("|")
    assert nothing.startswith("| `nothing` |  | 0 %; 8 to 8 | `mar1`, 5.0 %")
    assert one.startswith("| `a` | 10: 0.25 % | 0.25 %; 8 to 8 | `mar1`, 5.0 % | 51 MiB |")
