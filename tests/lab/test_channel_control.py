"""Several upstreams and channel control: a remote and a local channel, a live change, no MCC."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from emu.channel_control import ChannelControlPlan
from emu.conductor import Conductor, Order
from emu.measure import record
from emu.sandbox import RUN_DIRECTORY
from tests.lab.emu_run import Run, run
from tests.lab.sandboxed import in_sandbox

pytestmark = pytest.mark.root

C1, C3 = "ff3e::c1", "ff3e::c3"
SCENARIO = """
name: channels
duration: 8s
topology:
  kind: dmm-domain
  mars: 3
  backhaul: {delay: 5ms}
  cmd: {delay: 5ms}
  core: {delay: 2ms}
multicast:
  scheme: multi-upstream
  channel_control: {channels: {C1: remote, C3: local}}
nodes:
  mn1: {role: mn, attach: mar1, dad: off}
  mn3: {role: mn, attach: mar3, dad: off}
  src: {role: source}
channels:
  C1: {group: "ff3e::c1", source: src, rate: 500kbit, packet: 1000}
  C3: {group: "ff3e::c3", source: src, rate: 500kbit, packet: 1000}
traffic:
  - {kind: multicast, channel: C1, to: [mn1, mn3]}
  - {kind: multicast, channel: C3, to: [mn3]}
events:
  - {at: 2s, handover: mn1, to: mar2, gap: 50ms}
  - {at: 4s, handover: mn3, to: mar2, gap: 50ms}
  - {at: 6s, policy: {C1: local}}
"""
MLD_S = 2.0
"""Well above the signalling, and less than what MLD timers of 10 s would make of it, mostly."""


@pytest.fixture(scope="module")
def channels(tmp_path_factory: pytest.TempPathFactory) -> Run:
    directory = tmp_path_factory.mktemp("channels")
    path = directory / "scenario.yaml"
    path.write_text(SCENARIO, encoding="utf-8")
    result = run(path, directory / "out", "--keep-captures")
    assert result.ended, result.output
    return result


def tuples(records: list[dict[str, Any]]) -> set[tuple[Any, ...]]:
    """The paper's tuples, of our two channels."""
    return {
        (r["upstream"], r["group"], tuple(sorted(r["listeners"])))
        for r in records
        if r["group"] in (C1, C3)
    }


def state(result: Run, router: str, at_s: float) -> dict[str, Any]:
    """What a router logged last before a time."""
    history = result.run()["membership_history"][router]
    return dict([state for state in history if state["at_s"] < at_s][-1])


def test_the_membership_is_the_papers_after_each_step(channels: Run) -> None:
    assert tuples(state(channels, "mar1", 2)["records"]) == {("mar1-core", C1, ("mn1",))}
    assert tuples(state(channels, "mar2", 4)["records"]) == {("tun-mar1", C1, ("mn1",))}
    assert tuples(state(channels, "mar2", 6)["records"]) == {
        ("tun-mar1", C1, ("mn1", "mn3")),
        ("mar2-core", C3, ("mn3",)),
    }
    assert tuples(channels.run()["membership"]["mar2"]) == {
        ("mar2-core", C1, ("mn1", "mn3")),
        ("mar2-core", C3, ("mn3",)),
    }
    assert tuples(channels.run()["membership"]["mar3"]) == set()


def test_the_kernel_forwards_as_the_membership_says(channels: Run) -> None:
    for at_s, upstream in ((6, "tun-mar1"), (8, "mar2-core")):
        entries = state(channels, "mar2", at_s)["kernel"]
        assert {(e["group"], e["incoming"]) for e in entries} == {(C1, upstream), (C3, "mar2-core")}
        assert {outgoing for e in entries for outgoing in e["outgoing"]} == {"mar2-radio"}


def test_a_channel_enters_the_mar_once(channels: Run) -> None:
    """Two listeners from two anchors: no tunnel convergence."""
    at_s = [handover["at_s"] for handover in channels.run()["handovers"]]
    assert len(at_s) == 2
    tunnelled = channels.packets("mar2-ix", f"ipv6.dst == {C1} and udp", "ipv6.src")
    outer = {sources.split(",")[0] for (sources,) in tunnelled}
    assert len(outer) == 1  # mar1; never from mar3 too
    assert not channels.packets("mar2-ix", f"ipv6.dst == {C3} and udp", "ipv6.src")
    for flow in channels.run()["flows"]:
        assert flow["duplicated"] == 0, flow["flow"]


