"""What tunnels carry, which of a channel's packets nobody wants, and how many copies come in."""

from __future__ import annotations

from ipaddress import IPv6Address
from pathlib import Path
from typing import Any

import pytest

from agents.wire import ipv6
from emu.measure import handovers, passages
from emu.measure.carrying import Carrying
from emu.measure.listening import Listening
from emu.measure.places import Places
from emu.measure.run import Run
from emu.measure.stream import Stream
from emu.traffic import payload
from tests.small_run import MS, SECOND, T0, event, flow, small_run
from tests.synthetic_record import GROUP, MAR, SOURCE, Wire

MN, SERVER = IPv6Address("2001:db8:1:1::11"), IPv6Address("2001:db8:5e00:2::2")
NODES = {f"mar{n}": {"role": "mar", "address": str(MAR[n])} for n in (1, 2, 3)}
NODES["mn1"] = NODES["mn2"] = {"role": "mn"}
CHANNEL = flow(group=str(GROUP))
SIZE = 40 + 8 + 100
DOWN = T0 + SECOND


def datagram(sequence: int, to: IPv6Address = GROUP, port: int = 5001) -> bytes:
    body = payload.encode(1, sequence, 0) + bytes(76)
    header = b"\x9c\x40" + port.to_bytes(2, "big") + (8 + len(body)).to_bytes(2, "big") + b"\1\1"
    return ipv6.packet(SOURCE, to, 17, header + body)


def tunnelled(inner: bytes, start: int, end: int) -> bytes:
    return ipv6.packet(MAR[start], MAR[end], 41, inner)


def by_tunnel(wire: Wire, inner: bytes, at: int, start: int, end: int) -> None:
    """A packet goes from one MAR to another, by the exchange between them."""
    wire.pass_by(
        tunnelled(inner, start, end), at, (f"mar{start}-ix", f"ix-mar{start}", MS),
        (f"ix-mar{end}", f"mar{end}-ix", MS),
    )  # fmt: skip


def move(at_ms: float, mn: str, old: str | None, new: str) -> list[dict[str, Any]]:
    leaving = [event(at_ms, "radio", "l2_down", mn=mn, mar=old)] if old else []
    return [*leaving, event(at_ms + 50, "radio", "l2_up", mn=mn, mar=new)]


@pytest.fixture
def wire() -> Wire:
    return Wire()


def carried(
    directory: Path, wire: Wire, *events: dict[str, Any], flows: list[dict[str, Any]]
) -> tuple[Run, Carrying]:
    wire.write(directory / "captures")
    run = small_run(directory, events=events, flows=flows, nodes=NODES, scenario={"events": []})
    streams = [Stream(run, one) for one in flows]
    places = Places(run)
    return run, Carrying(passages.of_run(run), Listening(places, streams), places)


def wasted(directory: Path, wire: Wire, *events: dict[str, Any], listeners: int = 1) -> int | None:
    """Of the handover of mn1 from mar1 to mar2 at 1 s."""
    flows = [flow(f"C1→mn{n}", to=f"mn{n}", group=str(GROUP)) for n in range(1, listeners + 1)]
    moves = [*move(-500, "mn1", None, "mar1"), *move(1000, "mn1", "mar1", "mar2"), *events]
    run, carrying = carried(directory, wire, *moves, flows=flows)
    return carrying.wasted_bytes(handovers.find(run)[0], flows[0])


def test_a_packet_in_a_tunnel_counts_once_and_its_header_is_overhead(tmp_path, wire):
    by_tunnel(wire, datagram(1, MN, 5201), DOWN, 1, 2)
    by_tunnel(wire, datagram(2, MN, 5201), DOWN + SECOND, 1, 2)
    by_tunnel(wire, datagram(3, MN, 5202), DOWN, 1, 2)
    wire.pass_by(datagram(4, MN, 5203), DOWN, ("mar2-radio", "mn1-radio", MS))
    old, new = (
        flow(name, "iperf3", protocol="udp", number=number)
        for name, number in (("old", 5201), ("new", 5203))
    )
    _, carrying = carried(tmp_path, wire, flows=[old, new])
    assert carrying.of_flow(old, 0, DOWN + 1) == {
        "tunnel_bytes": SIZE + 40,
        "tunnel_overhead_bytes": 40,
    }
    assert carrying.of_flow(old, 0, DOWN + 2 * SECOND)["tunnel_overhead_bytes"] == 80
    assert set(carrying.of_flow(new, 0, DOWN + 2 * SECOND).values()) == {0}
    assert carrying.of_tunnel(("mar1", "mar2"), 0, DOWN + 1)["tunnel_overhead_bytes"] == 80
    assert carrying.of_tunnel(("mar2", "mar1"), 0, DOWN + 1)["tunnel_overhead_bytes"] == 0


def test_pings_are_known_by_their_number(tmp_path, wire):
    echo = b"\x80\0\0\0\0\1\0\1" + payload.encode(7, 1, 0)
    by_tunnel(wire, ipv6.packet(MN, SERVER, ipv6.ICMPV6, echo), DOWN, 2, 1)
    ours, other = (flow(f"ping-{n}", "ping", number=n) for n in (7, 8))
    _, carrying = carried(tmp_path, wire, flows=[ours, other])
    assert carrying.of_flow(ours, 0, 2 * DOWN)["tunnel_bytes"] == 40 + 40 + len(echo)
    assert carrying.of_flow(other, 0, 2 * DOWN)["tunnel_bytes"] == 0


