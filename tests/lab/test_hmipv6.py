"""Hierarchical Mobile IPv6 with real packets: a node moves in a MAP's domain, and to another's."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lab.emu_run import Run, run

pytestmark = pytest.mark.root

SCENARIO = """
name: hmipv6
duration: 2s
topology:
  kind: dmm-domain
  mars: 3
  access: {delay: 2ms}
  cmd: {delay: 20ms}
  home: {delay: 5ms}
mobility:
  scheme: hmipv6
  retransmission: 5s
  maps:
    - {mars: [mar1, mar2], link: {delay: 3ms}, home: {delay: 10ms}}
    - {mars: [mar3], link: {delay: 3ms}, home: {delay: 10ms}}
multicast: {scheme: none}
nodes:
  mn1: {role: mn, attach: mar1, dad: off}
  server: {role: server}
traffic:
  - {kind: ping, from: mn1, to: server, interval: 20ms}
events:
  - {at: 400ms, handover: mn1, to: mar2, gap: 20ms}
  - {at: 1200ms, handover: mn1, to: mar3, gap: 20ms}
"""
HOME, AGENT = "2001:db8:a000::ff:fe01:1", "2001:db8:ffff::8:1"
MAPS = ["2001:db8:b001::1", "2001:db8:b002::1"]
REGIONAL = ["2001:db8:b001::ff:fe01:1", "2001:db8:b002::ff:fe01:1"]
ON_LINK = [f"2001:db8:{number}:1:0:ff:fe01:1" for number in (1, 2, 3)]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Run:
    place = tmp_path_factory.mktemp("hmipv6")
    scenario = place / "scenario.yaml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    finished = run(scenario, place / "results", "--keep-captures")
    assert finished.ended, finished.output
    return finished


def updates(done: Run, node: str) -> list[tuple[str, str, int]]:
    """The Binding Updates that a node got: of whom, from where, and the lifetime."""
    return [
        (event["home_address"], event["source"], event["lifetime"])
        for event in done.events("received")
        if event["node"] == node and event["message"] in ("BU", "LBU")
    ]


def messages(handover: dict[str, Any]) -> dict[str, int]:
    """The binding messages of a handover."""
    counts = {kind: cost["messages"] for kind, cost in handover["signalling"].items()}
    return {kind: counts[kind] for kind in ("LBU", "BU", "BA") if kind in counts}


def test_the_home_agent_hears_nothing_of_a_move_within_a_domain(done: Run) -> None:
    within, beyond = done.run()["handovers"]
    assert messages(within) == {"LBU": 1, "BA": 1}
    # The MAP that is left is told where the node is, and in the end that it is gone.
    assert messages(beyond) == {"LBU": 3, "BU": 1, "BA": 4}
    assert updates(done, "ha") == [(HOME, REGIONAL[0], 300), (HOME, REGIONAL[1], 300)]


def test_each_map_knows_the_address_on_the_link(done: Run) -> None:
    """The one that is left, until the home agent knows the new one (RFC 5380 section 8)."""
    own = [(REGIONAL[0], place, 300) for place in ON_LINK]
    assert updates(done, "map1") == [*own, (REGIONAL[0], ON_LINK[2], 0)]
    assert updates(done, "map2") == [(REGIONAL[1], ON_LINK[2], 300)]


def test_a_packet_has_two_outer_headers_on_the_radio_and_one_behind_the_map(done: Run) -> None:
    data = "icmpv6.type == 128 and not icmpv6.type <= 4"
    outer = {row[0] for row in done.packets("mn1-radio", data, "ipv6.src")}
    places = zip(ON_LINK, [REGIONAL[0], *REGIONAL], strict=True)
    ways = {f"{on_link},{regional},{HOME}" for on_link, regional in places}
    by_the_map_left = f"{ON_LINK[2]},{REGIONAL[0]},{HOME}"  # until the home agent has answered
    assert ways <= outer <= {*ways, by_the_map_left}
    at_agent = {tuple(row) for row in done.packets("ha-mr1", data, "ipv6.src", "ipv6.dst")}
    inner = {(f"{regional},{HOME}", f"{AGENT},2001:db8:5e00:1::2") for regional in REGIONAL}
    assert at_agent == {*inner, (HOME, "2001:db8:5e00:1::2")}


def test_a_binding_takes_a_round_trip_to_the_map_or_one_more_to_the_home_agent(done: Run) -> None:
    within, beyond = (handover["latency_ms"] for handover in done.run()["handovers"])
    assert within["binding"] >= 2 * (2 + 3)
    assert beyond["binding"] >= 2 * 2 * (2 + 3) + 2 * (10 + 5)
    assert None not in (*within.values(), *beyond.values())
    for handover in done.run()["handovers"]:
        assert all(flow["recovered"] for flow in handover["flows"])


def test_in_the_end_all_know_the_bindings_and_nobody_was_refused(done: Run) -> None:
    states = {event["node"]: event for event in done.events("state")}
    assert states["ha"]["bindings"] == {HOME: REGIONAL[1]}
    assert states["map1"]["bindings"] == {}
    assert states["map2"]["bindings"] == {REGIONAL[1]: ON_LINK[2]}
    assert states["mn1"]["homes"] == {REGIONAL[1]: "BOUND", HOME: "BOUND"}
    for name in ("ha", "map1", "map2", "mn1"):
        assert states[name]["signalling"] == {"unauthentic": 0, "replayed": 0}
    refused = "icmpv6.type == 4 and icmpv6.code != 1"
    assert done.packets("mn1-radio", refused, "icmpv6.code") == []
