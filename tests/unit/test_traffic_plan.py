from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emu.nursery import targets
from emu.scenario.model import Scenario
from emu.traffic.iperf import client_command
from emu.traffic.plan import STRAGGLERS_NS, Job, Plan, plan

SECOND = 1_000_000_000
T0 = 50 * SECOND


def scenario(**parts: Any) -> Scenario:
    return Scenario.model_validate(
        {
            "name": "plan",
            "duration": "10s",
            "topology": {"kind": "dmm-domain", "mars": 2},
            "nodes": {
                "mn1": {"role": "mn", "attach": "mar1"},
                "mn2": {"role": "mn", "attach": "mar1"},
                "src": {"role": "source"},
                "server1": {"role": "server"},
            },
            "channels": {
                "C1": {"group": "ff3e::c1", "source": "src", "rate": "1mbit", "packet": 1250},
                "C2": {"group": "ff1e::c2", "source": "src", "rate": "1mbit"},
            },
            **parts,
        }
    )


def planned(seed: int = 1, **parts: Any) -> Plan:
    addresses = {"src": "2001:db8:5e00:1::2", "server1": "2001:db8:5e00:2::2"}
    whole = scenario(**parts)
    address = addresses.__getitem__
    return plan(whole, seed, T0, Path("/run/1"), address, address, "{}-eth".format)


def job(made: Plan, name: str) -> Job:
    (found,) = (one for one in made.jobs if one.name == name)
    return found


def test_a_channel_has_one_source_and_a_flow_a_listener() -> None:
    made = planned(traffic=[{"kind": "multicast", "channel": "C1", "to": ["mn1", "mn2"]}])
    assert [one.name for one in made.jobs] == ["C1@src", "C1.mn1@mn1", "C1.mn2@mn2"]
    assert [flow["flow"] for flow in made.flows] == ["C1→mn1", "C1→mn2"]
    source, listener = job(made, "C1@src").config, job(made, "C1.mn1@mn1").config
    assert source["interval_ns"] == made.flows[0]["interval_ns"] == 10_000_000
    assert T0 <= source["start_ns"] < T0 + source["interval_ns"]
    assert source["stop_ns"] == T0 + 10 * SECOND
    assert source["sent"] == "/run/1/" + made.flows[0]["sent"]
    assert listener["arrivals"] == "/run/1/" + made.flows[0]["arrivals"]
    assert listener["flow_id"] == source["flow_id"]
    assert listener["interface"] == "mn1-eth"
    assert listener["linger_ns"] == STRAGGLERS_NS


def test_only_a_source_specific_group_names_its_source() -> None:
    made = planned(
        traffic=[{"kind": "multicast", "channel": name, "to": ["mn1"]} for name in ("C1", "C2")]
    )
    assert job(made, "C1.mn1@mn1").config["source"] == "2001:db8:5e00:1::2"
    assert job(made, "C2.mn1@mn1").config["source"] is None
    assert job(made, "C1@src").config["flow_id"] != job(made, "C2@src").config["flow_id"]


def test_some_listeners_of_an_any_source_group_ask_for_the_source_only() -> None:
    flow = {"kind": "multicast", "channel": "C2", "to": ["mn1", "mn2"], "only_source": ["mn2"]}
    made = planned(traffic=[flow])
    assert job(made, "C2.mn1@mn1").config["source"] is None
    assert job(made, "C2.mn2@mn2").config["source"] == "2001:db8:5e00:1::2"


def test_joins_and_leaves() -> None:
    made = planned(
        traffic=[{"kind": "multicast", "channel": "C1", "to": ["mn1"], "start": "1s"}],
        events=[
            {"at": "3s", "leave": "mn1", "channel": "C1"},
            {"at": "5s", "join": "mn1", "channel": "C1"},
            {"at": "4s", "join": "mn2", "channel": "C1"},
        ],
    )
    first, again = job(made, "C1.mn1@mn1").config, job(made, "C1.mn1.2@mn1").config
    assert (first["start_ns"] - T0, first["stop_ns"] - T0) == (SECOND, 3 * SECOND)
    assert first["linger_ns"] == 0
    assert (again["start_ns"] - T0, again["stop_ns"] - T0) == (5 * SECOND, 10 * SECOND)
    assert first["arrivals"] == again["arrivals"]
    assert job(made, "C1.mn2@mn2").config["start_ns"] == T0 + 4 * SECOND
    assert [flow["flow"] for flow in made.flows] == ["C1→mn1", "C1→mn2"]


