"""Client-based DMM: section 4.1 of the HDMM paper (figure 2), read from captures."""

from __future__ import annotations

import pytest

from tests.lab.emu_run import Run, run

pytestmark = pytest.mark.root

SCENARIO = """
name: client
duration: 6s
topology:
  kind: dmm-domain
  mars: 3
  access: {delay: 2ms}
  backhaul: {delay: 8ms}
mobility: {scheme: client, retransmission: 5s}
multicast: {query_response_interval: 300ms}
nodes:
  mn1: {role: mn, attach: mar1, dad: off}
  server: {role: server}
  other: {role: server}
  src: {role: source}
channels:
  C1: {group: "ff1e::c1", source: src, rate: 200kbit}
traffic:
  - {kind: multicast, channel: C1, to: [mn1], name: tv}
  - {kind: ping, from: mn1, to: server, interval: 20ms, name: old}
  - {kind: ping, from: mn1, to: other, interval: 20ms, start: 2s, name: new}
events:
  - {at: 1500ms, handover: mn1, to: mar2, gap: 20ms}
  - {at: 3s, handover: mn1, to: mar3, gap: 20ms}
  - {at: 4500ms, handover: mn1, to: mar1, gap: 20ms}
"""
HOST = [f"2001:db8:{number}:1:0:ff:fe01:1" for number in (1, 2, 3)]
AGENT = [f"2001:db8:ffff::1:{number}" for number in (1, 2, 3)]
SERVER, OTHER, SOURCE = (f"2001:db8:5e00:{number}::2" for number in (1, 2, 3))
UPDATES = "mip6.mhtype == 5"


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Run:
    place = tmp_path_factory.mktemp("client")
    scenario = place / "scenario.yaml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    finished = run(scenario, place / "results", "--keep-captures")
    assert finished.record, finished.output
    return finished


def requests(done: Run, to: str) -> list[str]:
    """The sources of the echo requests to a server, outer and inner, one after another."""
    # Errors quote what was lost while the link was down.
    wanted = f"icmpv6.type == 128 and ipv6.dst == {to} and not icmpv6.type <= 4"
    rows = [row[0] for row in done.packets("mn1-radio", wanted, "ipv6.src")]
    return [row for at, row in enumerate(rows) if at == 0 or rows[at - 1] != row]


def test_each_previous_dar_is_told_and_the_one_returned_to_from_home(done: Run) -> None:
    care_of = "mip6.acoa.acoa"
    fields = ("ipv6.opt.mipv6.home_address", care_of, "ipv6.dst", "mip6.bu.lifetime")
    told = sorted(tuple(row) for row in done.packets("mn1-radio", UPDATES, *fields))
    away = [(0, 1), (0, 2), (1, 2), (1, 0), (2, 0)]
    expected = [(HOST[home], HOST[at], AGENT[home], "75") for home, at in away]
    assert told == sorted([("", HOST[0], AGENT[0], "0"), *expected])


def test_the_old_flow_takes_a_tunnel_until_its_dar_is_reached_again(done: Run) -> None:
    assert requests(done, SERVER) == [
        HOST[0],
        f"{HOST[1]},{HOST[0]}",
        f"{HOST[2]},{HOST[0]}",
        HOST[0],
    ]


def test_a_new_flow_begins_without_a_tunnel(done: Run) -> None:
    assert requests(done, OTHER) == [
        HOST[1],
        f"{HOST[2]},{HOST[1]}",
        f"{HOST[0]},{HOST[1]}",
    ]


def test_both_flows_survive_each_handover(done: Run) -> None:
    (only,) = done.record["runs"]
    assert [handover["to"] for handover in only["handovers"]] == ["mar2", "mar3", "mar1"]
    for handover in only["handovers"]:
        assert None not in handover["latency_ms"].values()
        assert handover["latency_ms"]["binding"] >= 20  # equation 13: MN and P-DAR, and back
        assert all(flow["recovered"] for flow in handover["flows"])
        assert {flow["flow"] for flow in handover["flows"]} >= {"old", "tv→mn1"}


def test_the_channel_comes_natively_wherever_the_node_is(done: Run) -> None:
    channel = "ipv6.dst == ff1e::c1 and udp"
    assert {row[0] for row in done.packets("mn1-radio", channel, "ipv6.src")} == {SOURCE}
    for mar in ("mar1", "mar2", "mar3"):
        assert done.packets(f"{mar}-core", channel, "ipv6.src")


def test_in_the_end_everybody_knows(done: Run) -> None:
    states = {event["node"]: event for event in done.events("state")}
    assert states["mn1"]["homes"] == {HOST[0]: "HOME", HOST[1]: "BOUND", HOST[2]: "BOUND"}
    assert states["mar1"]["bindings"] == {}
    assert states["mar2"]["bindings"] == {HOST[1]: HOST[0]}
    assert states["mar3"]["bindings"] == {HOST[2]: HOST[0]}
    for mar in ("mar1", "mar2", "mar3"):
        assert (
            done.packets(f"{mar}-radio", "icmpv6.type == 4 and icmpv6.code != 1", "ipv6.src") == []
        )
