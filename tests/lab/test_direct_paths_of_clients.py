"""Route optimisation where access routers are the home agents: `client`, and `hybrid` abroad.

Either node goes away, moves on and comes home; the foreign domain of the hybrid scheme keeps its
care-of address.
"""

from __future__ import annotations

import pytest

from tests.lab.emu_run import Run, run_side_by_side

pytestmark = pytest.mark.root

SCENARIO = """
name: direct-clients
duration: 7s
leftovers: %s
topology:
  kind: dmm-domain
  mars: 4
  backhaul: {delay: 20ms}
  cmd: {delay: 5ms}
mobility: {route_optimisation: true, retransmission: 100ms, %s}
multicast: {scheme: none}
nodes:
  mn1: {role: mn, attach: mar1, dad: off}
  server: {role: server}
  src: {role: source}
traffic:
  - {kind: ping, name: direct, from: mn1, to: server, interval: 20ms}
  - {kind: ping, name: tunnelled, from: mn1, to: src, interval: 50ms}
  - {kind: iperf3, name: tcp, from: server, to: mn1, rate: 1mbit}
events:
  - {at: 1s, handover: mn1, to: mar3, gap: 20ms}
  - {at: 3s, handover: mn1, to: mar4, gap: 20ms}
  - {at: 5s, handover: mn1, to: mar1, gap: 20ms}
"""
SCHEMES = {
    "client": ("false", "scheme: client"),  # its routers keep prefixes for a lifetime
    "hybrid": ("true", "scheme: hybrid, home_domain: [mar1, mar2], foreign_domain: [mar3, mar4]"),
}
SERVER, SOURCE = "2001:db8:5e00:1::2", "2001:db8:5e00:2::2"
HOME, *ABROAD = (f"2001:db8:{mar}:1:0:ff:fe01:1" for mar in (1, 3, 4))
CARE_OF = {"client": ABROAD, "hybrid": ABROAD[:1]}
"""The care-of addresses, in their order."""
HEADERS = ("ipv6.src", "ipv6.dst", "ipv6.opt.mipv6.home_address", "ipv6.routing.mipv6.home_address")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    scenarios = {name: tmp_path_factory.mktemp(name) / "scenario.yaml" for name in SCHEMES}
    for name, scenario in scenarios.items():
        scenario.write_text(SCENARIO % SCHEMES[name], encoding="utf-8")
    return run_side_by_side(scenarios, "--keep-captures")


@pytest.fixture(params=SCHEMES)
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def done(scheme: str, runs: dict[str, Run]) -> Run:
    assert runs[scheme].record, runs[scheme].output
    return runs[scheme]


def test_the_server_is_told_each_care_of_address_and_at_home_that_there_is_none(
    done: Run, scheme: str
) -> None:
    fields = ("ipv6.src", "ipv6.opt.mipv6.home_address", "mip6.bu.lifetime")
    updates = done.packets("server-mr1", f"mip6.mhtype == 5 and ipv6.dst == {SERVER}", *fields)
    away = [[care_of, HOME] for care_of in CARE_OF[scheme]]
    assert [row[:2] for row in updates] == [*away, [HOME, ""]]
    assert [row[2] != "0" for row in updates] == [True] * len(away) + [False]
    answers = done.packets("server-mr1", "mip6.mhtype == 6", "mip6.ba.status")
    assert answers == [["0"]] * len(updates)


@pytest.mark.parametrize(
    "protocol", ["icmpv6.type == 128 or icmpv6.type == 129", "tcp and not icmpv6"]
)
def test_packets_go_straight_with_the_extension_headers(
    done: Run, scheme: str, protocol: str
) -> None:
    rows = {tuple(row) for row in done.packets("server-mr1", protocol, *HEADERS)}
    direct = {(care_of, SERVER, HOME, "") for care_of in CARE_OF[scheme]}
    direct |= {(SERVER, care_of, "", HOME) for care_of in CARE_OF[scheme]}
    plain = {(HOME, SERVER, "", ""), (SERVER, HOME, "", "")}
    assert rows == direct | plain


def test_whole_segments_pass_the_tunnels_of_the_foreign_domain(runs: dict[str, Run]) -> None:
    data = runs["hybrid"].packets("mar3-ix", "tcp.len > 1300 and not icmpv6", *HEADERS)
    in_tunnel = [row for row in data if "," in row[0] and row[1].endswith("," + ABROAD[0])]
    assert [row[3] for row in in_tunnel].count(HOME) > 5


def test_who_does_not_take_part_is_reached_by_the_home_agent(done: Run) -> None:
    assert not done.packets("src-mr1", "mip6.mhtype >= 5", "ipv6.src")
    assert not done.packets("src-mr1", "ipv6.opt.mipv6.home_address", "ipv6.src")
    direct, tunnelled = done.flow("direct"), done.flow("tunnelled")
    assert tunnelled["delay_ms"]["p99"] - direct["delay_ms"]["median"] > 20


def test_the_flows_survive_and_nothing_is_left(done: Run, runs: dict[str, Run]) -> None:
    handovers = done.run()["handovers"]
    assert [handover["to"] for handover in handovers] == ["mar3", "mar4", "mar1"]
    for handover in handovers:
        assert None not in handover["latency_ms"].values()
        assert {flow["flow"]: flow["recovered"] for flow in handover["flows"]} == {
            "direct": True,
            "tunnelled": True,
            "tcp": True,
        }
    states = {event["node"]: event for event in done.events("state")}
    assert states["server"]["bindings"] == {}
    assert states["mn1"]["direct"] == []
    leftovers = runs["hybrid"].run()["leftovers"]
    assert (leftovers["kernel"], leftovers["bindings"]) == ({}, {})
