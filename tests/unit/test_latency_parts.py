from __future__ import annotations

from pathlib import Path
from typing import Any

from emu.measure import handovers
from emu.measure.handovers import Handover
from tests.small_run import MS, T0, event, small_run

NEW = "2001:db8:2:1::5"
MEMBER = {"mn": "mn1"}


def steps(start: float = 1000, origin: str = "mar1", target: str = "mar2") -> list[dict[str, Any]]:
    return [
        event(start, "radio", "l2_down", mar=origin, **MEMBER),
        event(start + 50, "radio", "l2_up", mar=target, **MEMBER),
        event(start + 50.8, target, "attached", mn="mn1@example.org"),
        event(start + 51, target, "prefix_assigned", prefix="2001:db8:2:1::/64", **MEMBER),
        event(start + 52, target, "sent", message="PBU", sequence=1, **MEMBER),
        event(start + 72.5, target, "binding_complete", **MEMBER),
    ]


def address(at: float, state: str, value: str = NEW) -> dict[str, Any]:
    return event(at, "mn1", "address", address=value, state=state)


def found(tmp_path: Path, *events: dict[str, Any], **meta: Any) -> list[Handover]:
    return handovers.find(small_run(tmp_path, events=events, **meta))


def test_every_part(tmp_path: Path) -> None:
    usual = [address(1074, "tentative"), address(2080, "preferred")]
    (handover,) = found(tmp_path, *steps(), *usual)
    assert (handover.mn, handover.origin, handover.target) == ("mn1", "mar1", "mar2")
    assert handover.latency_ms == {
        "l2": 50,
        "authentication": 0,
        "detection": 0.8,
        "binding": 20.5,
        "address": 1007.5,
        "total": 1080,
    }


def test_a_node_is_authenticated_between_its_association_and_its_link(tmp_path: Path) -> None:
    associated = event(1030, "radio", "associated", mar="mar2", **MEMBER)
    (handover,) = found(tmp_path, *steps(), associated, address(1074, "preferred"))
    parts = handover.latency_ms
    assert (parts["l2"], parts["authentication"], parts["detection"]) == (30, 20, 0.8)
    assert (parts["total"], handover.care_of_test_ms) == (74, None)


def test_the_test_of_a_care_of_address_is_a_part_of_the_binding(tmp_path: Path) -> None:
    fields = {"source": NEW, "destination": "2001:db8:1::1", **MEMBER}
    own = [
        event(1080, "mn1", "sent", message="CoTI", **fields),
        event(1100, "mn1", "sent", message="BU", lifetime=300, **fields),
        event(1101, "mn1", "sent", message="BU", lifetime=300, **fields),
        event(1120, "mn1", "binding_complete", **MEMBER),
    ]
    steps_of_a_host = [step for step in steps() if step.get("message") != "PBU"]
    (handover,) = found(tmp_path, *steps_of_a_host, address(1075, "preferred"), *own)
    assert (handover.care_of_test_ms, handover.latency_ms["binding"]) == (20, 40)


def test_an_optimistic_address_is_usable(tmp_path: Path) -> None:
    (handover,) = found(tmp_path, *steps(), address(1080, "optimistic"), address(2000, "preferred"))
    assert handover.latency_ms["address"] == 7.5


def test_addresses_of_other_prefixes_do_not_count(tmp_path: Path) -> None:
    old = address(1075, "preferred", "2001:db8:1:1::5")
    (handover,) = found(tmp_path, *steps(), old, address(1090, "preferred"))
    assert handover.latency_ms["address"] == 17.5


def test_an_address_that_is_usable_already_takes_no_time(tmp_path: Path) -> None:
    (handover,) = found(tmp_path, address(0, "preferred"), *steps())
    assert (handover.latency_ms["address"], handover.latency_ms["total"]) == (0, 72.5)


def test_an_old_address_that_is_tentative_again_must_become_usable(tmp_path: Path) -> None:
    events = [address(0, "preferred"), address(1051, "tentative"), address(1100, "preferred")]
    (handover,) = found(tmp_path, *steps(), *events)
    assert handover.latency_ms["address"] == 27.5


def test_a_deprecated_address_becomes_preferred(tmp_path: Path) -> None:
    (handover,) = found(tmp_path, address(500, "deprecated"), *steps(), address(1074, "preferred"))
    assert handover.latency_ms["address"] == 1.5


def test_without_a_prefix_event_the_routers_pool_decides(tmp_path: Path) -> None:
    events = [step for step in steps() if step["kind"] != "prefix_assigned"]
    pool = {"mar2": {"role": "mar", "pool": "2001:db8:2::/48"}}
    (handover,) = found(tmp_path, *events, address(1080, "preferred"), nodes=pool)
    assert handover.latency_ms["address"] == 7.5


def own_update(at: float, source: str, lifetime: int) -> dict[str, Any]:
    fields = {"message": "BU", "source": source, "lifetime": lifetime}
    return event(at, "mn1", "sent", **fields, **MEMBER)


