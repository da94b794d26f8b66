"""What a receiver must ignore, and what it must not take, in octets as the RFCs draw them."""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest

from agents.wire import icmpv6, ipv6, mih, mobile_packet, ndp
from agents.wire.errors import MalformedPacket

HOME, NODE, ROUTER = (IPv6Address(f"2001:db8::{n}") for n in (7, 8, 9))
UNSPECIFIED, ALL_ROUTERS = IPv6Address("::"), IPv6Address("ff02::2")
HOME_ADDRESS = "c910" + HOME.packed.hex()
SOLICITATION = bytes(4) + bytes.fromhex("0101 020000000001".replace(" ", ""))


def packet(kind: int, options: str) -> bytes:
    """A packet with these options in an extension header, and no payload behind it."""
    content = bytes.fromhex(options.replace(" ", ""))
    size = 2 + len(content)
    header = bytes((59, size // 8 - 1)) + content
    assert size % 8 == 0
    return ipv6.packet(NODE, ROUTER, kind, header)


@pytest.mark.parametrize("unknown", ["1e02 aabb", "3f02 aabb"])
def test_an_option_that_may_be_skipped_is(unknown):
    """RFC 8200 section 4.2: the two highest bits of its type are 00."""
    destination = mobile_packet.decode(packet(60, unknown + HOME_ADDRESS))
    assert destination.home_address == HOME
    assert ipv6.parse(packet(0, unknown + "0500")).router_alert is False
    both = ipv6.parse(packet(0, unknown + "0502 0000" + "0104 00000000"))
    assert both.router_alert is True


@pytest.mark.parametrize("unknown", ["5e02 aabb", "9e02 aabb", "de02 aabb"])
def test_a_packet_with_another_unknown_option_is_discarded(unknown):
    """01, 10 and 11."""
    with pytest.raises(MalformedPacket, match="must not be passed over"):
        mobile_packet.decode(packet(60, unknown + HOME_ADDRESS))
    with pytest.raises(MalformedPacket, match="must not be passed over"):
        ipv6.parse(packet(0, "0502 0000" + unknown + "0104 00000000"))


def test_a_solicitation_from_nowhere_has_no_link_layer_address():
    """RFC 4861 section 6.1.1."""
    message = icmpv6.Icmpv6Message(133, 0, SOLICITATION)
    data = icmpv6.encode(message, NODE, ALL_ROUTERS)
    expected = ndp.RouterSolicitation(bytes.fromhex("020000000001"))
    assert ndp.decode(data, NODE, ALL_ROUTERS) == expected
    data = icmpv6.encode(message, UNSPECIFIED, ALL_ROUTERS)
    with pytest.raises(MalformedPacket, match="from ::"):
        ndp.decode(data, UNSPECIFIED, ALL_ROUTERS)


def test_the_reserved_bits_of_an_mih_header_mean_nothing():
    """The number of a fragment is the upper seven bits of the second octet."""
    message = mih.MihMessage(mih.Kind.LINK_UP, mih.Opcode.INDICATION, 7, "mn1", "mar1")
    data = bytearray(mih.encode(message))
    data[1] |= 1
    data[4] |= 0xF0
    assert mih.decode(bytes(data)) == message
    data[1] |= 2
    with pytest.raises(MalformedPacket, match="fragment"):
        mih.decode(bytes(data))


@pytest.mark.parametrize("place", [0x00, 0x0F])
def test_a_map_is_no_less_than_a_hop_away(place):
    """RFC 5380 section 5."""
    body = bytes.fromhex("40 00 0708") + bytes(8)
    option = bytes((23, 3, place, 0x7F)) + bytes.fromhex("00001c20") + HOME.packed
    data = icmpv6.encode(icmpv6.Icmpv6Message(134, 0, body + option), NODE, ROUTER)
    with pytest.raises(MalformedPacket, match="distance of 0"):
        ndp.decode(data, NODE, ROUTER)
    near = body + option.replace(bytes((place, 0x7F)), bytes((place | 0x20, 0x7F)), 1)
    data = icmpv6.encode(icmpv6.Icmpv6Message(134, 0, near), NODE, ROUTER)
    (option,) = ndp.decode(data, NODE, ROUTER).maps
    assert option == ndp.MapOption(HOME, 7200, 2, place)
