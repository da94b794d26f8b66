"""The active CMD is killed: handovers go on with the standby, streams too, and nothing is left."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.emu_run import run

pytestmark = pytest.mark.root

SCENARIO = """
name: standby
duration: 5s
leftovers: true
topology: {kind: dmm-domain, mars: 3, cmd: {delay: 2ms}, standby: {delay: 1ms}}
mobility: {standby: true, retransmission: 200ms, binding_lifetime: 8s}
nodes:
  mn1: {role: mn, attach: mar1, dad: off}
  mn2: {role: mn, attach: mar2, dad: off}
  server: {role: server}
traffic:
  - {kind: ping, from: mn1, to: server, interval: 20ms}
  - {kind: ping, from: mn2, to: server, interval: 20ms}
events:
  - {at: 500ms, handover: mn1, to: mar2}
  - {at: 1s, crash: cmd}
  - {at: 1200ms, handover: mn1, to: mar3}
  - {at: 3s, restart: cmd}
  - {at: 3500ms, handover: mn1, to: mar1}
"""


def test_the_standby_takes_over(tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.yaml"
    scenario.write_text(SCENARIO)
    done = run(scenario, tmp_path / "results")
    assert done.status == 0, done.output
    handovers = done.run()["handovers"]
    assert [h["answered_by"] for h in handovers] == ["cmd", "cmd2", "cmd2"]
    assert "answered by" in done.output
    assert None not in [h["latency_ms"]["total"] for h in handovers]
    (restarted,) = (event["t"] for event in done.events("restarted"))
    # The standby knew the previous MAR from the active one, and has it follow the node.
    followed = [
        event["t"]
        for event in done.events("tunnel_created")
        if event["node"] in ("mar1", "mar2") and event["peer"] == "2001:db8:ffff::1:3"
    ]
    assert len([t for t in followed if t < restarted]) == 2
    assert [event["node"] for event in done.events("peer_lost")] == ["cmd2"]
    # Started again it has what the other one learnt meanwhile, as the stores' last words show.
    states = {e["node"]: e for e in done.events("state") if e["node"].startswith("cmd")}
    assert states["cmd"]["pair"]["has_peer"]
    assert states["cmd2"]["pair"]["alone"] > 0
    assert done.flow("ping-mn2-server")["lost"] == 0
    assert done.flow("ping-mn1-server")["received"] > 0
    leftovers = done.run()["leftovers"]
    assert leftovers["bindings"] == {}
    assert not any(c["left_over"] or c["missing"] for c in leftovers["kernel"].values())
