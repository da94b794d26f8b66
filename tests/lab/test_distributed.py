"""Without a CMD: section 4.2.3 of the paper, read from captures."""

from __future__ import annotations

import pytest

from tests.lab.emu_run import Run, run

pytestmark = pytest.mark.root

GROUP = "ff05::5213"
SCENARIO = """
name: distributed
duration: 5s
topology:
  kind: dmm-domain
  mars: 4
  backhaul: {delay: 4ms}
mobility: {variant: distributed, retransmission: 5s, first_attachment_timeout: 200ms}
nodes:
  mn1: {role: mn, attach: mar1, dad: off}
  server: {role: server}
traffic:
  - {kind: ping, from: mn1, to: server, interval: 20ms}
events:
  - {at: 1500ms, handover: mn1, to: mar2, gap: 20ms}
  - {at: 3s, handover: mn1, to: mar3, gap: 20ms}
"""
MARS = [f"mar{number}" for number in (1, 2, 3, 4)]
ADDRESSES = {f"2001:db8:ffff::1:{number}": f"mar{number}" for number in (1, 2, 3, 4)}
MESSAGES = {"5": "PBU", "6": "PBA"}
OUTGOING = "2"

Message = tuple[str, str, str]
"""From whom, which message, to whom."""


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Run:
    place = tmp_path_factory.mktemp("distributed")
    scenario = place / "scenario.yaml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    finished = run(scenario, place / "results", "--keep-captures")
    assert finished.record, finished.output
    return finished


def messages(done: Run, captures: list[str], *, outgoing: bool) -> list[Message]:
    """What nodes sent, or what came to them, in order."""
    found = []
    direction = ("==" if outgoing else "!=") + f" {OUTGOING}"
    mine = f"mipv6 and frame.packet_flags_direction {direction}"
    fields = ("frame.time_epoch", "ipv6.src", "ipv6.dst", "mip6.mhtype")
    for capture in captures:
        for time, source, destination, kind in done.packets(capture, mine, *fields):
            to = ADDRESSES.get(destination, destination)
            found.append((float(time), (ADDRESSES[source], MESSAGES[kind], to)))
    return [message for _, message in sorted(found)]


@pytest.fixture(scope="module")
def exchanges(done: Run) -> list[list[Message]]:
    """The messages of each attachment, as the MARs sent them."""
    found: list[list[Message]] = []
    for message in messages(done, [f"{mar}-ix" for mar in MARS], outgoing=True):
        if message[1:] == ("PBU", GROUP):
            found.append([])
        found[-1].append(message)
    return found


def test_nobody_answers_for_a_new_node(exchanges: list[list[Message]]) -> None:
    assert exchanges[0] == [("mar1", "PBU", GROUP)]


def test_the_previous_mars_answer_the_serving_one(exchanges: list[list[Message]]) -> None:
    assert exchanges[1] == [("mar2", "PBU", GROUP), ("mar1", "PBA", "mar2")]
    first, *answers = exchanges[2]
    assert first == ("mar3", "PBU", GROUP)
    assert sorted(answers) == [("mar1", "PBA", "mar3"), ("mar2", "PBA", "mar3")]
    assert len(exchanges) == 3


def test_the_kernel_of_the_exchange_carries_each_pbu_to_every_other_mar_once(done: Run) -> None:
    came = {mar: messages(done, [f"{mar}-ix"], outgoing=False) for mar in MARS}
    for mar, received in came.items():
        asked = [source for source, kind, to in received if (kind, to) == ("PBU", GROUP)]
        assert asked == [other for other in ("mar1", "mar2", "mar3") if other != mar]


def test_the_cmd_hears_nothing(done: Run) -> None:
    assert messages(done, [f"{mar}-cmd" for mar in MARS], outgoing=True) == []


def test_the_flow_of_the_first_prefix_survives(done: Run) -> None:
    assert done.record is not None
    (only,) = done.record["runs"]
    assert [handover["to"] for handover in only["handovers"]] == ["mar2", "mar3"]
    for handover in only["handovers"]:
        assert handover["latency_ms"]["binding"] is not None
        (flow,) = handover["flows"]
        assert flow["delay_after_ms"] is not None
    tunnels = {(tunnel["router"], tunnel["peer"]) for tunnel in only["tunnels"]}
    assert {("mar1", "mar3"), ("mar3", "mar1"), ("mar2", "mar3"), ("mar3", "mar2")} <= tunnels
