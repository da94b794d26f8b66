from __future__ import annotations

from pathlib import Path
from typing import Any

from emu.measure import membership, tunnels
from emu.measure.carrying import Carrying
from emu.measure.listening import Listening
from emu.measure.places import Places
from tests.small_run import SECOND, event, small_run

NODES = {
    "mar1": {"role": "mar", "address": "2001:db8:ffff::1:1"},
    "mn1": {"role": "mn", "addresses": ["fe80::11"]},
}


def records(*listeners: str) -> list[dict[str, Any]]:
    return [
        {"upstream": "mar2-core", "source": None, "group": "ff3e::c1", "listeners": listeners,
         "local_sources": []},
    ]  # fmt: skip


def test_the_membership_at_the_scenarios_end_counts_and_the_history_has_no_repetition(
    tmp_path: Path,
) -> None:
    events = [
        event(at, "mar2", "membership", records=records(*listeners), kernel=[at])
        for at, listeners in ((100, ()), (200, ["fe80::11"]), (300, ["fe80::11"]), (600, ()))
    ]
    run = small_run(tmp_path, events=events, nodes=NODES, scenario={"duration": SECOND // 2})
    (record,) = membership.final(run)["mar2"]
    assert record["listeners"] == ["mn1"]
    assert set(record) == {"upstream", "source", "group", "listeners", "local_sources"}
    history = membership.history(run)["mar2"]
    assert [(state["at_s"], state["kernel"]) for state in history] == [
        (0.1, [100]),
        (0.2, [200]),
        (0.6, [600]),
    ]


def test_the_life_of_a_tunnel(tmp_path: Path) -> None:
    peer = {"peer": "2001:db8:ffff::1:1"}
    events = [
        event(1000, "mar2", "tunnel_created", **peer),
        event(1000, "mar2", "tunnel_held", holder="mn1", **peer),
        event(1100, "mar2", "tunnel_held", holder="multicast", **peer),
        event(1200, "mar2", "tunnel_released", holder="mn1", **peer),
        event(1500, "mar2", "tunnel_removed", **peer),
        event(1600, "mar2", "tunnel_created", **peer),
    ]
    run = small_run(tmp_path, events=events, nodes=NODES)
    places = Places(run)
    first, second = tunnels.lives(run, Carrying([], Listening(places, []), places))
    assert first == {
        "router": "mar2", "peer": "mar1", "created_s": 1.0, "removed_s": 1.5,
        "held_by": ["unicast", "multicast"], "tunnel_bytes": 0, "tunnel_overhead_bytes": 0,
    }  # fmt: skip
    assert (second["created_s"], second["removed_s"]) == (1.6, None)
