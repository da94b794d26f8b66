"""Mobility options: exact octets, alignment, padding, and what stays unknown."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network

import pytest
import wire_strategies as wire
from hypothesis import given
from hypothesis import strategies as st

from agents.wire import mld, mobility
from agents.wire import mobility_options as options
from agents.wire.errors import MalformedPacket
from agents.wire.mobility import BindingAcknowledgementFlag, BindingUpdateFlag

ADDRESS = IPv6Address("2001:db8::a")
LINK_LOCAL = IPv6Address("fe80::5213:2")
PREFIX = IPv6Network("2001:db8:1:1::/64")
MAC = bytes.fromhex("00005e005213")

ADDRESS_HEX = "20010db800000000000000000000000a"
LINK_LOCAL_HEX = "fe800000000000000000000052130002"
PREFIX_HEX = "20010db8000100010000000000000000"

GROUP = IPv6Address("ff3e::c1")
SUBSCRIPTION = mld.AddressRecord(mld.RecordType.MODE_IS_INCLUDE, GROUP, (ADDRESS,))
GROUP_HEX = "ff3e00000000000000000000000000c1"

# Type, length and content in the order of each RFC's figure.
LAYOUTS = [
    (options.NonceIndices(3, 258), "04 04 0003 0102"),
    (options.BindingAuthorizationData(b"authenticate"), "05 0c" + b"authenticate".hex()),
    (options.CgaParameters(b"cga"), "0c 03" + b"cga".hex()),
    (options.Signature(b"signature"), "0d 09" + b"signature".hex()),
    (options.PermanentHomeKeygenToken(b"token"), "0e 05" + b"token".hex()),
    (options.MobileNodeIdentifier("mn1@emu"), "08 08 01" + b"mn1@emu".hex()),
    (options.HomeNetworkPrefix(PREFIX), "16 12 00 40" + PREFIX_HEX),
    (options.HandoffIndicator(options.Handoff.BETWEEN_ROUTERS), "17 02 00 03"),
    (options.AccessTechnologyType(options.AccessTechnology.WLAN), "18 02 00 04"),
    (options.MobileNodeLinkLayerIdentifier(MAC), "19 08 0000 00005e005213"),
    (options.LinkLocalAddress(LINK_LOCAL), "1a 10" + LINK_LOCAL_HEX),
    (options.Timestamp(1_500_000_000), "1b 08 000000000001 8000"),
    (
        options.ActiveMulticastSubscription(SUBSCRIPTION),
        "39 25 8f 01 00 0001" + GROUP_HEX + ADDRESS_HEX,
    ),
    (
        options.MulticastMobility.of((SUBSCRIPTION,)),
        "3c 0a 02 00 0000 0001 01 00 0001" + GROUP_HEX + ADDRESS_HEX,
    ),
    (
        options.MulticastMobility(4, options.MulticastMobility.of(()).report),
        "3c 01 04 00 0000 0000",
    ),
    (
        options.MulticastAcknowledgement.of(options.MulticastStatus.TYPE_UNSUPPORTED),
        "3d 01 00 01 0000 0000",
    ),
    (options.VendorSpecific(4, b"data"), "13 09 00007ed9 04" + b"data".hex()),
    (options.RestartCounter(258), "1c 04 00000102"),
    (
        options.ContextRequest.of((options.HomeNetworkPrefix, options.LinkLocalAddress)),
        "28 06 0000 1600 1a00",
    ),
    (options.LocalMobilityAnchorAddress(ADDRESS), "29 12 01 00" + ADDRESS_HEX),
    (options.LocalMobilityAnchorAddress(IPv4Address("192.0.2.1")), "29 06 02 00 c0000201"),
    (
        options.MobileNodeInterfaceIdentifier(bytes.fromhex("0000000052130002")),
        "2a 0a 0000 0000000052130002",
    ),
    (options.AlternateCareOfAddress(ADDRESS), "03 10" + ADDRESS_HEX),
    (options.AnchoredPrefix(PREFIX), "41 12 00 40" + PREFIX_HEX),
    (options.LocalPrefix(PREFIX), "42 12 00 40" + PREFIX_HEX),
    (options.PreviousMaar(ADDRESS, PREFIX), "43 22 00 40" + ADDRESS_HEX + PREFIX_HEX),
    (options.ServingMaar(ADDRESS), "44 10" + ADDRESS_HEX),
    (options.DlifLinkLocalAddress(LINK_LOCAL), "45 10" + LINK_LOCAL_HEX),
    (options.DlifLinkLayerAddress(MAC), "46 08 0000 00005e005213"),
    (options.UnknownOption(200, b"abc"), "c8 03 616263"),
]

# RFC 6275 section 6.2, RFC 5094 section 3, RFC 5213 section 8, RFC 5847 section 3.4, RFC 7161
# section 4.1, RFC 8885 section 4: modulus and remainder.
ALIGNMENTS = {
    options.AlternateCareOfAddress: (8, 6),
    options.VendorSpecific: (4, 2),
    options.RestartCounter: (4, 2),
    options.NonceIndices: (2, 0),
    options.BindingAuthorizationData: (8, 2),
    options.HomeNetworkPrefix: (8, 4),
    options.LinkLocalAddress: (8, 6),
    options.Timestamp: (8, 2),
    options.ActiveMulticastSubscription: (8, 1),
    options.MulticastMobility: (4, 0),
    options.MulticastAcknowledgement: (4, 0),
    options.AnchoredPrefix: (8, 4),
    options.LocalPrefix: (8, 4),
    options.PreviousMaar: (8, 4),
    options.ServingMaar: (8, 6),
    options.DlifLinkLocalAddress: (8, 6),
}


def spans(data: bytes, start: int) -> list[tuple[int, int]]:
    """Offset and number of every option that is not padding, by a walk of the test's own."""
    found = []
    while start < len(data):
        if data[start] == 0:
            start += 1
            continue
        if data[start] != 1:
            found.append((start, data[start]))
        words = data[start] in (60, 61)  # RFC 7411 section 5: 32-bit words behind a first one
        start += 4 + 4 * data[start + 1] if words else 2 + data[start + 1]
    assert start == len(data)
    return found


