"""A client-based mobile node that is handed over fast keeps its flow, and leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.emu_run import run

pytestmark = pytest.mark.root

HANDOVERS = 8
SCENARIO = """\
name: client-fast
duration: 10s
leftovers: true
topology: {kind: dmm-domain, mars: 3, backhaul: {delay: 5ms}}
mobility: {scheme: client, binding_lifetime: 12s}
multicast: {scheme: none}
nodes:
  mn1: {role: mn, attach: mar1, dad: off}
  server1: {role: server}
traffic:
  - {kind: ping, from: mn1, to: server1, interval: 20ms}
events:
""" + "".join(
    f"  - {{at: {at}s, handover: mn1, to: mar{at % 3 + 1}}}\n" for at in range(1, HANDOVERS + 1)
)


def test_every_handover_is_completed_and_nothing_is_left_over(tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.yaml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    result = run(scenario, tmp_path / "results")
    assert result.record, result.output
    handovers = result.run()["handovers"]
    assert len(handovers) == HANDOVERS
    assert all(handover["latency_ms"]["binding"] is not None for handover in handovers)
    assert all(flow["recovered"] for handover in handovers for flow in handover["flows"])
    leftovers = result.run()["leftovers"]
    assert (leftovers["kernel"], leftovers["bindings"]) == ({}, {})
