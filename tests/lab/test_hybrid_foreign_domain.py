"""A tour through a foreign domain with mobility management of its own, and what mar2 does then.

While mn1 is abroad, mar2 is its home agent; for mn2 it is the router of one prefix and the gateway
of another one, and of mn3 it anchors a prefix.
"""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network

import pytest

from tests.lab.emu_run import Run, run

pytestmark = pytest.mark.root

SCENARIO = """
name: hybrid-foreign-domain
duration: 8500ms
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
  update: last
  retransmission: 100ms
  key: of the home operator
  security: {cga: true, return_routability: true, permanent_keygen_token: true}
multicast: {scheme: none}
nodes:
  mn1: {role: mn, attach: mar1, dad: off}
  mn2: {role: mn, attach: mar1, dad: off}
  mn3: {role: mn, attach: mar2, dad: off}
  srv: {role: server}
traffic:
  - {kind: ping, from: mn1, to: srv, interval: 20ms}
  - {kind: ping, from: mn2, to: srv, interval: 50ms}
  - {kind: ping, from: mn3, to: srv, interval: 50ms}
  - {kind: ping, from: mn2, to: srv, start: 2s, interval: 50ms}
  - {kind: iperf3, from: srv, to: mn1, protocol: tcp, rate: 1mbit, name: tcp}
  - {kind: iperf3, from: mn1, to: srv, protocol: udp, rate: 100kbit, name: udp}
events:
  - {at: 1s, handover: mn1, to: mar2, gap: 20ms}
  - {at: 1.2s, handover: mn2, to: mar2, gap: 20ms}
  - {at: 1.4s, handover: mn3, to: mar1, gap: 20ms}
  - {at: 2.5s, handover: mn1, to: mar3, gap: 20ms}
  - {at: 4s, handover: mn1, to: mar4, gap: 20ms}
  - {at: 6.5s, handover: mn1, to: mar2, gap: 20ms}
"""
MAR1, MAR2, MAR3, MAR4 = (f"2001:db8:ffff::1:{number}" for number in range(1, 5))


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Run:
    place = tmp_path_factory.mktemp("foreign")
    scenario = place / "scenario.yaml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    finished = run(scenario, place / "results", "--keep-captures")
    assert finished.record, finished.output
    return finished


def address(done: Run, mn: str, mar: str) -> str:
    """What a mobile node has from a MAR."""
    assigned = [e for e in done.events("prefix_assigned") if (e["mn"], e["node"]) == (mn, mar)]
    prefix = IPv6Network(assigned[0]["prefix"])
    used = {e["address"] for e in done.events("address") if e["node"] == mn}
    (found,) = (address for address in used if IPv6Address(address) in prefix)
    return str(found)


def replies(done: Run, capture: str) -> dict[tuple[str, str], list[float]]:
    """The times of replies from the server, by the outer sources and by all the destinations."""
    found: dict[tuple[str, str], list[float]] = {}
    fields = ("ipv6.src", "ipv6.dst", "frame.time_epoch")
    for sources, destinations, at in done.packets(capture, "icmpv6.type == 129", *fields):
        *outer, _server = sources.split(",")
        found.setdefault((",".join(outer), destinations), []).append(float(at))
    return found


def test_each_domain_signals_with_its_own_cmd_only(done: Run) -> None:
    told = {
        (e["node"], e["destination"])
        for e in done.events("sent")
        if e["message"] == "PBU" and e["node"].startswith("mar")
    }
    cmd, cmd2 = "2001:db8:ffff::3:1", "2001:db8:ffff::3:2"
    assert told == {("mar1", cmd), ("mar2", cmd), ("mar3", cmd2), ("mar4", cmd2)}


def test_in_the_foreign_domain_the_network_keeps_the_care_of_address(done: Run) -> None:
    """The client says it once, after it was tested, and nothing again until it is at home."""
    care_of = address(done, "mn1", "mar3")
    sent = [e for e in done.events("sent") if e["node"] == "mn1"]
    own = [e for e in sent if e["message"] == "CoTI" or e.get("lifetime")]
    assert {e["source"] for e in own} == {care_of}
    assert {e["message"] for e in own} == {"CoTI", "BU"}
    (moved,) = (e for e in done.events("l2_up") if e["mar"] == "mar4")
    assert all(e["t"] < moved["t"] for e in own)
    # From the server by mar1, where the address is from, mar2, mar3 and mar4: tunnels in tunnels.
    at_mar4 = replies(done, "mar4-ix")
    way = f"{MAR3},{MAR2}", f"{MAR4},{care_of},{address(done, 'mn1', 'mar1')}"
    assert len(at_mar4[way]) > 20


def test_one_router_has_four_roles_at_once_prefix_by_prefix(done: Run) -> None:
    backhaul, core = replies(done, "mar2-ix"), replies(done, "mar2-core")
    home_agent = backhaul[MAR2, f"{address(done, 'mn1', 'mar3')},{address(done, 'mn1', 'mar1')}"]
    others = {
        "router": core["", address(done, "mn2", "mar2")],
        "gateway": backhaul[MAR1, f"{MAR2},{address(done, 'mn2', 'mar1')}"],
        "anchor": backhaul[MAR2, f"{MAR1},{address(done, 'mn3', 'mar2')}"],
    }
    for role, times in others.items():
        at_once = [t for t in times if home_agent[0] < t < home_agent[-1]]
        assert len(at_once) > 10, role


def test_whole_segments_go_through_a_tunnel_in_a_tunnel(done: Run) -> None:
    destination = f"{address(done, 'mn1', 'mar3')},{address(done, 'mn1', 'mar1')}"
    segments = done.packets("mar4-radio", "tcp.len > 1300", "ipv6.dst")
    assert segments.count([destination]) > 5


def test_all_flows_go_on_and_each_handover_is_complete(done: Run) -> None:
    handovers = done.run()["handovers"]
    assert len(handovers) == 6
    assert all(None not in handover["latency_ms"].values() for handover in handovers)
    assert {f["flow"]: f["recovered"] for f in handovers[-1]["flows"]} == {
        "ping-mn1-srv": True,
        "tcp": True,
        "udp": True,
    }


def test_nothing_is_left_in_either_domain(done: Run) -> None:
    leftovers = done.run()["leftovers"]
    assert (leftovers["kernel"], leftovers["bindings"]) == ({}, {})
