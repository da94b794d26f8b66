"""Mobile IPv6 by bidirectional tunnelling: section 5.1.2 of the HDMM paper, read from captures."""

from __future__ import annotations

import pytest

from tests.lab.emu_run import Run, run

pytestmark = pytest.mark.root

SCENARIO = """
name: mipv6
duration: 5s
topology:
  kind: dmm-domain
  mars: 3
  access: {delay: 2ms}
  cmd: {delay: 10ms}
  home: {delay: 5ms}
mobility: {scheme: mipv6, retransmission: 5s}
multicast: {scheme: none}
nodes:
  mn1: {role: mn, attach: mar1, dad: off}
  server: {role: server}
traffic:
  - {kind: ping, from: mn1, to: server, interval: 20ms}
  - {kind: iperf3, from: server, to: mn1, rate: 1mbit}
events:
  - {at: 1500ms, handover: mn1, to: mar2, gap: 20ms}
  - {at: 3s, handover: mn1, to: mar3, gap: 20ms}
"""
HOME = "2001:db8:a000::ff:fe01:1"
AGENT = "2001:db8:ffff::8:1"
SERVER = "2001:db8:5e00:1::2"
PLACES = ("mar1", "mar2", "mar3")
CARE_OF = [f"2001:db8:{number}:1:0:ff:fe01:1" for number in (1, 2, 3)]
UPDATE, ACKNOWLEDGEMENT = "5", "6"


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Run:
    place = tmp_path_factory.mktemp("mipv6")
    scenario = place / "scenario.yaml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    finished = run(scenario, place / "results", "--keep-captures")
    assert finished.record, finished.output
    return finished


def test_each_attachment_is_one_update_and_its_acknowledgement(done: Run) -> None:
    seen = [
        tuple(row) for row in done.packets("mn1-radio", "mipv6", "mip6.mhtype", "mip6.ba.status")
    ]
    assert seen == [(UPDATE, ""), (ACKNOWLEDGEMENT, "0")] * len(PLACES)


def test_the_messages_have_the_extension_headers_of_mobile_ipv6(done: Run) -> None:
    options = done.packets("mn1-radio", "mip6.mhtype == 5", "ipv6.opt.mipv6.home_address")
    assert options == [[HOME]] * len(PLACES)
    routing = done.packets(
        "mn1-radio", "mip6.mhtype == 6", "ipv6.routing.type", "ipv6.routing.mipv6.home_address"
    )
    assert routing == [["2", HOME]] * len(PLACES)


def test_every_packet_of_a_user_takes_the_tunnel(done: Run) -> None:
    # Errors quote what was lost while the link was down.
    data = "(icmpv6.type == 128 or tcp) and not icmpv6.type <= 4"
    outer = {tuple(row[0].split(",")) for row in done.packets("mn1-radio", data, "ipv6.src")}
    assert outer <= {
        pair for care in CARE_OF for pair in ((care, HOME), (AGENT, "2001:db8:5e00:1::2"))
    }
    inner = done.packets("server-mr1", "icmpv6.type == 128", "ipv6.src")
    assert {row[0] for row in inner} == {HOME}


def test_the_flows_survive(done: Run) -> None:
    (only,) = done.record["runs"]
    assert [handover["to"] for handover in only["handovers"]] == ["mar2", "mar3"]
    for handover in only["handovers"]:
        latency = handover["latency_ms"]
        assert None not in latency.values()
        assert latency["binding"] >= 24  # equation 12: a round trip between MN and HA
        assert all(flow["recovered"] for flow in handover["flows"])
    assert only["signalling"]["BU"]["messages"] == only["signalling"]["BA"]["messages"] == 3


def test_in_the_end_both_know_the_binding_and_no_kernel_has_refused_a_header(done: Run) -> None:
    states = {event["node"]: event for event in done.events("state")}
    assert states["ha"]["bindings"] == {HOME: CARE_OF[2]}
    assert states["mn1"]["homes"] == {HOME: "BOUND"}
    # Code 1 is the home agent's, about what comes by a tunnel that it has not got yet.
    refused = "icmpv6.type == 4 and icmpv6.code != 1"
    assert done.packets("mn1-radio", refused, "icmpv6.code") == []
