"""In a foreign domain: the care-of address kept, or updated after each handover (footnote 6).

One domain has a CMD, the other run's is fully distributed.
"""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest

from tests.lab.emu_run import Run, run_side_by_side

pytestmark = pytest.mark.root

SCENARIO = """
name: hybrid-abroad
duration: 6s
leftovers: true
topology:
  kind: dmm-domain
  mars: 4
  backhaul: {delay: 5ms}
  cmd: {delay: 5ms}
mobility:
  scheme: hybrid
  home_domain: [mar1, mar2]
  foreign_domain: [mar3, mar4]
  retransmission: 100ms
  %s
multicast: {scheme: none}
nodes:
  mn1: {role: mn, attach: mar1, dad: off}
  srv: {role: server}
traffic:
  - {kind: ping, from: mn1, to: srv, interval: 20ms}
  - {kind: iperf3, from: srv, to: mn1, protocol: udp, rate: 4mbit}
events:
  - {at: 1s, handover: mn1, to: mar3, gap: 20ms}
  - {at: 2.5s, handover: mn1, to: mar4, gap: 20ms}
  - {at: 4.5s, handover: mn1, to: mar1, gap: 20ms}
"""
SETTINGS = {
    "keep": "variant: distributed",
    "update": "care_of: update",
}
MAR1, MAR3, MAR4 = (f"2001:db8:ffff::1:{number}" for number in (1, 3, 4))
CARE_OF = {mar: f"2001:db8:{mar}:1:0:ff:fe01:1" for mar in (3, 4)}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    scenarios = {name: tmp_path_factory.mktemp(name) / "scenario.yaml" for name in SETTINGS}
    for name, scenario in scenarios.items():
        scenario.write_text(SCENARIO % SETTINGS[name], encoding="utf-8")
    return run_side_by_side(scenarios, "--keep-captures")


@pytest.fixture(params=SETTINGS)
def done(request: pytest.FixtureRequest, runs: dict[str, Run]) -> Run:
    finished = runs[request.param]
    assert finished.record, finished.output
    return finished


def outer_ends(done: Run, capture: str) -> set[tuple[str, str]]:
    """Of the outermost tunnel of what the server sends: its ends, or the packets' own."""
    rows = done.packets(capture, "icmpv6.type == 129 or udp", "ipv6.src", "ipv6.dst")
    return {(source.split(",")[0], destination.split(",")[0]) for source, destination in rows}


def updates(done: Run) -> list[str]:
    """The care-of addresses of the mobile node's Binding Updates that bind."""
    sent = [e for e in done.events("sent") if (e["node"], e["message"]) == ("mn1", "BU")]
    return [e["source"] for e in sent if e["lifetime"]]


def test_the_network_keeps_the_care_of_address_and_the_client_is_idle(runs: dict[str, Run]) -> None:
    done = runs["keep"]
    assert set(updates(done)) == {CARE_OF[3]}
    assert (MAR3, MAR4) in outer_ends(done, "mar4-ix")
    assert (MAR1, CARE_OF[4]) not in outer_ends(done, "mar4-ix")


def test_the_client_updates_it_and_packets_pass_the_domain_without_a_tunnel_of_its(
    runs: dict[str, Run],
) -> None:
    done = runs["update"]
    assert list(dict.fromkeys(updates(done))) == [CARE_OF[3], CARE_OF[4]]
    assert (MAR1, CARE_OF[4]) in outer_ends(done, "mar4-ix")


def test_until_the_home_agent_knows_packets_come_by_the_address_before(
    runs: dict[str, Run],
) -> None:
    assert (MAR3, MAR4) in outer_ends(runs["update"], "mar4-ix")


def test_all_handovers_are_complete_and_nothing_is_left(done: Run) -> None:
    handovers = done.run()["handovers"]
    assert [handover["to"] for handover in handovers] == ["mar3", "mar4", "mar1"]
    assert all(None not in handover["latency_ms"].values() for handover in handovers)
    flows = [flow for handover in handovers for flow in handover["flows"]]
    assert len(flows) == 6
    assert all(flow["recovered"] for flow in flows)
    leftovers = done.run()["leftovers"]
    assert (leftovers["kernel"], leftovers["bindings"]) == ({}, {})


def test_without_a_cmd_each_domain_asks_its_own_group(runs: dict[str, Run]) -> None:
    asked = {
        (e["node"], e["destination"])
        for e in runs["keep"].events("sent")
        if e["message"] == "PBU" and IPv6Address(e["destination"]).is_multicast
    }
    home, foreign = "ff05::5213", "ff05::5214"
    assert asked == {("mar1", home), ("mar3", foreign), ("mar4", foreign)}
    (inside,) = (h for h in runs["keep"].run()["handovers"] if h["to"] == "mar4")
    assert inside["answered_by"] == "mar3"