def test_a_client_in_a_network_that_registers_it_too_is_bound_when_its_home_agents_know(
    tmp_path: Path,
) -> None:
    own = [own_update(1080, NEW, 300), event(1100, "mn1", "binding_complete", **MEMBER)]
    pool = {"mar2": {"role": "mar", "pool": "2001:db8:2::/48"}}
    (handover,) = found(tmp_path, *steps(), address(1075, "preferred"), *own, nodes=pool)
    latency = handover.latency_ms
    assert (latency["binding"], latency["total"]) == (20, 100)
    assert latency["address"] == round(1075 - 1050.8, 1)


def test_what_a_client_takes_back_or_refreshes_is_not_of_the_handover(tmp_path: Path) -> None:
    other = "2001:db8:3:1::5"
    own = [own_update(1080, other, 300), own_update(1090, NEW, 0)]
    pool = {"mar2": {"role": "mar", "pool": "2001:db8:2::/48"}}
    for update in own:
        (handover,) = found(tmp_path, *steps(), address(1080, "preferred"), update, nodes=pool)
        assert handover.latency_ms["binding"] == 20.5


def test_an_unfinished_handover_has_no_total(tmp_path: Path) -> None:
    (handover,) = found(tmp_path, *steps()[:-1])
    latency = handover.latency_ms
    assert (latency["l2"], latency["binding"], latency["total"]) == (50, None, None)
    assert handover.done_ns == T0 + round(1050.8 * MS)


def test_what_comes_after_the_next_link_down_belongs_to_the_next(tmp_path: Path) -> None:
    first, second = steps()[:-1], steps(1500, "mar2", "mar3")
    one, two = found(tmp_path, *first, *second, address(2000, "preferred"))
    assert one.latency_ms["binding"] is None
    assert (two.origin, two.target, two.latency_ms["binding"]) == ("mar2", "mar3", 20.5)


def test_another_nodes_steps_do_not_count(tmp_path: Path) -> None:
    other = event(1010, "mar2", "binding_complete", mn="mn2")
    (handover,) = found(tmp_path, other, *steps(), address(1080, "preferred"))
    assert handover.latency_ms["binding"] == 20.5


def test_a_detachment_is_no_handover_and_neither_is_coming_back(tmp_path: Path) -> None:
    scenario = {"events": [{"at": 1000 * MS, "detach": "mn1"}]}
    assert found(tmp_path, *steps(), scenario=scenario) == []


def test_the_first_attachment_is_no_handover(tmp_path: Path) -> None:
    assert found(tmp_path, *steps()[1:]) == []


def test_a_torn_event_log_gives_what_it_has(tmp_path: Path) -> None:
    run = small_run(tmp_path, events=steps())
    path = tmp_path / "events.jsonl"
    path.write_text(path.read_text(encoding="utf-8")[:-20], encoding="utf-8")
    (handover,) = handovers.find(run)
    assert handover.latency_ms["binding"] is None


def test_a_binding_is_answered_by_who_sent_the_last_acknowledgement_of_it(tmp_path: Path) -> None:
    def received(at: float, message: str, source: str, node: str = "mar2", mn: str = "mn1") -> Any:
        return event(at, node, "received", message=message, source=source, mn=mn)

    heard = [
        received(1060, "PBA", "2001:db8:1::1"),
        received(1070, "PBA", "2001:db8::c"),
        received(1071, "PBU", "2001:db8:3::1"),
        received(1071, "PBA", "2001:db8:3::1", node="mar3"),
        received(1071, "PBA", "2001:db8:3::1", mn="mn2"),
        received(1080, "PBA", "2001:db8:3::1"),
    ]
    addresses = {"mar1": "2001:db8:1::1", "cmd": "2001:db8::c", "mar3": "2001:db8:3::1"}
    nodes = {name: {"role": "mar", "address": value} for name, value in addresses.items()}
    run = small_run(tmp_path, events=[*steps(), *heard], nodes=nodes)
    (handover,) = handovers.find(run)
    assert handovers.answered_by(run, handover) == "cmd"


def test_without_an_acknowledgement_nobody_has_answered(tmp_path: Path) -> None:
    run = small_run(tmp_path, events=steps())
    (handover,) = handovers.find(run)
    assert handovers.answered_by(run, handover) is None


def test_the_prefix_is_the_last_that_this_node_has_from_this_router_in_time(tmp_path: Path) -> None:
    def assigned(at: float, node: str, prefix: str, mn: str = "mn1") -> Any:
        return event(at, node, "prefix_assigned", prefix=prefix, mn=mn)

    others = [
        assigned(1053, "mar3", "2001:db8:3:1::/64"),
        assigned(1054, "mar2", "2001:db8:2:2::/64", mn="mn2"),
        event(1500, "radio", "l2_down", mar="mar2", **MEMBER),
        assigned(1600, "mar2", "2001:db8:2:3::/64"),
    ]
    elsewhere = [address(1080, "preferred", f"2001:db8:{n}::5") for n in ("3:1", "2:2", "2:3")]
    (handover,) = found(tmp_path, *steps(), *others, *elsewhere, address(1090, "preferred"))
    assert handover.latency_ms["address"] == 17.5
