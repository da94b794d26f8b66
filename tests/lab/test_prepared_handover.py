"""IEEE 802.21-aided handovers: paper figure 9, read from captures."""

from __future__ import annotations

import pytest

from tests.lab.emu_run import Run, run

pytestmark = pytest.mark.root

SCENARIO = """
name: prepared
duration: 5s
topology:
  kind: dmm-domain
  mars: 3
  access: {delay: 1ms}
  backhaul: {delay: 4ms}
mobility: {variant: mih, retransmission: 5s, first_attachment_timeout: 200ms}
nodes:
  mn1: {role: mn, attach: mar1, dad: off}
  server: {role: server}
traffic:
  - {kind: ping, from: mn1, to: server, interval: 20ms}
events:
  - {at: 1500ms, handover: mn1, to: mar2, gap: 50ms, announced: 500ms}
  - {at: 2500ms, handover: mn1, to: mar3, gap: 50ms, announced: 500ms}
  - {at: 3500ms, handover: mn1, to: mar1, gap: 50ms}
"""
GROUP = "ff05::5213"
NAMES = {f"2001:db8:ffff::1:{number}": f"mar{number}" for number in (1, 2, 3)}
NAMES |= {f"fe80::5213:{number}": f"mar{number}" for number in (1, 2, 3)}
NAMES |= {"fe80::ff:fe01:1": "mn1", GROUP: "all"}
MESSAGES = {
    "0x2c06": "MIH_Link_Going_Down indication",
    "0x3404": "MIH_Net_HO_Candidate_Query request",
    "0x3804": "MIH_Net_HO_Candidate_Query response",
    "0x3406": "MIH_N2N_HO_Query_Resources request",
    "0x3806": "MIH_N2N_HO_Query_Resources response",
    "0x3409": "MIH_N2N_HO_Commit request",
    "0x3809": "MIH_N2N_HO_Commit response",
    "0x3408": "MIH_Net_HO_Commit request",
    "0x3808": "MIH_Net_HO_Commit response",
    "0x2c02": "MIH_Link_Up indication",
}
BINDINGS = {"5": "PBU", "6": "PBA"}
OUTGOING = "2"

Message = tuple[str, str, str]
"""From whom, which message, to whom."""


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Run:
    place = tmp_path_factory.mktemp("prepared")
    scenario = place / "scenario.yaml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    finished = run(scenario, place / "results")
    assert finished.record, finished.output
    return finished


@pytest.fixture(scope="module")
def handovers(done: Run) -> list[list[Message]]:
    """What was sent, in order, from each announcement on, and last from what was not announced."""
    captures = [f"{mar}-{link}" for mar in ("mar1", "mar2", "mar3") for link in ("ix", "radio")]
    fields = ("frame.time_epoch", "ipv6.src", "ipv6.dst", "mih.mid", "mip6.mhtype")
    sent = f"(mih || mipv6) && frame.packet_flags_direction == {OUTGOING}"
    found = []
    for capture in [*captures, "mn1-radio"]:
        for time, source, destination, name, binding in done.packets(capture, sent, *fields):
            message = MESSAGES[name] if name else BINDINGS[binding]
            found.append((float(time), (NAMES[source], message, NAMES[destination])))
    attachments: list[list[Message]] = [[]]
    for _, message in sorted(found):
        begins = message[:2] == ("mn1", "MIH_Link_Going_Down indication")
        if begins or message == ("mar1", "PBU", "all"):
            attachments.append([])
        attachments[-1].append(message)
    return attachments[2:]


def prepared(origin: str, target: str) -> list[Message]:
    """Figure 9 to the end of the old link; an indication that comes back is acknowledged."""
    return [
        ("mn1", "MIH_Link_Going_Down indication", origin),
        (origin, "MIH_Link_Going_Down indication", "mn1"),
        (origin, "MIH_Net_HO_Candidate_Query request", "mn1"),
        ("mn1", "MIH_Net_HO_Candidate_Query response", origin),
        (origin, "MIH_N2N_HO_Query_Resources request", target),
        (target, "MIH_N2N_HO_Query_Resources response", origin),
        (origin, "MIH_N2N_HO_Commit request", target),
        (target, "MIH_N2N_HO_Commit response", origin),
        (origin, "MIH_Net_HO_Commit request", "mn1"),
        ("mn1", "MIH_Net_HO_Commit response", origin),
    ]


def completed(target: str, *previous: str) -> set[Message]:
    """Figure 9 from the new link on; who is faster depends on the links."""
    asked = {(target, "PBU", mar) for mar in previous}
    answered = {(mar, "PBA", target) for mar in previous}
    up = {("mn1", "MIH_Link_Up indication", target), (target, "MIH_Link_Up indication", "mn1")}
    return asked | answered | up


def test_the_sequence_of_figure_9(handovers: list[list[Message]]) -> None:
    assert handovers[0][:10] == prepared("mar1", "mar2")
    assert set(handovers[0][10:]) == completed("mar2", "mar1")
    assert handovers[1][:10] == prepared("mar2", "mar3")
    assert set(handovers[1][10:]) == completed("mar3", "mar1", "mar2")


def test_what_is_not_announced_is_asked_of_all(handovers: list[list[Message]]) -> None:
    assert handovers[2][0] == ("mar1", "PBU", "all")
    assert ("mar2", "PBA", "mar1") in handovers[2]
    assert ("mar3", "PBA", "mar1") in handovers[2]


def test_the_new_tunnels_stand_before_the_old_link_is_down(done: Run) -> None:
    events = done.events("l2_down", "tunnel_created")
    downs = [event["t"] for event in events if event["kind"] == "l2_down"]
    tunnels = {
        (event["node"], event["peer"]): event["t"]
        for event in reversed(events)
        if event["kind"] == "tunnel_created"
    }
    mar1, mar2, mar3 = (f"2001:db8:ffff::1:{number}" for number in (1, 2, 3))
    assert max(tunnels["mar1", mar2], tunnels["mar2", mar1]) < downs[0]
    assert max(tunnels["mar2", mar3], tunnels["mar3", mar1], tunnels["mar3", mar2]) < downs[1]


def test_the_record_counts_the_messages(done: Run) -> None:
    signalling = done.run()["signalling"]
    for name in MESSAGES.values():
        counted = signalling[name]["messages"]
        assert counted == (8 if "Link_Up" in name else 4 if "Going_Down" in name else 2), name


def test_the_flow_survives(done: Run) -> None:
    handovers = done.run()["handovers"]
    assert [handover["to"] for handover in handovers] == ["mar2", "mar3", "mar1"]
    for handover in handovers:
        assert handover["latency_ms"]["binding"] is not None
        (flow,) = handover["flows"]
        assert flow["delay_after_ms"] is not None
