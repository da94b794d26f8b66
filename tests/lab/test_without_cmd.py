"""The CMD is dead: a node that moves has a new prefix all the same, and others notice nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.emu_run import run

pytestmark = pytest.mark.root

SCENARIO = """
name: without-cmd
duration: 8s
topology: {kind: dmm-domain, mars: 2}
mobility: {retransmission: 100ms, without_cmd: local}
nodes:
  mn1: {role: mn, attach: mar1, dad: off}
  mn2: {role: mn, attach: mar2, dad: off}
  server: {role: server}
traffic:
  - {kind: ping, from: mn2, to: server, interval: 20ms}
  - {kind: ping, from: mn1, to: server, interval: 20ms, start: 1500ms, stop: 6900ms}
events:
  - {at: 500ms, crash: cmd}
  - {at: 1s, handover: mn1, to: mar2}
  - {at: 7s, restart: cmd}
"""


def test_a_node_that_moves_has_service_before_there_is_a_cmd_again(tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.yaml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    done = run(scenario, tmp_path / "results")
    assert done.ended, done.output
    assert done.flow("ping-mn2-server")["lost"] == 0
    (restarted,) = (event["t"] for event in done.events("restarted"))
    (alone,) = done.events("serving_alone")
    assert (alone["node"], alone["mn"]) == ("mar2", "mn1")
    assert alone["t"] < restarted
    # Its flow is of the new prefix, and ends before the CMD is back. It begins to get through when
    # the host finds its earlier router gone (neighbour unreachability detection).
    flow = done.flow("ping-mn1-server")
    assert flow["local_address"].startswith("2001:db8:2:")
    assert flow["received"] > 0
    bound = [
        event["t"]
        for event in done.events("binding_complete")
        if (event["node"], event["mn"]) == ("mar2", "mn1")
    ]
    assert bound[0] > restarted
