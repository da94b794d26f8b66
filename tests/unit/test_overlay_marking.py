"""DSCP and ECN in the overlay's datagrams, by RFC 6040."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.overlay.marking import received, traffic_class
from agents.wire import ipv4, ipv6
from tests.unit.overlay_world import EVERY, World

NOT_ECT, ECT_1, ECT_0, CE = 0, 1, 2, 3
V4 = IPv4Address("192.0.2.1"), IPv4Address("239.1.1.1")
V6 = IPv6Address("2001:db8::1"), IPv6Address("ff0e::1")


def v4(tos: int, ttl: int = 9) -> bytes:
    return ipv4.packet(ipv4.IPv4Packet(*V4, 17, ttl, b"data", tos))


def v6(tos: int) -> bytes:
    packet = ipv6.packet(*V6, 17, b"data")
    return (6 << 28 | tos << 20).to_bytes(4, "big") + packet[4:]


@pytest.mark.parametrize("make", [v4, v6])
@pytest.mark.parametrize(
    ("inner", "outer", "expected"),
    [
        *((NOT_ECT, outer, NOT_ECT) for outer in (NOT_ECT, ECT_0, ECT_1)),
        (NOT_ECT, CE, None),
        *((ECT_0, outer, ECT_0) for outer in (NOT_ECT, ECT_0)),
        (ECT_0, ECT_1, ECT_1),
        *((ECT_1, outer, ECT_1) for outer in (NOT_ECT, ECT_0, ECT_1)),
        *((inner, CE, CE) for inner in (ECT_0, ECT_1)),
        *((CE, outer, CE) for outer in (NOT_ECT, ECT_0, ECT_1, CE)),
    ],
)
def test_the_two_fields_are_combined(make, inner, outer, expected):
    dscp = 0xB8
    packet = received(make(dscp | inner), outer)
    assert packet == (None if expected is None else make(dscp | expected))


@given(st.integers(0, 255), st.integers(1, 255), st.integers(0, 3))
def test_the_checksum_stays_right(tos, ttl, outer):
    packet = received(v4(tos, ttl), outer)
    if packet is not None:
        assert ipv4.parse(packet).payload == b"data"


@given(st.integers(0, 255))
def test_both_kinds_of_packets_tell_theirs(tos):
    assert traffic_class(v4(tos)) == traffic_class(v6(tos)) == tos


@given(st.binary(max_size=60), st.integers(0, 3))
def test_octets_that_are_no_packet_do_no_harm(octets, outer):
    assert 0 <= traffic_class(octets) < 256
    assert received(octets, outer) is None or len(received(octets, outer)) == len(octets)


def test_each_datagram_has_the_marks_of_what_it_carries():
    world = World(1, 2)
    world.run(5)
    world.want(world.nodes[1], EVERY)
    world.run(1)
    sent = world.nodes[0].core.send(v6(0xB9), V6[0], V6[1], world.now)
    assert 0xB9 in {action.traffic_class for action in sent if hasattr(action, "traffic_class")}
