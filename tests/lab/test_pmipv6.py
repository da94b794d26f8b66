"""Proxy Mobile IPv6 with real packets: one address everywhere, and channels by their two ways."""

from __future__ import annotations

from itertools import chain

import pytest

from tests.lab.emu_run import Run, run_side_by_side

pytestmark = pytest.mark.root

SCENARIO = """
name: pmipv6
seed: 7
duration: 7s
topology:
  kind: dmm-domain
  mars: 3
  access: {{delay: 2ms}}
  backhaul: {{delay: 5ms}}
  cmd: {{delay: 10ms}}
  core: {{delay: 5ms}}
  home: {{delay: 5ms}}
mobility: {{scheme: pmipv6}}
multicast: {{scheme: {multicast}, query_response_interval: 400ms, explicit_tracking: {tracking}}}
nodes:
  mn1: {{role: mn, attach: mar1, dad: off}}
  src: {{role: source}}
  server1: {{role: server}}
channels:
  C1: {{group: "ff3e::c1", source: src, rate: 500kbit}}
traffic:
  - {{kind: multicast, channel: C1, to: [mn1]}}
  - {{kind: ping, from: mn1, to: server1, interval: 20ms, stop: 6s}}
  - {{kind: iperf3, from: mn1, to: server1, rate: 1mbit, stop: 6s}}
  - {{kind: iperf3, from: mn1, to: server1, rate: 1mbit, start: 5s, stop: 6s, name: fresh}}
events:
  - {{at: 2s, handover: mn1, to: mar2, gap: 50ms}}
  - {{at: 4s, handover: mn1, to: mar3, gap: 50ms}}
{events}
"""
GAP_MS = 50
OPTIONS = {
    "rfc6224": {"tracking": "false", "events": ""},
    "rfc7028": {"tracking": "true", "events": "  - {at: 6500ms, detach: mn1}"},
}
ROUND_TRIP_MS = 20
UPLOAD, PING = "iperf3-mn1-server1", "ping-mn1-server1"
BU, BA = "5", "6"
TUNNELLED = "ipv6.nxt == 41"
CHANNEL = "ipv6.dst == ff3e::c1 and udp"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    scenarios = {rfc: tmp_path_factory.mktemp(rfc) / "scenario.yaml" for rfc in OPTIONS}
    for rfc, scenario in scenarios.items():
        scenario.write_text(SCENARIO.format(multicast=rfc, **OPTIONS[rfc]), encoding="utf-8")
    done = run_side_by_side(scenarios, "--keep-captures")
    for result in done.values():
        assert result.ended, result.output
    return done


@pytest.fixture
def by_the_lma(runs: dict[str, Run]) -> Run:
    return runs["rfc6224"]


@pytest.fixture
def direct(runs: dict[str, Run]) -> Run:
    """The mobile node leaves at the end, and nothing is to stay behind."""
    return runs["rfc7028"]


def test_the_one_address_serves_at_every_mag(by_the_lma: Run) -> None:
    addresses = {
        event["address"]
        for event in by_the_lma.events("address")
        if not event["address"].startswith("fe80")
    }
    assert len(addresses) == 1
    assert addresses.pop().startswith("2001:db8:a000:1:")
    started = {e["flow"]: e["local"] for e in by_the_lma.events("flow_started") if "local" in e}
    assert len({started[flow] for flow in (UPLOAD, PING, "fresh")}) == 1
    assert not by_the_lma.events("flow_failed")


def test_flows_survive_the_handovers(by_the_lma: Run) -> None:
    ping = by_the_lma.flow(PING)
    assert ping["received"] > 0.9 * ping["sent"]
    for handover in by_the_lma.run()["handovers"]:
        flows = {flow["flow"]: flow for flow in handover["flows"]}
        for name in (UPLOAD, PING):
            assert flows[name]["recovered"]
            least = by_the_lma.least_disruption_ms(GAP_MS, name)
            assert flows[name]["disruption_ms"] > least


def test_the_address_is_no_part_of_the_latency(by_the_lma: Run) -> None:
    for handover in by_the_lma.run()["handovers"]:
        parts = handover["latency_ms"]
        assert parts["l2"] >= GAP_MS
        assert parts["binding"] >= ROUND_TRIP_MS
        assert parts["address"] == 0
        assert parts["total"] >= GAP_MS + ROUND_TRIP_MS


