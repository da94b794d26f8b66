"""A mobile node that moves on, comes back and goes leaves nothing in any kernel or agent."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.emu_run import run

pytestmark = pytest.mark.root

SCENARIO = """\
name: leftovers
duration: 4s
leftovers: true
topology: {kind: dmm-domain, mars: 3, backhaul: {delay: 5ms}, cmd: {delay: 10ms}}
mobility: {scheme: dmm}
nodes:
  mn1: {role: mn, attach: mar1, dad: off}
  src: {role: source}
  server1: {role: server}
channels:
  C1: {group: "ff3e::c1", source: src, rate: 200kbit}
multicast: {scheme: multi-upstream}
traffic:
  - {kind: ping, from: mn1, to: server1}
  - {kind: multicast, channel: C1, to: [mn1]}
events:
  - {at: 1s, handover: mn1, to: mar2}
  - {at: 2s, handover: mn1, to: mar3}
  - {at: 3s, handover: mn1, to: mar1}
"""


def test_nothing_is_left_over(tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.yaml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    result = run(scenario, tmp_path / "results")
    assert result.ended, result.output
    leftovers = result.run()["leftovers"]
    assert (leftovers["kernel"], leftovers["bindings"]) == ({}, {})
    assert " s: nothing" in result.output
    # The record is of the scenario only: it ends before the nodes leave.
    assert len(result.run()["handovers"]) == 3
    assert all(handover["latency_ms"]["total"] for handover in result.run()["handovers"])
