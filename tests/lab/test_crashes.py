"""Agents that are killed during a run, and started again: the run goes on, and so do sessions."""

from __future__ import annotations

import pytest

from emu.measure.run import runs_of
from emu.measure.stream import RECEIVED, Stream
from tests.lab.emu_run import Run, run

pytestmark = pytest.mark.root

SCENARIO = """
name: crashes
duration: 7s
topology: {kind: dmm-domain, mars: 3}
mobility: {retransmission: 200ms, binding_lifetime: 4s}
nodes:
  mn1: {role: mn, attach: mar1, dad: off}
  mn2: {role: mn, attach: mar2, dad: off}
  server: {role: server}
traffic:
  - {kind: ping, from: mn1, to: server, interval: 20ms}
  - {kind: ping, from: mn2, to: server, interval: 20ms, stop: 4s}
events:
  - {at: 500ms, handover: mn1, to: mar2}
  - {at: 1s, crash: cmd}
  - {at: 1500ms, handover: mn1, to: mar3}
  - {at: 2s, restart: cmd}
  - {at: 3s, crash: mar1}
  - {at: 3500ms, restart: mar1}
  - {at: 4500ms, crash: mar2}
  - {at: 5s, restart: mar2}
"""


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Run:
    place = tmp_path_factory.mktemp("crashes")
    scenario = place / "scenario.yaml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    finished = run(scenario, place / "results")
    assert finished.ended, finished.output
    return finished


def times(done: Run, kind: str, node: str, **fields: str) -> list[int]:
    """When a node logged an event of this kind with these fields."""
    return [
        event["t"]
        for event in done.events(kind)
        if event["node"] == node and fields.items() <= event.items()
    ]


def test_sessions_go_on_while_the_cmd_is_dead(done: Run) -> None:
    assert done.flow("ping-mn2-server")["lost"] == 0


def test_the_handover_that_found_no_cmd_is_completed_by_the_next_one(done: Run) -> None:
    (restarted,) = times(done, "restarted", "cmd")
    before, after = (event["bindings"] for event in done.events("restored"))
    assert (before, after) == (0, 2)
    served = times(done, "binding_complete", "mar3", mn="mn1")[0]
    assert served > restarted
    # What the CMD knew from before its death: both previous MARs, which it tells.
    for previous in ("mar1", "mar2"):
        told = times(done, "tunnel_created", previous)
        assert restarted < max(t for t in told if t < restarted + 10**9)


def test_a_previous_mar_that_lost_its_state_anchors_again(done: Run) -> None:
    (restarted,) = times(done, "restarted", "mar1")
    assert [t for t in times(done, "tunnel_created", "mar1") if t > restarted]
    (state,) = (event for event in done.events("state") if event["node"] == "mar1")
    assert state["bindings"]["mn1"]["phase"] == "ANCHORING"


def test_packets_of_its_prefix_come_again(done: Run) -> None:
    """Its kernel has kept the neighbours of before; routes and the tunnel are new."""
    (restarted,) = times(done, "restarted", "mar1")
    anchors = next(t for t in times(done, "tunnel_created", "mar1") if t > restarted)
    (lab,) = runs_of(done.directory)
    (flow,) = (flow for flow in lab.meta["flows"] if flow["flow"] == "ping-mn1-server")
    assert done.flow("ping-mn1-server")["local_address"].startswith("2001:db8:1:")
    assert max(Stream(lab, flow).arrivals[:, RECEIVED]) > anchors


def test_a_serving_mar_that_lost_its_state_serves_again(done: Run) -> None:
    (restarted,) = times(done, "restarted", "mar2")
    assert [t for t in times(done, "binding_complete", "mar2", mn="mn2") if t > restarted]
    (state,) = (event for event in done.events("state") if event["node"] == "mar2")
    assert state["bindings"]["mn2"]["phase"] == "SERVING"
    assert state["bindings"]["mn1"]["phase"] == "ANCHORING"