def test_each_mag_registers_and_deregisters_in_a_message_and_its_answer(by_the_lma: Run) -> None:
    """Equation 4 of the HDMM paper counts the first two."""
    arrival, departure = [[BU, "1"], [BA, "0"]], [[BU, "0"], [BA, "0"]]
    for mar, exchange in (("mar1", arrival + departure), ("mar2", arrival + departure)):
        assert exchange_of(by_the_lma, mar) == exchange
    assert exchange_of(by_the_lma, "mar3") == arrival
    for handover in by_the_lma.run()["handovers"]:
        counted = {kind: handover["signalling"][kind]["messages"] for kind in ("PBU", "PBA")}
        assert counted == {"PBU": 2, "PBA": 2}


def exchange_of(result: Run, mar: str) -> list[list[str]]:
    """The binding messages between a MAG and the LMA: their type, and whether a PBU binds."""
    messages = result.packets(f"lma-{mar}", "mipv6", "mip6.mhtype", "mip6.bu.lifetime")
    return [[kind, "1" if lifetime not in ("", "0") else "0"] for kind, lifetime in messages]


def test_every_mag_is_the_same_router(by_the_lma: Run) -> None:
    """RFC 5213 section 6.8."""
    seen = by_the_lma.packets("mn1-radio", "icmpv6.type == 134", "eth.src", "ipv6.src")
    assert len(seen) >= 3
    assert {tuple(fields) for fields in seen} == {("00:00:5e:00:52:13", "fe80::5213:0")}


def test_tshark_finds_nothing_wrong_in_the_control_messages(by_the_lma: Run) -> None:
    control = "mipv6 or icmpv6.type in {130, 131, 132, 133, 134, 143}"
    wrong = "_ws.malformed or icmpv6.checksum.status == 0 or _ws.expert.severity == 8388608"
    for capture in ("lma-mar1", "lma-mar2", "mr1-lma", "mar2-lma", "mn1-radio"):
        assert by_the_lma.packets(capture, control, "frame.number")
        assert not by_the_lma.packets(capture, f"({control}) and ({wrong})", "frame.number")


def test_users_packets_pass_through_the_lma_in_a_tunnel(by_the_lma: Run) -> None:
    outer = by_the_lma.packets("lma-mar3", f"{TUNNELLED} and icmpv6.type == 128", "ipv6.src")
    assert outer
    assert {fields[0].split(",")[0] for fields in outer} == {"2001:db8:ffff::1:3"}
    assert by_the_lma.packets("lma-mr1", "icmpv6.type == 128", "frame.number")
    assert not by_the_lma.packets("mar3-core", "icmpv6.type == 128", "frame.number")


def test_a_channel_comes_by_the_lma(by_the_lma: Run) -> None:
    for number, handover in enumerate(by_the_lma.run()["handovers"]):
        (channel,) = (f for f in handover["flows"] if f["kind"] == "multicast")
        assert channel["recovered"]
        assert channel["duplicated"] == 0
        assert by_the_lma.packets(
            f"lma-mar{number + 2}", f"{TUNNELLED} and {CHANNEL}", "frame.number"
        )
    for mar in ("mar1", "mar2", "mar3"):
        assert not by_the_lma.packets(f"{mar}-core", CHANNEL, "frame.number")
    (record,) = (r for r in by_the_lma.run()["membership"]["mar3"] if r["group"] == "ff3e::c1")
    assert (record["upstream"], record["listeners"]) == ("tun-lma", ["mn1"])


def test_a_channel_comes_natively_with_direct_routing(direct: Run) -> None:
    for number, handover in enumerate(direct.run()["handovers"]):
        (channel,) = (f for f in handover["flows"] if f["kind"] == "multicast")
        assert channel["recovered"]
        assert channel["duplicated"] == 0
        assert direct.packets(f"mar{number + 2}-core", CHANNEL, "frame.number")
    for mar in ("mar1", "mar2", "mar3"):
        assert not direct.packets(f"lma-{mar}", CHANNEL, "frame.number")
        assert not direct.packets(f"{mar}-core", TUNNELLED, "frame.number")


def test_explicit_tracking_ends_a_membership_with_the_link(direct: Run) -> None:
    for handover in direct.run()["handovers"]:
        (channel,) = (f for f in handover["flows"] if f["kind"] == "multicast")
        assert channel["leave_ms"] is not None


def test_nothing_is_left_over(direct: Run) -> None:
    states = {event["node"]: event for event in direct.events("state")}
    for mar in ("mar1", "mar2", "mar3"):
        assert states[mar]["bindings"] == {}
        assert states[mar]["tunnels"] == []
    assert states["lma"]["tunnels"] == []
    assert states["lma"]["bindings"]["mn1"]["phase"] == "LEAVING"
    lives = direct.run()["tunnels"]
    assert len(lives) == 6
    assert all(life["removed_s"] is not None for life in lives)
    assert set(chain(*(life["held_by"] for life in lives))) == {"unicast"}
