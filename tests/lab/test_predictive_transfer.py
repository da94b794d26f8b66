"""A handover that is announced costs a listener no packet, if they are buffered for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.lab.emu_run import Run, run

pytestmark = pytest.mark.root

GAP_MS, ANNOUNCED_MS = 200, 150
SCENARIO = """
name: predictive
duration: 6s
topology:
  kind: dmm-domain
  mars: 3
  backhaul: {{delay: 4ms}}
  cmd: {{delay: 10ms}}
multicast: {{scheme: multi-upstream, predictive: {mode}, prediction_lifetime: 1s}}
nodes:
  mn1: {{role: mn, attach: mar1}}
  src: {{role: source}}
channels:
  C1: {{group: "ff3e::c1", source: src, rate: 800kbit, packet: 1000}}
traffic:
  - {{kind: multicast, channel: C1, to: [mn1]}}
events:
  - {{at: 2s, handover: mn1, to: mar2, gap: {gap}ms, announced: {announced}ms}}
{more}
"""
FURTHER = f"  - {{at: 4s, handover: mn1, to: mar3, gap: {GAP_MS}ms, announced: {ANNOUNCED_MS}ms}}"


def hand_over(place: Path, mode: str, more: str = "") -> Run:
    scenario = place / "scenario.yaml"
    scenario.write_text(
        SCENARIO.format(mode=mode, gap=GAP_MS, announced=ANNOUNCED_MS, more=more), encoding="utf-8"
    )
    done = run(scenario, place / "results", "--keep-captures")
    assert done.record, done.output
    return done


def sequences(done: Run) -> list[int]:
    """The numbers of the packets that the listener's socket got, as they came."""
    (file,) = done.directory.glob("runs/*/arrivals/*@mn1.bin")
    return [int(number) for number in np.fromfile(file, dtype="<i8").reshape(-1, 3)[:, 0]]


@pytest.fixture(scope="module")
def buffered(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """To mar2 and on to mar3; mar2 has the channel through a tunnel then."""
    return hand_over(tmp_path_factory.mktemp("buffer"), "buffer", FURTHER)


def test_every_packet_is_received_exactly_once_and_in_order(buffered: Run) -> None:
    (flow,) = buffered.run()["flows"]
    got = sequences(buffered)
    assert got == list(range(got[0], got[0] + len(got)))
    assert (flow["lost"], flow["duplicated"], flow["reordered"]) == (0, 0, 0)
    delivered = buffered.events("buffer_delivered")
    for mar in ("mar2", "mar3"):
        kept_ms = 10 * sum(event["packets"] for event in delivered if event["node"] == mar)
        assert kept_ms > GAP_MS


def test_the_next_router_has_the_entry_before_the_first_packet(buffered: Run) -> None:
    """Of a channel without one its kernel keeps four packets."""
    entries = buffered.events("forwarding")
    for left, following in (("mar1", "mar2"), ("mar2", "mar3")):
        diverted = next(e for e in entries if f"tun-{following}" in e["outgoing"])
        kept = next(e for e in entries if e["node"] == following and e["outgoing"] == ["waiting"])
        assert diverted["node"] == left
        assert kept["t"] < diverted["t"]


def test_the_router_left_changes_its_upstream_meanwhile(buffered: Run) -> None:
    (change,) = buffered.events("spliced")
    assert (change["node"], change["old"], change["new"]) == ("mar2", "tun-mar1", "mar2-core")


def test_one_exchange_between_the_mars_prepares_it(buffered: Run) -> None:
    seen = buffered.packets("mar1-ix", "mipv6", "mip6.mhtype", "ipv6.src")
    kinds = [kind for kind, _ in seen if kind in ("14", "15")]
    assert kinds == ["14", "15"]
    prepared = [e for e in buffered.events("sent") if e["message"] in ("HI", "HAck")]
    sent = [(event["node"], event["message"]) for event in prepared]
    assert sent == [("mar1", "HI"), ("mar2", "HAck"), ("mar2", "HI"), ("mar3", "HAck")]
    for number, down in enumerate(buffered.events("l2_down")):
        assert all(event["t"] < down["t"] for event in prepared[2 * number : 2 * number + 2])


@pytest.mark.parametrize("mode", ["on", "bicast"])
def test_unbuffered_the_gap_is_all_that_is_missed(mode: str, tmp_path: Path) -> None:
    done = hand_over(tmp_path, mode)
    (moved,) = done.run()["handovers"]
    (channel,) = moved["flows"]
    lost = channel["lost"]
    (down,), (up,) = done.events("l2_down"), done.events("l2_up")[1:]
    gap_ms = (up["t"] - down["t"]) / 1e6
    assert GAP_MS / 10 - 1 <= lost <= gap_ms / 10 + 4
    (arrived,) = done.events("arrived")
    (bound,) = (e for e in done.events("binding_complete") if e["node"] == "mar2")
    received = [e for e in done.events("forwarding") if e["node"] == "mar2"]
    assert received[0]["t"] < arrived["t"] < bound["t"]
