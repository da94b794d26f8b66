"""Two copies of a channel, one behind the other, become one."""

from ipaddress import IPv6Address

from agents.multicast.splice import DIFFERENT, Splice
from agents.wire import ipv6

S, G = IPv6Address("2001:db8::51"), IPv6Address("ff3e::c1")
PADDING = 255


def packet(number, hop_limit=60):
    return ipv6.packet(S, G, 17, bytes((number,)) * 10, hop_limit=hop_limit)


def packets(*numbers):
    return [packet(number) for number in numbers]


def old(splice, *numbers):
    """By the old way there are more hops."""
    return [one[-1] for number in numbers for one in splice.by_old(packet(number, 57))]


def new(splice, *numbers):
    return [one[-1] for number in numbers for one in splice.by_new(packet(number))]


def test_the_new_one_waits_until_the_old_one_has_come_so_far():
    splice = Splice(1000)
    assert new(splice, 3, 4, 5, 6, 7, 8) == []
    assert old(splice, 1, 2, 3, 4) == [1, 2, 3, 4]
    assert not splice.is_complete
    assert old(splice, 5) == [5, 6, 7, 8]
    assert splice.is_complete
    assert old(splice, 6) == []
    assert new(splice, 9) == [9]


def test_the_old_one_waits_for_a_longer_new_way():
    splice = Splice(1000)
    assert old(splice, 5, 6, 7, 8, 9, 10) == [5, 6, 7, 8, 9, 10]
    assert new(splice, 3, 4, 5, 6, 7) == []
    assert old(splice, 11) == []
    assert new(splice, 8, 9) == []
    assert not splice.is_complete
    assert new(splice, 10) == []
    assert splice.is_complete
    assert new(splice, 11) == [11]


def test_who_is_first_may_change():
    splice = Splice(1000)
    assert old(splice, 1) + new(splice, 1, 2) + old(splice, 2) == [1, 2]
    assert new(splice, 3, 4) + old(splice, 3) == [3, 4]
    assert splice.is_complete


def test_what_the_longer_new_way_has_lost_is_not_waited_for():
    splice = Splice(1000)
    old(splice, 5, 6, 7, 8, 9, 10)
    assert new(splice, 5, 6, 7, 10) == []
    assert splice.is_complete
    splice = Splice(1000)
    old(splice, 5, 6, 7, 8, 9, 10)
    assert new(splice, 5, 6, 7, 11) == [11]
    assert splice.is_complete


def test_packets_that_are_alike_do_not_mislead():
    splice = Splice(1000)
    assert new(splice, 4, PADDING, PADDING, 6, 7, 8) == []
    assert old(splice, PADDING, 2, PADDING, PADDING) == [PADDING, 2, PADDING, PADDING]
    assert old(splice, *3 * [PADDING], 4, PADDING, PADDING) == [*3 * [PADDING], 4, PADDING, PADDING]
    assert old(splice, 6) == [6, 7, 8]


def test_of_packets_that_are_all_alike_the_old_ones_count():
    splice = Splice(10**6)
    many = 1000 * [PADDING]
    assert new(splice, *many) == []
    assert old(splice, *many) == many
    assert splice.end() == []


def test_more_than_fits_is_not_kept():
    splice = Splice(2 * len(packet(1)))
    assert new(splice, 1, 2, 3) == [1, 2, 3]
    assert splice.is_complete


def test_at_the_end_only_what_the_old_one_has_brought_is_left_out():
    splice = Splice(1000)
    new(splice, 3, 4, 5)
    old(splice, 2, 3)
    assert splice.end() == packets(4, 5)
    assert splice.is_complete
    assert splice.end() == []


def test_at_the_end_what_the_old_one_is_ahead_stays_so():
    splice = Splice(1000)
    numbers = range(DIFFERENT + 2)
    old(splice, *numbers)
    new(splice, *numbers[:DIFFERENT])
    assert splice.end() == []
    assert new(splice, 9) == [9]
