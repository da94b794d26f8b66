"""Network-based at home, client-based abroad: one flow through a tour of both, in both cases."""

from __future__ import annotations

import pytest

from tests.lab.emu_run import Run, run_side_by_side

pytestmark = pytest.mark.root

SCENARIO = """
name: hybrid
duration: 7s
topology:
  kind: dmm-domain
  mars: 3
  backhaul: {{delay: 5ms}}
  cmd: {{delay: 5ms}}
mobility: {{scheme: hybrid, home_domain: [mar1, mar2], update: {update}, retransmission: 100ms}}
multicast: {{scheme: none}}
nodes:
  mn1: {{role: mn, attach: mar1, dad: off}}
  srv: {{role: server}}
traffic:
  - {{kind: ping, from: mn1, to: srv, interval: 20ms}}
events:
  - {{at: 1s, handover: mn1, to: mar2, gap: 20ms}}
  - {{at: 2.5s, handover: mn1, to: mar3, gap: 20ms}}
  - {{at: 4.5s, handover: mn1, to: mar2, gap: 20ms}}
"""
UPDATES = ["all", "last"]
MAR1, MAR2 = "2001:db8:ffff::1:1", "2001:db8:ffff::1:2"
HOME, ABROAD = "2001:db8:1:1:0:ff:fe01:1", "2001:db8:3:1:0:ff:fe01:1"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    scenarios = {update: tmp_path_factory.mktemp(update) / "scenario.yaml" for update in UPDATES}
    for update, scenario in scenarios.items():
        scenario.write_text(SCENARIO.format(update=update), encoding="utf-8")
    return run_side_by_side(scenarios, "--keep-captures")


@pytest.fixture(scope="module", params=UPDATES)
def done(request: pytest.FixtureRequest, runs: dict[str, Run]) -> Run:
    finished = runs[request.param]
    assert finished.record, finished.output
    finished.record["update"] = request.param
    return finished


def abroad(done: Run) -> tuple[int, int]:
    """When the node was bound at mar3, and when it left."""
    (bound,) = (e for e in done.events("binding_complete") if e["node"] == "mn1")
    (left,) = (e for e in done.events("l2_down") if e["mar"] == "mar3")
    return bound["t"], left["t"]


def test_the_client_is_idle_at_home_and_tells_whom_it_should_abroad(done: Run) -> None:
    sent = [e for e in done.events("sent") if e["node"] == "mn1"]
    (up,) = (e for e in done.events("l2_up") if e["mar"] == "mar3")
    assert all(event["t"] > up["t"] for event in sent)
    told = {(e["home_address"], e["destination"]) for e in sent if e["lifetime"]}
    other = MAR1 if done.record["update"] == "all" else MAR2
    assert told == {(HOME, other), (HOME.replace(":1:1:", ":2:1:", 1), MAR2)}


def test_packets_take_one_tunnel_or_two_in_a_chain(done: Run) -> None:
    """Replies, once the node is bound abroad: their outer and inner destinations."""
    fields = ("ipv6.src", "ipv6.dst")
    ends = {
        capture: {
            (source, destination)
            for source, destination in done.packets(capture, "icmpv6.type == 129", *fields)
            if destination.endswith(HOME)
        }
        for capture in ("mar1-ix", "mar2-ix")
    }
    server = next(iter(ends["mar1-ix"]))[0].split(",")[-1]
    direct = (f"{MAR1},{server}", f"{ABROAD},{HOME}")
    chained = (f"{MAR2},{server}", f"{ABROAD},{HOME}")
    assert (direct in ends["mar1-ix"]) == (done.record["update"] == "all")
    assert (chained in ends["mar2-ix"]) == (done.record["update"] == "last")


def test_the_flow_goes_on_abroad_and_back_at_home(done: Run) -> None:
    bound, left = abroad(done)
    (served,) = (e for e in done.events("serving") if e["t"] > left)
    ping = done.flow("ping-mn1-srv")
    assert left > bound
    assert served["node"] == "mar2"
    assert ping["lost"] < ping["sent"] / 4
    assert done.run()["handovers"][2]["latency_ms"]["binding"] is not None


def test_the_last_router_represents_the_node_and_nothing_is_left_in_the_end(done: Run) -> None:
    (represented,) = done.events("represented")
    assert represented["node"] == "mar2"
    states = {event["node"]: event for event in done.events("state")}
    for mar in ("mar1", "mar2"):
        assert states[mar]["home_agent"]["bindings"] == {}
    assert states["mar1"]["bindings"]["mn1"]["phase"] == "ANCHORING"
    assert states["mar2"]["bindings"]["mn1"]["phase"] == "SERVING"
    assert set(states["mn1"]["homes"].values()) == {"HOME"}


def test_no_binding_message_was_refused(done: Run) -> None:
    """Those of the mobile node are for the home agents, and nobody else misses them."""
    reasons = {reason for counts in done.run()["refused"].values() for reason in counts}
    assert not [reason for reason in reasons if reason.startswith(("signalling", "malformed"))]


VARIANTS = ["relay", "locator", "distributed"]


@pytest.fixture(scope="module")
def variants(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    scenarios = {name: tmp_path_factory.mktemp(name) / "scenario.yaml" for name in VARIANTS}
    for variant, scenario in scenarios.items():
        scenario.write_text(SCENARIO.format(update=f"all, variant: {variant}"), encoding="utf-8")
    return run_side_by_side(scenarios, "--keep-captures")


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_home_domain_may_have_any_variant(variants: dict[str, Run], variant: str) -> None:
    done = variants[variant]
    assert done.ended, done.output
    ping = done.flow("ping-mn1-srv")
    assert ping["lost"] < ping["sent"] / 4
    assert all(h["latency_ms"]["binding"] is not None for h in done.run()["handovers"])
    assert [event["node"] for event in done.events("represented")] == ["mar2"]
    asked = {e["destination"] for e in done.events("sent") if e.get("message") == "PBU"}
    assert ("ff05::5213" in asked) == (variant == "distributed")
    assert {e["answered_by"] for e in done.run()["handovers"]} - {None} == {
        "mar1" if variant in ("locator", "distributed") else "cmd"
    }