@pytest.mark.parametrize(("option", "octets"), LAYOUTS, ids=lambda value: type(value).__name__)
def test_layout(option, octets):
    expected = bytes.fromhex(octets)
    # A start at the option's own remainder, so that no padding comes before it.
    encoded = options.encode_options((option,), option.ALIGNMENT[1])
    assert encoded[: len(expected)] == expected
    assert options.decode_options(expected) == (option,)


@given(wire.option_lists, st.sampled_from([12, 24]))
def test_every_option_stands_where_its_rfc_wants_it(chosen, start):
    data = bytes(start) + options.encode_options(chosen, start)
    assert len(data) % 8 == 0
    found = spans(data, start)
    assert [number for _, number in found] == [option.number for option in chosen]
    for (offset, _), option in zip(found, chosen, strict=True):
        modulus, remainder = ALIGNMENTS.get(type(option), (1, 0))
        assert offset % modulus == remainder % modulus


def test_padding_is_pad1_or_padn_of_zeros():
    one = options.encode_options((options.UnknownOption(9, b"12345"),), 0)
    assert one[-1:] == b"\x00"
    many = options.encode_options((options.UnknownOption(9, b""),), 0)
    assert many[2:] == bytes((1, 4, 0, 0, 0, 0))


def test_flag_bits():
    """RFC 8885 sections 4.1 and 4.2, behind B (RFC 6602) and S (RFC 7161)."""
    flags = BindingUpdateFlag.A | BindingUpdateFlag.P | BindingUpdateFlag.D
    data = mobility.encode(mobility.BindingUpdate(1, 4, flags), wire.MAR, wire.CMD)
    assert data[8:10] == bytes((0x82, 0x10))
    both = BindingAcknowledgementFlag.P | BindingAcknowledgementFlag.D
    data = mobility.encode(mobility.BindingAcknowledgement(0, 1, 4, both), wire.MAR, wire.CMD)
    assert data[7] == 0x22


def test_reserved_bits_are_ignored():
    message = mobility.BindingUpdate(1, 4, BindingUpdateFlag.P)
    data = bytearray(mobility.encode(message, wire.MAR, wire.CMD))
    data[9] |= 0x0F
    assert mobility.decode(wire.with_checksum(bytes(data), 135), wire.MAR, wire.CMD) == message


def test_the_lookups_of_a_message():
    first, second = options.PreviousMaar(ADDRESS, PREFIX), options.PreviousMaar(wire.MAR, PREFIX)
    timestamp = options.Timestamp(5 * 10**9)
    carried = (first, timestamp, second)
    message = mobility.BindingAcknowledgement(0, 1, 4, BindingAcknowledgementFlag.P, carried)
    assert message.option(options.Timestamp) == timestamp
    assert message.option(options.PreviousMaar) == first
    assert message.all(options.PreviousMaar) == [first, second]
    assert message.option(options.ServingMaar) is None
    assert message.all(options.ServingMaar) == []


@pytest.mark.parametrize(("status", "accepted"), [(0, True), (1, True), (128, False), (157, False)])
def test_a_status_below_128_accepts(status, accepted):
    flags = BindingAcknowledgementFlag.P
    assert mobility.BindingAcknowledgement(status, 1, 0, flags).accepted is accepted


def test_options_of_the_same_layout_differ():
    assert options.AnchoredPrefix(PREFIX) != options.LocalPrefix(PREFIX)
    assert options.ServingMaar(ADDRESS) != options.LinkLocalAddress(ADDRESS)


def test_an_identifier_that_is_no_nai_stays_unknown():
    data = bytes.fromhex("08 03 02 aabb")
    assert options.decode_options(data) == (options.UnknownOption(8, bytes.fromhex("02aabb")),)


