"""Prefixes in ping-pong, after a return, of several nodes at once, and before a binding is done."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lab.emu_run import Run, run

pytestmark = pytest.mark.root

# A binding takes 200 ms here: mn4 has left mar2 before it is bound there.
SCENARIO = """
name: prefix-life
duration: 6s
topology: {kind: dmm-domain, mars: 3, cmd: {delay: 100ms}, backhaul: {delay: 2ms}}
multicast: {scheme: none}
nodes:
  mn1: {role: mn, attach: mar1, dad: off}
  mn2: {role: mn, attach: mar1, dad: off}
  mn3: {role: mn, attach: mar1, dad: off}
  mn4: {role: mn, attach: mar1, dad: off}
  server: {role: server}
traffic:
  - {kind: ping, from: mn1, to: server, interval: 20ms}
  - {kind: ping, from: mn4, to: server, interval: 20ms}
events:
  - {at: 1s, handover: mn1, to: mar2}
  - {at: 2s, handover: mn1, to: mar1}
  - {at: 3s, handover: mn1, to: mar2}
  - {at: 4s, handover: mn1, to: mar1}
  - {at: 2500ms, handover: mn2, to: mar3}
  - {at: 2500ms, handover: mn3, to: mar3}
  - {at: 2500ms, handover: mn4, to: mar2}
  - {at: 2600ms, handover: mn4, to: mar3}
"""


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Run:
    place = tmp_path_factory.mktemp("prefix-life")
    scenario = place / "scenario.yaml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    finished = run(scenario, place / "results")
    assert finished.record, finished.output
    return finished


def binding(done: Run, mar: str, mn: str) -> dict[str, Any]:
    """What a MAR knows of a mobile node at the end."""
    (state,) = (event for event in done.events("state") if event["node"] == mar)
    return dict(state["bindings"][mn])


def states(done: Run, mn: str, mar: int) -> list[str]:
    """Those of the address that a mobile node has of a MAR, without repetitions."""
    seen = [
        event["state"]
        for event in done.events("address")
        if event["node"] == mn and event["address"].startswith(f"2001:db8:{mar}:")
    ]
    return [state for at, state in enumerate(seen) if seen[at - 1 : at] != [state]]


def test_ping_pong_ends_where_it_began(done: Run) -> None:
    assert binding(done, "mar1", "mn1")["phase"] == "SERVING"
    assert binding(done, "mar2", "mn1")["phase"] == "ANCHORING"
    prefixes = [anchor["prefix"] for anchor in binding(done, "mar1", "mn1")["anchors"]]
    assert len(prefixes) == 1, "it came to mar2 twice, and has one prefix from there"
    assert prefixes == [binding(done, "mar2", "mn1")["prefix"]]


def test_the_address_of_the_router_it_returns_to_is_preferred_again(done: Run) -> None:
    assert states(done, "mn1", 1)[-5:] == ["preferred", "deprecated"] * 2 + ["preferred"]
    assert states(done, "mn1", 2)[-1] == "deprecated"


def test_each_of_those_that_move_at_once_is_bound(done: Run) -> None:
    for mn in ("mn2", "mn3", "mn4"):
        served = binding(done, "mar3", mn)
        assert served["phase"] == "SERVING"
        assert binding(done, "mar1", mn)["phase"] == "ANCHORING"
        assert served["anchors"][0]["prefix"] == binding(done, "mar1", mn)["prefix"]
    assert len({binding(done, "mar3", mn)["prefix"] for mn in ("mn2", "mn3", "mn4")}) == 3


def test_a_node_that_is_gone_before_it_is_bound_is_bound_where_it_is(done: Run) -> None:
    bound = [event["node"] for event in done.events("binding_complete") if event["mn"] == "mn4"]
    assert bound == ["mar1", "mar3"]
    assert binding(done, "mar3", "mn4")["phase"] == "SERVING"
    assert binding(done, "mar2", "mn4")["phase"] == "ANCHORING"


def test_the_flows_go_on(done: Run) -> None:
    for mn in ("mn1", "mn4"):
        moves = [move for move in done.run()["handovers"] if move["mn"] == mn]
        (flow,) = moves[-1]["flows"]
        assert flow["flow"] == f"ping-{mn}-server"
        assert flow["delay_after_ms"] is not None
