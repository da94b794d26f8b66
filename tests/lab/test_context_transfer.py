"""A listener's channels are at the new MAR before the listener can say a word: its address is not
even usable yet, as its kernel does duplicate address detection first."""

from __future__ import annotations

import pytest

from tests.lab.emu_run import Run, run

pytestmark = pytest.mark.root

SCENARIO = """
name: context
duration: 4s
topology:
  kind: dmm-domain
  mars: 2
  backhaul: {delay: 4ms}
  cmd: {delay: 10ms}
multicast: {scheme: multi-upstream}
nodes:
  mn1: {role: mn, attach: mar1}
  src: {role: source}
channels:
  C1: {group: "ff3e::c1", source: src, rate: 500kbit, packet: 1000}
traffic:
  - {kind: multicast, channel: C1, to: [mn1]}
events:
  - {at: 2s, handover: mn1, to: mar2, gap: 50ms}
"""
GROUP = "ff3e::c1"
SUBSCRIPTION, UPDATE, ACKNOWLEDGEMENT = "57", "5", "6"


@pytest.fixture(scope="module")
def handover(tmp_path_factory: pytest.TempPathFactory) -> Run:
    place = tmp_path_factory.mktemp("context")
    scenario = place / "scenario.yaml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    done = run(scenario, place / "results", "--keep-captures")
    assert done.record, done.output
    return done


def carriers(done: Run, capture: str) -> list[tuple[str, int]]:
    """The messages with subscriptions: their types, and of how many channels."""
    fields = done.packets(capture, "mipv6", "mip6.mhtype", "mip6.mobility_opt")
    counts = [(kind, options.split(",").count(SUBSCRIPTION)) for kind, options in fields]
    return [(kind, count) for kind, count in counts if count]


def test_the_mar_left_tells_the_cmd_and_the_cmd_tells_the_new_one(handover: Run) -> None:
    assert carriers(handover, "cmd-mar1") == [(UPDATE, 1)]
    assert carriers(handover, "cmd-mar2") == [(ACKNOWLEDGEMENT, 1)]


def test_it_takes_no_message_more_than_that(handover: Run) -> None:
    sent = [event["message"] for event in handover.events("sent")]
    down, handing_over, start = ["PBU", "PBA"], ["PBU", "PBA"] * 2, ["PBU", "PBA"]
    assert sorted(sent) == sorted(start + down + handing_over)


def test_the_context_is_there_before_the_listeners_report(handover: Run) -> None:
    (context,) = handover.events("context")
    assert (context["node"], context["groups"]) == ("mar2", [GROUP])
    (up,) = (event for event in handover.events("l2_up") if event["mar"] == "mar2")
    news = [
        event
        for event in handover.events("join", "report_received")
        if event["node"] == "mar2" and event["link"] == "mar2-radio"
        if GROUP in (event.get("group"), *event.get("groups", ()))
    ]
    assert [event["kind"] for event in news][:1] == ["join"]
    assert up["t"] < context["t"]
    assert news[0]["t"] - context["t"] < 100_000_000
    (moved,) = handover.run()["handovers"]
    (channel,) = moved["flows"]
    assert channel["disruption_ms"] < 1000  # DAD alone takes longer
