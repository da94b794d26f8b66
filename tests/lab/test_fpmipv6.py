"""Fast handovers for Proxy Mobile IPv6 with real packets: MAGs hand a node over to each other."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lab.emu_run import STILL_MS, Run, run

pytestmark = pytest.mark.root

INTERVAL_MS, GAP_MS = 10, 100
SCENARIO = f"""
name: fpmipv6
seed: 7
duration: 5s
topology:
  kind: dmm-domain
  mars: 3
  access: {{delay: 2ms}}
  backhaul: {{delay: 5ms}}
  cmd: {{delay: 10ms}}
  home: {{delay: 5ms}}
mobility: {{scheme: fpmipv6, handover_lifetime: 1s}}
multicast: {{scheme: none}}
nodes:
  mn1: {{role: mn, attach: mar1, dad: off}}
  server1: {{role: server}}
traffic:
  - {{kind: iperf3, protocol: udp, from: server1, to: mn1, rate: 400kbit, packet: 500, stop: 4500ms,
      name: down}}
  - {{kind: ping, from: mn1, to: server1, interval: {INTERVAL_MS}ms, stop: 4500ms, name: up}}
events:
  - {{at: 1500ms, handover: mn1, to: mar2, gap: {GAP_MS}ms, announced: 100ms}}
  - {{at: 3s, handover: mn1, to: mar3, gap: {GAP_MS}ms}}
"""
HI, HACK = "14", "15"
HANDOVERS = f"mip6.mhtype in {{{HI}, {HACK}}}"
MAR1, MAR2, MAR3 = (f"2001:db8:ffff::1:{number}" for number in (1, 2, 3))
IN_THE_AIR = STILL_MS // INTERVAL_MS
"""Packets that are sent into a link that is down: until the agent knows, which is late when the
machine stands still. The gap alone would cost twice as many."""


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("fpmipv6")
    scenario = folder / "scenario.yaml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    result = run(scenario, folder / "results", "--keep-captures")
    assert result.ended, result.output
    return result


def moved(done: Run, number: int, flow: str) -> dict[str, Any]:
    """What a handover did to a flow."""
    (found,) = (f for f in done.run()["handovers"][number]["flows"] if f["flow"] == flow)
    return dict(found)


def messages(done: Run, capture: str) -> list[list[str]]:
    """The handover messages on a link: their type, sender, and code."""
    fields = ("mip6.mhtype", "ipv6.src", "mip6.hi.code", "mip6.hack.code")
    seen = done.packets(capture, HANDOVERS, *fields)
    return [[kind, source, hi or hack] for kind, source, hi, hack in seen]


def test_an_announced_node_loses_nothing_that_comes_for_it(done: Run) -> None:
    """From the HAck on all is kept at the next MAG, long before the link goes down."""
    kept = done.events("kept_delivered")[0]
    assert (kept["node"], kept["packets"] > IN_THE_AIR) == ("mar2", True)
    down = moved(done, 0, "down")
    assert (down["lost"], down["duplicated"], down["recovered"]) == (0, 0, True)


def test_an_unannounced_node_loses_what_was_in_the_air(done: Run) -> None:
    down = done.events("l2_down")[1]["t"]
    kept = [e for e in done.events("kept_delivered") if e["t"] > down]
    assert {event["node"] for event in kept} == {"mar2"}
    assert sum(event["packets"] for event in kept) > IN_THE_AIR
    assert moved(done, 1, "down")["duplicated"] == 0
    assert moved(done, 1, "down")["lost"] <= IN_THE_AIR
    assert moved(done, 1, "down")["recovered"]


def test_the_exchange_goes_before_an_announced_node(done: Run) -> None:
    """RFC 5949 figure 2, and at the end what tells the next MAG that no more comes."""
    exchange = messages(done, "mar1-ix")
    assert exchange == [[HI, MAR1, "3"], [HACK, MAR2, "5"], [HI, MAR1, "2"], [HACK, MAR2, "0"]]
    (down, _), sent = done.events("l2_down"), done.events("sent")
    first = [e for e in sent if e["message"] in ("HI", "HAck")][:2]
    assert all(event["t"] < down["t"] for event in first)


def test_the_next_mag_asks_for_an_unannounced_node(done: Run) -> None:
    """RFC 5949 figure 3: for the context, and then for what was kept."""
    exchange = messages(done, "mar3-ix")[:4]
    assert exchange == [[HI, MAR3, "0"], [HACK, MAR2, "6"]] * 2


def test_a_node_that_has_just_come_need_not_say_where_it_is(done: Run) -> None:
    """RFC 5949 section 4.1: else the first packets wait for an answer, which may get lost."""
    for mar in ("mar2", "mar3"):
        asked = "icmpv6.type == 135 and icmpv6.nd.ns.target_address == 2001:db8:a000::/48"
        stream = done.packets(f"{mar}-radio", "udp", "frame.time_epoch")
        questions = done.packets(f"{mar}-radio", asked, "frame.time_epoch")
        assert not questions or float(questions[0][0]) > float(stream[0][0])


def test_the_node_keeps_its_address(done: Run) -> None:
    for handover in done.run()["handovers"]:
        parts = handover["latency_ms"]
        assert (parts["address"], parts["total"] >= GAP_MS + parts["binding"]) == (0, True)


def test_the_lma_hears_of_the_node_from_its_next_mag(done: Run) -> None:
    """And of its end at the previous one only when nothing is forwarded any more."""
    bound = [e["t"] for e in done.events("binding_complete") if e["node"] == "mar2"]
    left = [
        event["t"]
        for event in done.events("sent")
        if (event["node"], event["message"]) == ("mar1", "PBU")
    ][-1]
    assert left > bound[0]
    assert not done.events("flow_failed")


def test_packets_take_the_tunnel_between_the_mags(done: Run) -> None:
    between = f"ipv6.src == {MAR1} and ipv6.dst == {MAR2} and ipv6.nxt == 41"
    forwarded = done.packets("mar1-ix", f"{between} and udp", "frame.number")
    assert len(forwarded) > IN_THE_AIR


def test_tshark_finds_nothing_wrong(done: Run) -> None:
    wrong = "_ws.malformed or _ws.expert.severity == 8388608"
    for capture in ("mar1-ix", "mar2-ix", "mar3-ix"):
        assert done.packets(capture, HANDOVERS, "frame.number")
        assert not done.packets(capture, f"({HANDOVERS}) and ({wrong})", "frame.number")


def test_nothing_is_left(done: Run) -> None:
    tunnels = [t for t in done.run()["tunnels"] if t["router"] == "mar1" and t["peer"] == "mar2"]
    assert tunnels
    assert all(tunnel["removed_s"] is not None for tunnel in tunnels)
