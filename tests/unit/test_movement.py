"""Which address a mobile node is to be reached at, by what is advertised on the link."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network

import pytest

from agents.mipv6.movement import Movement
from agents.wire.ndp import MapOption, PrefixInformation, RouterAdvertisement

PREFIXES = [IPv6Network(f"2001:db8:{number}:1::/64") for number in range(5)]
ADDRESSES = [prefix[9] for prefix in PREFIXES]


def hear(movement: Movement, number: int, *anchors: int) -> None:
    """What MAR ``number`` advertises, and of which MARs it has prefixes."""
    for anchor in anchors:
        old = RouterAdvertisement(64, 0, (PrefixInformation(PREFIXES[anchor], 300, 0),))
        assert not movement.advertised(IPv6Address(f"fe80::{anchor}"), old)
    new = RouterAdvertisement(64, 300, (PrefixInformation(PREFIXES[number], 300, 300),))
    assert movement.advertised(IPv6Address(f"fe80::{number}"), new)


def test_without_a_router_it_cannot_be_reached():
    movement = Movement()
    assert movement.care_of(ADDRESSES, None) is None
    hear(movement, 1)
    assert movement.care_of(ADDRESSES, None) == ADDRESSES[1]
    movement.lost()
    assert movement.care_of(ADDRESSES, ADDRESSES[1]) is None


@pytest.mark.parametrize("carrier", ["drop", "keep"])
def test_its_care_of_address_stays_while_the_network_anchors_it(carrier):
    movement = Movement()
    hear(movement, 1)
    for number, anchors in ((2, [1]), (3, [1, 2]), (3, [2, 1])):
        if carrier == "drop":
            movement.lost()
        hear(movement, number, *anchors)
        assert movement.care_of(ADDRESSES, ADDRESSES[1]) == ADDRESSES[1]
        assert movement.care_of(ADDRESSES[2:], ADDRESSES[1]) is None, "not usable yet"
    hear(movement, 4)
    assert movement.care_of(ADDRESSES, ADDRESSES[1]) == ADDRESSES[4]


def test_one_that_rebinds_takes_the_new_address_once_it_can_and_is_reachable_meanwhile():
    movement = Movement(rebinds=True)
    hear(movement, 1)
    assert movement.care_of(ADDRESSES, None) == ADDRESSES[1]
    movement.lost()
    assert movement.care_of(ADDRESSES, ADDRESSES[1]) is None
    hear(movement, 2, 1)
    assert movement.care_of(ADDRESSES[:2], ADDRESSES[1]) == ADDRESSES[1]
    assert movement.care_of(ADDRESSES[:1], ADDRESSES[1]) is None
    assert movement.care_of(ADDRESSES, ADDRESSES[1]) == ADDRESSES[2]
    hear(movement, 2, 1)  # again, as routers do
    assert movement.care_of(ADDRESSES, ADDRESSES[2]) == ADDRESSES[2]
    hear(movement, 1, 2)
    assert movement.care_of(ADDRESSES, ADDRESSES[2]) == ADDRESSES[1]


def test_a_prefix_that_is_withdrawn_is_not_kept():
    movement = Movement()
    over = RouterAdvertisement(64, 0, (PrefixInformation(PREFIXES[1], 0, 0),))
    movement.advertised(IPv6Address("fe80::1"), over)
    hear(movement, 2)
    assert movement.care_of(ADDRESSES, ADDRESSES[1]) == ADDRESSES[2]


def test_the_router_tells_of_mobility_anchor_points():
    movement, maps = Movement(), (MapOption(IPv6Address("2001:db8:b001::1"), 60),)
    new = RouterAdvertisement(64, 300, (PrefixInformation(PREFIXES[1], 300, 300),), maps=maps)
    assert movement.advertised(IPv6Address("fe80::1"), new)
    assert movement.router.maps == maps
