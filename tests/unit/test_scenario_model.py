"""What a scenario means once it is loaded: units, defaults, names, order."""

from __future__ import annotations

import json
from ipaddress import IPv6Address
from pathlib import Path

import pytest
from pydantic import ValidationError

from emu.scenario import Scenario, load, parse
from emu.scenario.events import Detach, Handover, Join
from emu.scenario.loader import load_any
from emu.scenario.traffic import Iperf3Flow, MulticastFlow, PingFlow
from emu.sweep.loader import plan
from tests.unit.scenarios import GOOD, spoiled

MS, S = 10**6, 10**9
CHECKOUT = Path(__file__).resolve().parents[2]
_EXPERIMENTS = sorted(CHECKOUT.glob("experiments/*/*.yaml"))
_MATRICES = [path for path in _EXPERIMENTS if path.name.startswith("matrix")]
_SCENARIOS = [path for path in _EXPERIMENTS if path not in _MATRICES]


def scenario(text: str) -> Scenario:
    return parse(text.encode(), "test.yaml")


def test_values_are_in_base_units() -> None:
    good = scenario(GOOD)
    assert good.duration == 10 * S
    assert (good.topology.access.delay, good.topology.access.rate) == (2 * MS, 54_000_000)
    assert good.topology.backhaul.delay == 5 * MS
    assert good.channels["C1"].group == IPv6Address("ff3e::c1")
    assert good.channels["C1"].rate == 1_000_000
    assert good.events[0] == Handover(at=4 * S, handover="mn1", to="mar2", gap=50 * MS)
    loss = scenario(spoiled("backhaul: {delay: 5ms", "backhaul: {delay: 5ms, loss: 0.5%"))
    assert loss.topology.backhaul.loss == 0.005


def test_what_is_left_out_has_its_default() -> None:
    least = scenario("name: a\nduration: 1s\ntopology: {kind: line, mars: 2}\n")
    assert (least.seed, least.repeat, least.topology.routers) == (1, 1, 3)
    assert (least.nodes, least.channels, least.traffic, least.events) == ({}, {}, (), ())
    link = least.topology.access
    assert (link.delay, link.jitter, link.loss, link.rate, link.carrier) == (0, 0, 0, None, "drop")
    assert (least.mobility.scheme, least.mobility.variant) == ("dmm", "proxy")
    assert (least.mobility.binding_lifetime, least.mobility.retransmission) == (300 * S, S)
    multicast = least.multicast
    assert (multicast.scheme, multicast.robustness) == ("mld-dmm", 2)
    assert (multicast.query_interval, multicast.query_response_interval) == (125 * S, 10 * S)
    assert multicast.last_listener_query_interval == S
    good = scenario(GOOD)
    assert (good.channels["C1"].packet, good.channels["C1"].port) == (1316, 5001)
    assert good.nodes["mn1"].dad == "normal"
    ping = good.traffic[1]
    assert isinstance(ping, PingFlow)
    assert (ping.start, ping.stop, ping.interval) == (0, None, 10 * MS)


def test_words_that_yaml_takes_for_booleans_or_numbers_are_words() -> None:
    off = scenario(spoiled("attach: mar1}", "attach: mar1, dad: off}"))
    assert off.nodes["mn1"].dad == "off"
    assert scenario(spoiled("name: base", "name: 007")).name == "007"


def test_lists_and_mappings_without_entries_hold_nothing() -> None:
    empty = scenario("name: a\nduration: 1s\ntopology: {kind: line, mars: 2}\nnodes:\nevents:\n")
    assert (empty.nodes, empty.events) == ({}, ())


def test_anchors_and_aliases_are_good_yaml() -> None:
    text = spoiled("access: {delay: 2ms, rate: 54mbit}", "access: &link {delay: 5ms}")
    aliased = scenario(text.replace("backhaul: {delay: 5ms}", "backhaul: *link"))
    assert aliased.topology.backhaul.delay == 5 * MS


