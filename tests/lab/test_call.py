"""A call that moves: SIP and RTP by SIPp, anchored where it began, and how good it sounds."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network
from typing import Any

import pytest

from emu.voice.quality import WINDOW_NS
from tests.lab.emu_run import Run, run

pytestmark = pytest.mark.root

SCENARIO = """
name: call
duration: 11s
topology:
  kind: dmm-domain
  mars: 3
  access: {delay: 10ms}
  backhaul: {delay: 5ms}
  cmd: {delay: 5ms}
  core: {delay: 5ms}
mobility: {scheme: dmm, variant: proxy}
multicast: {scheme: none}
nodes:
  mn1: {role: mn, attach: mar1, dad: off}
  mn2: {role: mn, attach: mar3, dad: off}
  server1: {role: server}
services:
  talk: {kind: call, from: mn1, to: server1}
  cut: {kind: call, from: mn2, to: server1, stop: 6s, jitter_buffer: adaptive}
  vain: {kind: call, from: mn2, to: server1, start: 7s, stop: 9s}
events:
  - {at: 3s, detach: mn2}
  - {at: 4s, handover: mn1, to: mar2, gap: 100ms}
  - {at: 7500ms, handover: mn1, to: mar3, gap: 100ms}
"""
GAP_MS, FRAME_MS, HEADER = 100, 20, 40
PACKET = 40 + 8 + 12 + 160
"""IPv6, UDP, RTP, and 20 ms of G.711."""
WINDOW_S = WINDOW_NS / 1e9


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("call")
    path = folder / "scenario.yaml"
    path.write_text(SCENARIO, encoding="utf-8")
    return run(path, folder, "--keep-captures")


@pytest.fixture(scope="module")
def talk(done: Run) -> dict[str, Any]:
    return service(done, "talk")


def service(done: Run, name: str) -> dict[str, Any]:
    (found,) = (one for one in done.run()["services"] if one["service"] == name)
    return dict(found)


def test_the_call_is_one_dialog_that_nothing_changes(done: Run, talk: dict[str, Any]) -> None:
    assert done.ended, done.output
    assert talk["ended"] is None
    assert set(talk["sip"]) == {"INVITE", "180", "200", "ACK", "BYE"}
    assert (talk["dialogs"], talk["reinvites"]) == (1, 0)
    assert 30 <= talk["setup_ms"] < 200  # a round trip, and what SIPp takes


def test_it_keeps_the_address_of_the_mar_where_it_began(done: Run, talk: dict[str, Any]) -> None:
    meta = done.meta()
    pool = IPv6Network(meta["nodes"]["mar1"]["pool"])
    assert IPv6Address(talk["local_address"]) in pool
    ended = [e for e in done.events("address") if e["node"] == "mn1"]
    assert len({IPv6Address(e["address"].split("/")[0]).packed[:8] for e in ended}) >= 3


def test_both_speak_all_the_time(done: Run, talk: dict[str, Any]) -> None:
    up, down = talk["directions"]
    (began,) = (e for e in done.events("call_started") if e["service"] == "talk")
    spoken_ms = 11_000 - talk["setup_ms"] - (began["t"] - done.meta()["t0_ns"]) / 1e6
    assert spoken_ms > 9_000
    assert (up["from"], up["to"]) == ("mn1", "server1")
    assert (down["from"], down["to"]) == ("server1", "mn1")
    for way in (up, down):
        assert way["sent"] * FRAME_MS == pytest.approx(spoken_ms, abs=250)
        assert way["sent"] == way["received"] + way["lost"]
        assert way["duplicated"] == 0
        assert 15 <= way["delay_ms"]["min"] < way["delay_ms"]["median"] < 26


def test_after_a_handover_it_goes_through_the_tunnel_and_nowhere_else(
    done: Run, talk: dict[str, Any]
) -> None:
    ends = {(tunnel["router"], tunnel["peer"]) for tunnel in talk["tunnels"]}
    assert ends == {("mar1", "mar2"), ("mar2", "mar1"), ("mar1", "mar3"), ("mar3", "mar1")}
    for tunnel in talk["tunnels"]:
        assert tunnel["packets"] > 100
        assert tunnel["tunnel_overhead_bytes"] == HEADER * tunnel["packets"]
    # A UDP header, an RTP header, 20 ms; not what is told of one that comes after the call.
    voice = "udp.length == 180 && udp.port == 5062 && !icmpv6"
    tunnelled = f"{voice} && ipv6.nxt == 41"
    for mar in ("mar1", "mar2", "mar3"):
        lengths = {f[0] for f in done.packets(f"{mar}-ix", tunnelled, "ipv6.plen")}
        assert lengths == {f"{PACKET},{PACKET - HEADER}"}  # behind the outer, the inner header
        assert not done.packets(f"{mar}-ix", f"{voice} && !(ipv6.nxt == 41)", "frame.time")
    for mar in ("mar2", "mar3"):
        assert not done.packets(f"{mar}-core", voice, "frame.time")


@pytest.mark.parametrize("way", [0, 1], ids=["up", "down"])
def test_the_score_falls_at_each_handover_and_comes_back(talk: dict[str, Any], way: int) -> None:
    direction = talk["directions"][way]
    moves = direction["handovers"]
    assert [(move["from"], move["to"]) for move in moves] == [("mar1", "mar2"), ("mar2", "mar3")]
    for move in moves:
        mos = move["mos"]
        assert mos["before"] > 4.2
        assert mos["during"] < mos["before"] - 0.3
        assert abs(mos["after"] - mos["before"]) < 0.1
        assert move["lost"] + move["discarded"] > 0
        assert move["silence_ms"] >= FRAME_MS
    # By mar1's own core link, 15 ms in all; then by the backhaul as well, over two of its links.
    assert moves[0]["delay_before_ms"] == pytest.approx(15, abs=2)
    assert moves[0]["delay_after_ms"] == pytest.approx(20, abs=2)
    worst = min(direction["over_time"], key=lambda score: score["mos"])
    assert any(abs(worst["at_s"] - move["at_s"]) < 1.6 for move in moves)
    assert 1 <= direction["mos"] < mos["before"]


def test_what_the_network_lost_at_a_handover_is_what_was_sent_during_it(
    talk: dict[str, Any],
) -> None:
    _, down = talk["directions"]
    for move in down["handovers"]:
        assert move["silence_ms"] >= GAP_MS - FRAME_MS
        assert move["lost"] * FRAME_MS >= GAP_MS - FRAME_MS


def test_a_node_that_is_gone_during_its_call_is_not_heard_and_cannot_hang_up(done: Run) -> None:
    cut = service(done, "cut")
    assert cut["ended"] == "the callee did not hang up"
    assert cut["sip"]["INVITE"] == 1
    for direction in cut["directions"]:
        assert direction["handovers"] == []
        last = direction["over_time"][-1]
        assert (last["mos"], last["loss_percent"]) == (1, 100)
        whole = [score for score in direction["over_time"] if score["at_s"] + WINDOW_S / 2 < 3]
        assert whole  # windows that end before it is gone
        assert all(score["mos"] > 3.5 for score in whole)


def test_a_call_that_is_not_answered_has_no_voice(done: Run) -> None:
    vain = service(done, "vain")
    assert vain["ended"] is not None
    assert vain["setup_ms"] is None
    assert vain["directions"] == []
    assert "Traceback" not in done.output