def test_signalling_in_a_tunnel_is_no_users_packet(tmp_path, wire):
    by_tunnel(wire, ipv6.packet(MAR[2], MAR[1], ipv6.MOBILITY, bytes(16)), DOWN, 2, 1)
    query = ipv6.packet(MAR[2], MAR[1], ipv6.ICMPV6, b"\x82" + bytes(23))
    by_tunnel(wire, query, DOWN, 2, 1)
    _, carrying = carried(tmp_path, wire, flows=[])
    assert carrying.of_tunnel(("mar2", "mar1"), 0, 2 * DOWN)["tunnel_bytes"] == 0


def test_what_the_access_link_gets_after_the_last_listener_left_is_wasted(tmp_path, wire):
    for at in (-10, 10, 20, 30):
        wire.pass_by(datagram(at + 50), DOWN + at * MS, ("mar1-radio", "", MS))
    wire.pass_by(datagram(9), DOWN + 100 * MS, ("mar2-radio", "mn1-radio", MS))
    assert wasted(tmp_path, wire) == 3 * SIZE


def test_nothing_is_wasted_while_others_listen_there(tmp_path, wire):
    wire.pass_by(datagram(1), DOWN + 10 * MS, ("mar1-radio", "mn2-radio", MS))
    assert wasted(tmp_path, wire, *move(-500, "mn2", None, "mar1"), listeners=2) == 0


def test_a_listener_that_comes_ends_the_waste(tmp_path, wire):
    for at in (10, 490, 510, 900):
        wire.pass_by(datagram(at), DOWN + at * MS, ("mar1-radio", "", MS))
    assert wasted(tmp_path, wire, *move(1450, "mn2", None, "mar1"), listeners=2) == 2 * SIZE


def test_a_tunnel_to_the_router_that_was_left_is_wasted_unless_it_leads_on(tmp_path, wire):
    by_tunnel(wire, datagram(1), DOWN + 60 * MS, 3, 1)
    by_tunnel(wire, datagram(1), DOWN + 62 * MS, 1, 2)  # on to mar2, where mn1 is now
    by_tunnel(wire, datagram(2), DOWN + 70 * MS, 3, 1)
    by_tunnel(wire, datagram(3), DOWN - 70 * MS, 3, 1)
    assert wasted(tmp_path, wire) == SIZE + 40


def test_copies_that_enter_a_router(tmp_path, wire):
    for sequence in (1, 2):
        wire.pass_by(datagram(sequence), DOWN, ("mr2-mar2", "mar2-core", MS))
        by_tunnel(wire, datagram(sequence), DOWN, 1, 2)
    wire.pass_by(datagram(3), DOWN, ("mr2-mar2", "mar2-core", MS))
    wire.pass_by(datagram(4), DOWN + SECOND, ("mr2-mar2", "mar2-core", MS))
    by_tunnel(wire, datagram(5, IPv6Address("ff3e::c2")), DOWN, 1, 2)
    _, carrying = carried(tmp_path, wire, flows=[CHANNEL])
    assert carrying.copies(CHANNEL, "mar2", DOWN, DOWN + SECOND) == 2
    assert carrying.copies(CHANNEL, "mar2", DOWN + SECOND, DOWN + 2 * SECOND) == 1
    assert carrying.copies(CHANNEL, "mar1", DOWN, DOWN + SECOND) is None


HA = IPv6Address("2001:db8:ffff::9:1")
CARE_OF = {n: IPv6Address(f"2001:db8:2:1::1{n}") for n in (1, 2)}
"""Of mn1 and mn2 at mar2."""


def by_own_tunnel(wire: Wire, inner: bytes, at: int, care_of: IPv6Address, mar: int) -> None:
    """A packet goes from the home agent to a mobile node, through its access router."""
    wire.pass_by(
        ipv6.packet(HA, care_of, 41, inner), at, ("ha-mr1", f"mar{mar}-core", MS),
        (f"mar{mar}-radio", "", MS),
    )  # fmt: skip


def addresses() -> list[dict[str, Any]]:
    known = {"mn1": [MN, CARE_OF[1]], "mn2": [CARE_OF[2]]}
    return [
        event(-400, mn, "address", address=str(one), state="preferred")
        for mn, some in known.items()
        for one in some
    ]


def test_what_a_nodes_own_tunnel_leads_to_the_link_it_left_is_wasted(tmp_path, wire):
    """Whoever else listens there; until the node is there again."""
    for at in (-10, 10, 20, 1060):
        by_own_tunnel(wire, datagram(at + 50), DOWN + at * MS, MN, 1)
    by_own_tunnel(wire, datagram(9), DOWN + 100 * MS, CARE_OF[1], 2)
    others = [*move(-500, "mn2", None, "mar1"), *move(2000, "mn1", "mar2", "mar1"), *addresses()]
    assert wasted(tmp_path, wire, *others, listeners=2) == 2 * (SIZE + 40)


def test_packets_in_the_tunnels_of_two_nodes_of_a_router_enter_it_twice(tmp_path, wire):
    for sequence in (1, 2):
        for care_of in CARE_OF.values():
            by_own_tunnel(wire, datagram(sequence), DOWN, care_of, 2)
    by_own_tunnel(wire, datagram(3), DOWN, MN, 2)  # on its way through, to a node elsewhere
    here = [*move(-500, "mn2", None, "mar2"), *move(-500, "mn1", None, "mar2"), *addresses()]
    _, carrying = carried(tmp_path, wire, *here, flows=[CHANNEL])
    assert carrying.copies(CHANNEL, "mar2", DOWN, DOWN + SECOND) == 2
    assert carrying.copies(CHANNEL, "mar1", DOWN, DOWN + SECOND) is None
