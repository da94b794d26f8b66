"""Keys of a sweep: which values of a scenario they set."""

import copy

import pytest

from emu.sweep.keys import KeyProblem, put

DATA = {
    "name": "base",
    "topology": {"mars": "3", "access": {"delay": "2ms"}},
    "multicast": None,
    "traffic": [{"kind": "multicast", "to": ["mn1"]}, {"kind": "ping", "from": "mn1"}],
    "events": [
        {"at": "4s", "handover": "mn1", "to": "mar2"},
        {"at": "6s", "join": "mn1", "channel": "C1"},
        {"at": "8s", "handover": "mn1", "to": "mar3"},
    ],
}


def put_into(key, value):
    data = copy.deepcopy(DATA)
    put(data, key, value)
    return data


def test_a_value_in_a_mapping():
    assert put_into("topology.access.delay", "9ms")["topology"]["access"] == {"delay": "9ms"}


@pytest.mark.parametrize("key", ["mobility.retransmission", "multicast.retransmission"])
def test_mappings_on_the_way_are_made(key):
    assert put_into(key, "2s")[key.split(".")[0]] == {"retransmission": "2s"}


def test_the_events_of_a_kind():
    events = put_into("events[handover].gap", "50ms")["events"]
    assert [event.get("gap") for event in events] == ["50ms", None, "50ms"]


def test_the_traffic_of_a_kind():
    traffic = put_into("traffic[ping].interval", "5ms")["traffic"]
    assert [flow.get("interval") for flow in traffic] == [None, "5ms"]


def test_one_entry_and_all_entries():
    assert put_into("events[2].to", "mar1")["events"][2]["to"] == "mar1"
    assert {event["at"] for event in put_into("events[*].at", "1s")["events"]} == {"1s"}
    assert put_into("traffic[0].to[0]", "mn2")["traffic"][0]["to"] == ["mn2"]


def test_whole_lists_are_replaced():
    assert put_into("events", [])["events"] == []


@pytest.mark.parametrize(
    "key", ["", "topology..delay", "events[9].gap", "events[leave].at", "traffic[", "name.first"]
)
def test_a_key_that_leads_nowhere_is_refused(key):
    with pytest.raises(KeyProblem, match="; write one such as"):
        put_into(key, "1")
