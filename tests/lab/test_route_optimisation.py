"""Route optimisation of Mobile IPv6 (RFC 6275 sections 5.2, 9 and 11.6), read from captures."""

from __future__ import annotations

import pytest

from tests.lab.emu_run import Run, run

pytestmark = pytest.mark.root

SCENARIO = """
name: direct
duration: 6s
topology:
  kind: dmm-domain
  mars: 3
  access: {delay: 2ms}
  core: {delay: 2ms}
  backhaul: {delay: 2ms}
  cmd: {delay: 20ms}
  home: {delay: 20ms}
mobility: {scheme: mipv6, route_optimisation: true, retransmission: 5s}
multicast: {scheme: none}
nodes:
  mn1: {role: mn, attach: mar1, dad: off}
  server: {role: server}
  src: {role: source}
traffic:
  - {kind: ping, name: direct, from: mn1, to: server, interval: 20ms}
  - {kind: ping, name: tunnelled, from: mn1, to: src, interval: 100ms}
  - {kind: iperf3, name: udp, from: server, to: mn1, protocol: udp, rate: 1mbit}
  - {kind: iperf3, name: tcp, from: mn1, to: server, rate: 1mbit}
events:
  - {at: 2s, handover: mn1, to: mar2, gap: 20ms}
  - {at: 4s, handover: mn1, to: mar3, gap: 20ms}
"""


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Run:
    place = tmp_path_factory.mktemp("direct")
    scenario = place / "scenario.yaml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    finished = run(scenario, place / "results", "--keep-captures")
    assert finished.record, finished.output
    return finished


HOME = "2001:db8:a000::ff:fe01:1"
AGENT = "2001:db8:ffff::8:1"
SERVER, SOURCE = "2001:db8:5e00:1::2", "2001:db8:5e00:2::2"
CARE_OF = [f"2001:db8:{number}:1:0:ff:fe01:1" for number in (1, 2, 3)]
HOTI, COTI, HOT, COT, UPDATE, ACKNOWLEDGEMENT = "1", "2", "3", "4", "5", "6"


def test_each_attachment_tests_the_addresses_and_binds_at_the_server(done: Run) -> None:
    seen = done.packets("server-mr1", "mipv6", "mip6.mhtype")
    first, after = (HOTI, COTI, HOT, COT), (COTI, COT)
    expected = [*first, *after, *after]
    assert sorted(row[0] for row in seen if row[0] < UPDATE) == sorted(expected)
    bound = [row[0] for row in seen if row[0] >= UPDATE]
    assert bound == [UPDATE, ACKNOWLEDGEMENT] * 3


def test_the_home_test_takes_the_tunnel_and_the_care_of_test_does_not(done: Run) -> None:
    home = done.packets("mn1-radio", f"mip6.mhtype == 1 and ipv6.dst == {SERVER}", "ipv6.src")
    assert home == [[f"{CARE_OF[0]},{HOME}"]]
    care_of = done.packets("mn1-radio", f"mip6.mhtype == 2 and ipv6.dst == {SERVER}", "ipv6.src")
    assert care_of == [[address] for address in CARE_OF]


def test_updates_to_the_server_are_authenticated_and_from_the_care_of_address(done: Run) -> None:
    fields = ("ipv6.src", "ipv6.opt.mipv6.home_address", "mip6.bu.h_flag", "mip6.bad.auth")
    rows = done.packets("server-mr1", "mip6.mhtype == 5", *fields)
    assert [row[0] for row in rows] == CARE_OF
    assert {row[1] for row in rows} == {HOME}
    assert all(row[2] in ("0", "False") and row[3] for row in rows)
    answers = done.packets(
        "server-mr1", "mip6.mhtype == 6", "mip6.ba.status", "ipv6.routing.mipv6.home_address"
    )
    assert answers == [["0", HOME]] * 3


@pytest.mark.parametrize("protocol", ["icmpv6.type == 128", "tcp", "udp"])
def test_packets_go_straight_with_the_extension_headers(done: Run, protocol: str) -> None:
    fields = (
        "ipv6.src",
        "ipv6.dst",
        "ipv6.opt.mipv6.home_address",
        "ipv6.routing.mipv6.home_address",
    )
    rows = {tuple(row) for row in done.packets("server-mr1", protocol, *fields)}
    direct = {(care_of, SERVER, HOME, "") for care_of in CARE_OF}
    returned = {(SERVER, care_of, "", HOME) for care_of in CARE_OF}
    tunnelled = {(HOME, SERVER, "", ""), (SERVER, HOME, "", "")}
    assert direct <= rows if protocol != "udp" else returned <= rows
    assert rows <= direct | returned | tunnelled
    # Status 1 is tshark's word for right; it checks those of TCP and UDP only when told.
    echo = "icmpv6.type == 128 or icmpv6.type == 129"
    assert {row[0] for row in done.packets("server-mr1", echo, "icmpv6.checksum.status")} == {"1"}


def test_the_way_is_shorter_and_who_does_not_take_part_is_reached_by_the_home_agent(
    done: Run,
) -> None:
    direct, tunnelled = done.flow("direct"), done.flow("tunnelled")
    # The way by the home agent is 40 ms longer in each direction.
    assert direct["delay_ms"]["median"] + 40 < tunnelled["delay_ms"]["median"]
    assert done.packets("src-mr1", "mip6.mhtype >= 5", "ipv6.src") == []
    assert not done.packets("src-mr1", "ipv6.opt.mipv6.home_address", "ipv6.src")


def test_the_flows_survive(done: Run) -> None:
    handovers = done.run()["handovers"]
    assert [handover["to"] for handover in handovers] == ["mar2", "mar3"]
    for handover in handovers:
        assert None not in handover["latency_ms"].values()
        assert all(flow["recovered"] for flow in handover["flows"])


def test_in_the_end_both_know_the_binding(done: Run) -> None:
    states = {event["node"]: event for event in done.events("state")}
    assert states["server"]["bindings"] == {HOME: CARE_OF[2]}
    assert states["mn1"]["direct"] == [{"home": HOME, "correspondent": SERVER}]
    assert states["server"]["counters"] == {
        "malformed": 0,
        "unauthentic": 0,
        "ignored": 0,
        "full": 0,
    }
