"""What is kept while a channel changes its upstream, and for how long."""

from ipaddress import IPv6Address

from agents.multicast.splice import Splice
from agents.wire import ipv6

S, G = IPv6Address("2001:db8::51"), IPv6Address("ff3e::c1")


def packet(number, hop_limit=60):
    return ipv6.packet(S, G, 17, bytes((number,)) * 10, hop_limit=hop_limit)


def test_the_new_one_waits_until_the_old_one_has_come_so_far():
    splice = Splice(1000)
    assert splice.by_new(packet(3)) == splice.by_new(packet(4)) == []
    for number in (1, 2):
        assert splice.by_old(packet(number, 57)) == [packet(number, 57)]
    assert not splice.is_complete
    assert splice.by_old(packet(3, 57)) == [packet(3), packet(4)]
    assert splice.is_complete
    assert splice.by_old(packet(4, 57)) == []
    assert splice.by_new(packet(5)) == [packet(5)]


def test_what_the_old_way_has_lost_is_there():
    splice = Splice(1000)
    for number in (3, 4):
        splice.by_new(packet(number))
    splice.by_old(packet(2))
    assert splice.by_old(packet(4)) == [packet(3), packet(4)]


def test_the_old_one_waits_for_a_longer_new_way():
    splice = Splice(1000)
    for number in (5, 6):
        assert splice.by_old(packet(number)) == [packet(number)]
    assert [splice.by_new(packet(number)) for number in (3, 4, 5)] == [[], [], []]
    assert splice.by_old(packet(7)) == []
    assert splice.by_new(packet(6)) == []
    assert splice.is_complete
    assert splice.by_new(packet(7)) == [packet(7)]


def test_what_the_longer_new_way_has_lost_is_not_waited_for():
    splice = Splice(1000)
    for number in (5, 6):
        splice.by_old(packet(number))
    assert splice.by_new(packet(5)) == []
    assert splice.by_new(packet(7)) == [packet(7)]
    assert splice.is_complete


def test_more_than_fits_is_not_kept():
    splice = Splice(2 * len(packet(1)))
    assert splice.by_new(packet(1)) == splice.by_new(packet(2)) == []
    assert splice.by_new(packet(3)) == [packet(1), packet(2), packet(3)]
    assert splice.is_complete


def test_at_the_end_nothing_is_left():
    splice = Splice(1000)
    splice.by_new(packet(1))
    assert splice.end() == [packet(1)]
    assert splice.is_complete
    assert splice.end() == []
