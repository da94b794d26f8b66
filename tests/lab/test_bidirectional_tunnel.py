"""Channels by the tunnel of a home agent (RFC 6275 section 10.4.3), read from captures."""

from __future__ import annotations

import pytest

from tests.lab.emu_run import Run, run

pytestmark = pytest.mark.root

SCENARIO = """
name: bidirectional
duration: 5s
topology:
  kind: dmm-domain
  mars: 2
  access: {delay: 2ms, carrier: keep}
  cmd: {delay: 10ms}
mobility: {scheme: mipv6}
multicast: {scheme: bidirectional-tunnel, explicit_tracking: true}
nodes:
  mn1: {role: mn, attach: mar1, dad: off}
  mn2: {role: mn, attach: mar2, dad: off}
  src: {role: source}
channels:
  ANY: {group: "ff0e::c1", source: src, rate: 200kbit, packet: 250}
  ONE: {group: "ff3e::c2", source: src, rate: 200kbit, packet: 250}
traffic:
  - {kind: multicast, channel: ANY, name: any, to: [mn1]}
  - {kind: multicast, channel: ONE, name: one, to: [mn1, mn2]}
events:
  - {at: 2s, handover: mn1, to: mar2, gap: 20ms}
  - {at: 4s, leave: mn2, channel: ONE}
"""
CARE_OF = ["2001:db8:1:1:0:ff:fe01:1", "2001:db8:2:2:0:ff:fe01:1"]
AGENT = "2001:db8:ffff::8:1"
SOURCE = "2001:db8:5e00:1::2"
NODE = "fe80::ff:fe01:1"
CHANNELS = "udp and ipv6.dst == ff00::/8"


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Run:
    place = tmp_path_factory.mktemp("bidirectional")
    scenario = place / "scenario.yaml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    finished = run(scenario, place / "results", "--keep-captures")
    assert finished.record, finished.output
    return finished


def test_a_handover_interrupts_and_does_not_end_the_channels(done: Run) -> None:
    (handover,) = done.run()["handovers"]
    for flow in handover["flows"]:
        assert flow["recovered"]
        outage_ms = 20 + 2 + 2 * 12  # the gap, RA, Binding Update, the channel
        assert flow["disruption_ms"] > done.least_disruption_ms(outage_ms, flow["flow"])
        assert flow["leave_ms"] >= 20 + 2 + 12
        assert flow["duplicated"] == 0


def test_its_cost_is_seen_though_access_routers_only_forward(done: Run) -> None:
    """Both nodes at mar2 have a tunnel of their own; mar1 gets some for the one that left."""
    (handover,) = done.run()["handovers"]
    flows = {flow["flow"]: flow for flow in handover["flows"]}
    assert flows["one→mn1"]["copies"] == 2
    assert flows["any→mn1"]["copies"] == 1
    whole = 40 + 40 + 8 + 250
    for flow in flows.values():
        assert flow["wasted_bytes"] >= whole
        assert flow["wasted_bytes"] % whole == 0


def test_channels_and_reports_take_the_tunnel_and_nothing_else(done: Run) -> None:
    ways = {tuple(row[0].split(",")[:1] + row[1].split(",")[:1])
            for row in done.packets("mn1-radio", CHANNELS, "ipv6.src", "ipv6.dst")}  # fmt: skip
    assert ways == {(AGENT, care_of) for care_of in CARE_OF}
    # One that comes before the home agent has made the tunnel is quoted in an error (type < 128).
    report = (
        f"icmpv6.type == 143 and not icmpv6.type < 128 and ipv6.nxt == 41 and ipv6.src == {NODE}"
    )
    reports = done.packets("mn1-radio", report, "ipv6.src")
    assert {row[0] for row in reports} == {f"{care_of},{NODE}" for care_of in CARE_OF}
    assert done.packets("mar1-core", CHANNELS, "ipv6.src") == []


def test_the_binding_moves_the_listener_before_it_reports(done: Run) -> None:
    """Joined by the new tunnel, left by the old one, in one step; only then it is heard there."""
    joins = [e for e in done.events("join") if e["node"] == "ha" and e["host"] == NODE]
    assert {(e["group"], e["source"]) for e in joins if e["link"] == joins[0]["link"]} == {
        ("ff0e::c1", None),
        ("ff3e::c2", SOURCE),
    }
    moved = [e for e in joins if e["link"] != joins[0]["link"]]
    left = [e for e in done.events("leave") if e["node"] == "ha" and e["host"] == NODE]
    heard = [e for e in done.events("report_received") if e["link"] == moved[0]["link"]]
    assert len(moved) == len(left[:2]) == 2
    assert moved[-1]["t"] < left[0]["t"] < heard[0]["t"]


def test_the_record_has_the_home_agents_memberships(done: Run) -> None:
    membership = done.run()["membership"]["ha"]
    assert [(r["group"], r["source"], r["listeners"]) for r in membership] == [
        ("ff0e::c1", None, ["mn1"]),
        ("ff3e::c2", SOURCE, ["mn1"]),  # mn2 has left
    ]
    assert "multicast" in {
        holder for tunnel in done.run()["tunnels"] if tunnel["router"] == "ha"
        for holder in tunnel["held_by"]
    }  # fmt: skip