def test_a_ping_runs_at_the_mobile_node_whoever_asks() -> None:
    for ends in (("mn1", "server1"), ("server1", "mn1")):
        made = planned(traffic=[{"kind": "ping", "from": ends[0], "to": ends[1]}])
        (one,) = made.jobs
        assert (one.node, one.config["remote"]) == ("mn1", "2001:db8:5e00:2::2")
        assert (made.flows[0]["from"], made.flows[0]["to"]) == ends


def test_iperf_records_arrivals_where_the_data_goes() -> None:
    made = planned(
        traffic=[
            {"kind": "iperf3", "from": "mn1", "to": "server1", "name": "up"},
            {"kind": "iperf3", "from": "server1", "to": "mn1", "name": "down"},
        ]
    )
    for name, receiver in (("up", "server1"), ("down", "mn1")):
        client, server = job(made, f"{name}@mn1").config, job(made, f"{name}@server1").config
        assert client["role"] == "client"
        assert client["remote"] == "2001:db8:5e00:2::2"
        assert client["reverse"] is (name == "down")
        writer, other = (server, client) if receiver == "server1" else (client, server)
        assert writer["arrivals"] == f"/run/1/arrivals/{name}@{receiver}.bin"
        assert other["arrivals"] is None
        assert client["port"] == server["port"]
        (flow,) = (flow for flow in made.flows if flow["flow"] == name)
        assert writer["json"] == "/run/1/" + flow["receiver_report"]
        assert other["json"] == "/run/1/" + flow["sender_report"]
    assert len({one.config["port"] for one in made.jobs}) == 2
    assert made.flows[0]["interval_ns"] is None


@pytest.mark.parametrize(
    ("rate", "asked", "interval", "packet"),
    [("9600kbit", {}, 1_000_000, 1200), ("68800bit", {"packet": 172}, 20_000_000, 172)],
)
def test_iperf_udp_has_an_interval(
    rate: str, asked: dict[str, int], interval: int, packet: int
) -> None:
    flow = {"kind": "iperf3", "from": "mn1", "to": "server1", "protocol": "udp", "rate": rate}
    made = planned(traffic=[flow | asked])
    assert made.flows[0]["interval_ns"] == interval
    (client,) = (one.config for one in made.jobs if one.config["role"] == "client")
    command = client_command(client, "2001:db8::1", 1)
    assert command[command.index("-l") + 1] == str(packet)


def test_the_nursery_can_start_every_job() -> None:
    made = planned(
        traffic=[
            {"kind": "multicast", "channel": "C1", "to": ["mn1"]},
            {"kind": "ping", "from": "mn1", "to": "server1"},
            {"kind": "iperf3", "from": "mn1", "to": "server1"},
        ]
    )
    assert {one.target for one in made.jobs} <= targets()
    assert len({one.name for one in made.jobs}) == len(made.jobs)


STREAMS: list[dict[str, Any]] = [
    {"kind": "multicast", "channel": "C1", "to": ["mn1"]},
    {"kind": "ping", "from": "mn1", "to": "server1", "interval": "10ms"},
    {"kind": "iperf3", "from": "mn1", "to": "server1", "protocol": "udp", "rate": "960kbit"},
]


def phases(seed: int) -> list[int]:
    """When the first packet of each stream leaves, all with 10 ms between packets."""
    starts = (one.config for one in planned(seed, traffic=STREAMS).jobs)
    sending = (c for c in starts if "interval_ns" in c or c.get("role") == "client")
    return [config["start_ns"] - T0 for config in sending]


def test_streams_begin_at_a_phase_of_their_own_that_follows_from_the_seed() -> None:
    assert phases(1) == phases(1)
    every = [phase for seed in range(100) for phase in phases(seed)]
    assert len(set(every)) == 300
    assert 0 <= min(every) < 500_000
    assert 9_500_000 < max(every) < 10_000_000


def test_a_stream_slower_than_the_scenario_has_one_packet() -> None:
    slow = {"kind": "ping", "from": "mn1", "to": "server1", "interval": "1h", "start": "2s"}
    for seed in range(20):
        (one,) = planned(seed, traffic=[slow]).jobs
        assert 2 * SECOND <= one.config["start_ns"] - T0 < 10 * SECOND


def test_senders_and_listeners_may_end_when_they_have_done_all() -> None:
    """iperf3, and what else users run, when it likes: the network may be why."""
    made = planned(traffic=[{**STREAMS[0], "stop": "4s"}, *STREAMS[1:]])
    until = {one.name: one.until_ns for one in made.jobs}
    assert until["C1@src"] == T0 + 4 * SECOND - 10_000_000
    assert until["C1.mn1@mn1"] == T0 + 4 * SECOND
    assert until["ping-mn1-server1@mn1"] == T0 + 10 * SECOND - 10_000_000
    assert {at for name, at in until.items() if name.startswith("iperf3")} == {0}