def test_dar_is_another_name_of_mar() -> None:
    text = spoiled("attach: mar1", "attach: dar1")
    renamed = scenario(text.replace("to: mar2", "to: dar2"))
    assert renamed.nodes["mn1"].attach == "mar1"
    assert isinstance(renamed.events[0], Handover)
    assert renamed.events[0].to == "mar2"


@pytest.mark.parametrize(
    ("group", "specific"),
    [("ff3e::c1", True), ("ff35::1", True), ("ff3e:20:2001:db8::1", False), ("ff1e::c1", False)],
)
def test_source_specific_groups_are_those_of_rfc_4607(group: str, specific: bool) -> None:
    assert scenario(spoiled("ff3e::c1", group)).channels["C1"].source_specific is specific


def test_one_group_may_have_several_sources_when_it_is_source_specific() -> None:
    text = spoiled("  server1", "  src2: {role: source}\n  server1")
    second = "rate: 1mbit}\n  C2: {group: ff3e::c1, source: src2, rate: 1mbit}"
    assert len(scenario(text.replace("rate: 1mbit}", second)).channels) == 2


def test_events_come_in_the_order_of_time() -> None:
    earlier = "channel: C1}\n  - {at: 2s, detach: mn1}"
    events = scenario(spoiled("channel: C1}\n", earlier + "\n")).timeline
    assert [type(event) for event in events] == [Detach, Handover, Join]
    assert [event.node for event in events] == ["mn1", "mn1", "mn2"]


def test_after_a_detachment_a_handover_may_lead_back() -> None:
    detached = "events:\n  - {at: 2s, detach: mn1}\n"
    back = scenario(spoiled("events:\n", detached).replace("to: mar2", "to: mar1"))
    assert isinstance(back.timeline[1], Handover)
    assert back.timeline[1].to == "mar1"


def test_a_channel_that_has_stopped_may_be_joined_again() -> None:
    text = spoiled("to: [mn1]}", "to: [mn2], stop: 7s}")
    assert len(scenario(text).events) == 2


def test_every_flow_has_a_name_of_its_own() -> None:
    more = (
        "to: server1}\n"
        "  - {kind: ping, from: mn1, to: server1}\n"
        "  - {kind: iperf3, from: mn1, to: server1, name: ping-mn1-server1-3}\n"
        "  - {kind: ping, from: mn1, to: server1}\n"
    )
    assert scenario(spoiled("to: server1}\n", more)).flow_names == (
        "C1",
        "ping-mn1-server1",
        "ping-mn1-server1-2",
        "ping-mn1-server1-3",
        "ping-mn1-server1-4",
    )


def test_a_scenario_is_fixed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        scenario(GOOD).seed = 2


def test_a_dump_reads_back_to_the_same_scenario() -> None:
    good = scenario(GOOD)
    dump = json.loads(json.dumps(good.model_dump(mode="json", by_alias=True)))
    assert Scenario.model_validate(dump) == good
    assert dump["traffic"][1]["from"] == "mn1"


def test_the_quickstart_has_two_handovers_under_three_kinds_of_traffic() -> None:
    quickstart = load(CHECKOUT / "experiments" / "quickstart" / "scenario.yaml")
    handovers = [event for event in quickstart.timeline if isinstance(event, Handover)]
    assert [(event.at, event.to, event.gap) for event in handovers] == [
        (4 * S, "mar2", 50 * MS),
        (8 * S, "mar3", 50 * MS),
    ]
    kinds = {type(flow) for flow in quickstart.traffic}
    assert kinds == {MulticastFlow, PingFlow, Iperf3Flow}


@pytest.mark.parametrize("path", _MATRICES, ids=lambda path: path.parent.name)
def test_every_sweep_in_experiments_is_good(path: Path) -> None:
    assert plan(path).jobs


@pytest.mark.parametrize("path", _SCENARIOS, ids=lambda path: path.parent.name)
def test_every_scenario_in_experiments_is_good(path: Path) -> None:
    assert load_any(path).duration > 0