def test_listeners_keep_their_channels(channels: Run) -> None:
    for handover in channels.run()["handovers"]:
        assert handover["flows"]
        for flow in handover["flows"]:
            least = channels.least_disruption_ms(50, flow["flow"])
            assert least < flow["disruption_ms"] < 1000 * MLD_S, flow["flow"]


def test_the_live_change_is_make_before_break(channels: Run) -> None:
    """It costs at most the packets that are in the tunnel when native data is there."""
    handed_over = [f for handover in channels.run()["handovers"] for f in handover["flows"]]
    for flow in channels.run()["flows"]:
        in_handovers = sum(f["lost"] for f in handed_over if f["flow"] == flow["flow"])
        assert flow["lost"] - in_handovers <= 2, flow["flow"]


def test_decisions_are_asked_for_once_and_changed_live(channels: Run) -> None:
    decisions = [
        (event["node"], event["group"], event["scope"], event["reason"])
        for event in channels.events("channel_decision")
    ]
    assert decisions == [
        ("mar2", C1, "REMOTE", "answer"),
        ("mar2", C3, "LOCAL", "answer"),
        ("mar2", C1, "LOCAL", "change"),
    ]
    messages = channels.packets("cmd-mar2", "mip6.mhtype == 11", "mip6.em.data")
    assert len(messages) == 6  # two queries, two answers, a change and its acknowledgement
    assert not channels.packets("cmd-mar2", "_ws.malformed", "frame.number")


def test_a_local_channel_stops_at_the_previous_mar(channels: Run) -> None:
    """It is told so, and does not wait for the last listener query time of 2 s."""
    left = [e for e in channels.events("leave") if e["node"] == "mar3" and e["group"] == C3]
    up = [e for e in channels.events("l2_up") if e["mn"] == "mn3" and e["mar"] == "mar2"]
    assert len(left) == 1
    assert left[0]["t"] - up[0]["t"] < 1_000_000_000


def test_without_tunnelled_channels_the_tunnel_is_not_multicasts(channels: Run) -> None:
    released = [e for e in channels.events("tunnel_released") if e["holder"] == "multicast"]
    assert "mar2" in {event["node"] for event in released}


DISTRIBUTED = """
name: distributed
duration: 6s
topology: {kind: dmm-domain, mars: 2, backhaul: {delay: 5ms}, cmd: {delay: 5ms}}
multicast:
  scheme: multi-upstream
  channel_control: {at: mar, policy: own.py:Only, parameters: {remote: "ff3e::c1"}}
nodes:
  mn1: {role: mn, attach: mar1, dad: off}
  src: {role: source}
channels:
  C1: {group: "ff3e::c1", source: src, rate: 500kbit, packet: 1000}
  C3: {group: "ff3e::c3", source: src, rate: 500kbit, packet: 1000}
traffic:
  - {kind: multicast, channel: C1, to: [mn1]}
  - {kind: multicast, channel: C3, to: [mn1]}
events:
  - {at: 1.5s, handover: mn1, to: mar2, gap: 50ms}
  - {at: 3.5s, policy: {C1: local}}
  - {at: 4.5s, new_policy: static}
"""
POLICY = """
from ipaddress import IPv6Address

from agents.wire.channel import ChannelScope


class Only:
    def __init__(self, remote):
        self._remote = IPv6Address(remote)

    def decide(self, question):
        assert question.listener == "mn1" and question.handovers == 1
        remote = question.channel.group == self._remote
        return ChannelScope.REMOTE if remote else ChannelScope.LOCAL
"""