@pytest.mark.parametrize(
    "octets",
    [
        "39 15 83 00000000" + GROUP_HEX,  # of MLDv1
        "39 15 8f 09000000" + GROUP_HEX,  # a record of a type that there is not
    ],
)
def test_a_subscription_of_another_kind_stays_unknown(octets):
    data = bytes.fromhex(octets)
    assert options.decode_options(data) == (options.UnknownOption(57, data[2:]),)


def test_a_subscription_has_as_many_sources_as_fit():
    sources = (ADDRESS,) * options.ActiveMulticastSubscription.MAXIMUM_SOURCES
    record = mld.AddressRecord(mld.RecordType.MODE_IS_INCLUDE, GROUP, sources)
    option = options.ActiveMulticastSubscription(record)
    assert 255 - 16 < len(option.encode()) <= 255
    more = mld.AddressRecord(mld.RecordType.MODE_IS_INCLUDE, GROUP, (*sources, ADDRESS))
    with pytest.raises(ValueError, match="15"):
        options.ActiveMulticastSubscription(more)


def test_bits_behind_a_prefix_are_cleared():
    data = bytes.fromhex("42 12 00 30" + PREFIX_HEX)
    expected = options.LocalPrefix(IPv6Network("2001:db8:1::/48"))
    assert options.decode_options(data) == (expected,)


def test_a_context_request_says_what_identifies_the_context():
    """RFC 5949 section 6.2.1, its example: a vendor's option is asked for by vendor and subtype."""
    (option,) = options.decode_options(bytes.fromhex("28 0d ffff 1600 1900 1305 00007ed9 04"))
    assert option.requests() == ((22, b""), (25, b""), (19, bytes.fromhex("00007ed904")))
    kinds = (options.HomeNetworkPrefix, options.MobileNodeLinkLayerIdentifier)
    assert options.ContextRequest.of(kinds).requests() == ((22, b""), (25, b""))


def test_an_anchor_whose_address_is_of_another_kind_stays_unknown():
    """RFC 5949 section 6.2.2: option code 0 is reserved."""
    data = bytes.fromhex("29 12 00 00" + ADDRESS_HEX)
    assert options.decode_options(data) == (options.UnknownOption(41, data[2:]),)


def test_reserved_octets_of_handover_options_are_ignored():
    """RFC 5949 sections 6.2.1 to 6.2.3."""
    anchor, identifier = options.decode_options(
        bytes.fromhex("29 12 01 ff" + ADDRESS_HEX + "2a 0a ffff 0000000052130002")
    )
    assert anchor == options.LocalMobilityAnchorAddress(ADDRESS)
    assert identifier.identifier == bytes.fromhex("0000000052130002")


@pytest.mark.parametrize(
    "octets",
    [
        "16",  # no length
        "16 12 00 40 2001",  # longer than the message
        "16 03 00 40 20",  # another length than the format has
        "16 12 00 81" + PREFIX_HEX,  # prefix length 129
        "43 12 00 40" + PREFIX_HEX,
        "1a 04 fe80 0000",
        "1b 04 00000000",
        "17 01 00",
        "19 01 00",
        "08 00",
        "08 01 01",  # an NAI of no characters
        "08 02 01 ff",  # not UTF-8
        "39 00",
        "39 05 8f 01000000",  # a record without its group
        "39 15 8f 01000001" + GROUP_HEX,  # a source that is not there
        "39 16 8f 01000000" + GROUP_HEX + "00",
        "28 01 00",
        "28 03 0000 16",  # a type that is asked for, without a length
        "28 05 0000 13 05 00",  # what identifies it is not all there
        "29 00",
        "29 06 01 00 c0000201",  # the code of an IPv6 address
        "2a 0a 0000 00000000",
        "2a 06 0000 00000000",
    ],
)
def test_malformed_options(octets):
    with pytest.raises(MalformedPacket):
        options.decode_options(bytes.fromhex(octets))


@pytest.mark.parametrize(
    "build",
    [
        lambda: mobility.BindingUpdate(1, 6, BindingUpdateFlag.P),
        lambda: mobility.BindingUpdate(1, 4 * 65536, BindingUpdateFlag.P),
        lambda: mobility.BindingAcknowledgement(0, 1, -4, BindingAcknowledgementFlag.P),
        lambda: options.Timestamp(-1),
        lambda: options.MobileNodeIdentifier(""),
        lambda: options.UnknownOption(1, b""),
        lambda: options.MobileNodeInterfaceIdentifier(bytes(6)),
    ],
)
def test_what_no_packet_can_say_cannot_be_built(build):
    with pytest.raises(ValueError, match=r"."):
        build()


def test_a_message_beyond_2048_octets_is_refused():
    many = (options.PreviousMaar(ADDRESS, PREFIX),) * 60
    message = mobility.BindingAcknowledgement(0, 1, 4, BindingAcknowledgementFlag.P, many)
    with pytest.raises(ValueError, match="2048"):
        mobility.encode(message, wire.MAR, wire.CMD)
