"""The active CMD is killed: handovers go on with the standby, streams too, and nothing is left."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.emu_run import ROOT, run

pytestmark = pytest.mark.root

SCENARIO = ROOT / "experiments/standby-cmd/scenario.yaml"


def test_the_standby_takes_over(tmp_path: Path) -> None:
    done = run(SCENARIO, tmp_path / "results")
    assert done.ended, done.output
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