def test_fully_distributed_each_mar_decides_by_a_policy_of_ones_own(tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.yaml"
    scenario.write_text(DISTRIBUTED, encoding="utf-8")
    (tmp_path / "own.py").write_text(POLICY, encoding="utf-8")
    result = run(scenario, tmp_path / "out")
    assert result.ended, result.output
    assert (result.directory / "own.py").read_text(encoding="utf-8") == POLICY
    decisions = [(e["node"], e["group"], e["scope"], e["reason"])
                 for e in result.events("channel_decision")]  # fmt: skip
    assert sorted(decisions[:2]) == [("mar2", C1, "REMOTE", "own"), ("mar2", C3, "LOCAL", "own")]
    assert decisions[2:] == [("mar2", C1, "LOCAL", "change"), ("mar2", C3, "REMOTE", "change")]
    assert tuples(state(result, "mar2", 3.5)["records"]) == {
        ("tun-mar1", C1, ("mn1",)),
        ("mar2-core", C3, ("mn1",)),
    }
    assert tuples(state(result, "mar2", 4.5)["records"]) == {
        ("mar2-core", C1, ("mn1",)),
        ("mar2-core", C3, ("mn1",)),
    }
    assert tuples(result.run()["membership"]["mar2"]) == {
        ("mar2-core", C1, ("mn1",)),
        ("tun-mar1", C3, ("mn1",)),
    }
    for flow in result.run()["flows"]:
        assert flow["duplicated"] == 0, flow["flow"]
        assert flow["received"] > 0.8 * flow["sent"], flow["flow"]


ALONE = (
    DISTRIBUTED.replace(
        '{at: mar, policy: own.py:Only, parameters: {remote: "ff3e::c1"}}', "{at: mcc}"
    )
    .replace("mars: 2,", "mars: 2, mcc: {delay: 15ms},")
    .replace(
        "multicast:",
        "mobility: {scheme: dmm, variant: distributed, key: of the domain}\nmulticast:",
    )
    .replace("  - {at: 4.5s, new_policy: static}\n", "")
)


def test_the_mcc_is_a_node_of_its_own_that_needs_no_cmd(tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.yaml"
    scenario.write_text(ALONE, encoding="utf-8")
    result = run(scenario, tmp_path / "out", "--keep-captures")
    assert result.ended, result.output
    decisions = [(e["node"], e["group"], e["scope"], e["reason"])
                 for e in result.events("channel_decision")]  # fmt: skip
    assert sorted(decisions[:2]) == [
        ("mar2", C1, "REMOTE", "answer"),
        ("mar2", C3, "REMOTE", "answer"),
    ]
    assert decisions[2:] == [("mar2", C1, "LOCAL", "change")]
    assert tuples(result.run()["membership"]["mar2"]) == {
        ("mar2-core", C1, ("mn1",)),
        ("tun-mar1", C3, ("mn1",)),
    }
    times = result.packets("mar2-mcc", "mip6.mhtype == 11", "frame.time_epoch")
    assert len(times) == 6  # two queries, two answers, a change and its acknowledgement
    (asked,), *_, (answered,), _, _ = times
    assert float(answered) - float(asked) >= 0.03  # there and back
    assert not result.run()["refused"].get("mcc")


@in_sandbox
def test_a_listener_keeps_its_channel_when_the_mcc_does_not_answer() -> None:
    ChannelControlPlan.of_centre = lambda self, name: None  # type: ignore[method-assign]
    scenario = Path(RUN_DIRECTORY) / "scenario.yaml"
    scenario.write_text(
        SCENARIO.replace("duration: 8s", "duration: 5s").replace(
            "  - {at: 6s, policy: {C1: local}}\n", ""
        ),
        encoding="utf-8",
    )
    directory = Path(RUN_DIRECTORY) / "record"
    place = directory / "runs" / "1"
    place.mkdir(parents=True)
    asyncio.run(Conductor(Order(str(scenario), 1, str(place), False)).run())
    result = record.build(directory)["runs"][0]
    assert tuples(result["membership"]["mar2"]) == {
        ("tun-mar1", C1, ("mn1", "mn3")),
        ("tun-mar3", C3, ("mn3",)),
    }
    for handover in result["handovers"]:
        for flow in handover["flows"]:
            assert flow["disruption_ms"] < 1000 * MLD_S, flow["flow"]
    reasons = {
        entry["reason"]
        for entry in map(json.loads, (directory / "events.jsonl").open(encoding="utf-8"))
        if entry["kind"] == "channel_decision"
    }
    assert reasons == {"default"}
