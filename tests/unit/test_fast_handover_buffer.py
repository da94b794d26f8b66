"""What is kept for a node that is not there yet: its channels only, in order, and bounded."""

from ipaddress import IPv6Address

from agents.fast_handover.buffer import Buffers
from agents.wire import ipv6
from agents.wire.mld import AddressRecord, RecordType

S1, S2 = IPv6Address("2001:db8::51"), IPv6Address("2001:db8::52")
G1, G2 = IPv6Address("ff3e::c1"), IPv6Address("ff1e::c2")
SPECIFIC = AddressRecord(RecordType.MODE_IS_INCLUDE, G1, (S1,))
ANY = AddressRecord(RecordType.MODE_IS_EXCLUDE, G2, (S2,))


def packet(source, group, number):
    return ipv6.packet(source, group, 17, bytes((number,)) * 10)


def test_keeps_in_order_what_a_node_listens_to():
    buffers = Buffers(1000)
    buffers.open("mn1", (SPECIFIC, ANY))
    buffers.open("mn2", (ANY,))
    wanted = [packet(S1, G1, 1), packet(S1, G2, 2), packet(S1, G1, 3)]
    for one in (wanted[0], packet(S2, G1, 9), wanted[1], packet(S2, G2, 9), wanted[2], b"short"):
        buffers.put(one)
    assert buffers.take("mn1") == wanted
    assert buffers.take("mn1") == []
    assert buffers.take("mn2") == wanted[1:2]


def test_the_oldest_make_room():
    one = packet(S1, G1, 0)
    buffers = Buffers(3 * len(one))
    buffers.open("mn1", (SPECIFIC,))
    packets = [packet(S1, G1, number) for number in range(5)]
    for each in packets:
        buffers.put(each)
    assert buffers.take("mn1") == packets[2:]
    assert buffers.dropped == 2


def test_keeps_nothing_for_who_does_not_wait():
    buffers = Buffers(1000)
    buffers.open("mn1", (SPECIFIC,))
    buffers.close("mn1")
    buffers.put(packet(S1, G1, 1))
    buffers.open("mn1", (SPECIFIC,))
    assert buffers.take("mn1") == []
