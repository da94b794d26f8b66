"""No octets whatever make a decoder raise anything but MalformedPacket."""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest
import wire_strategies as wire
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agents.wire import channel, cxtp, fast_handover, icmpv6, ipv6, mld, mobility, ndp, sctp
from agents.wire.errors import MalformedPacket, UnknownMessage

MANY = settings(max_examples=400)


def survives(decoder, data, *addresses):
    """Decode; what is accepted must be a message that encodes again."""
    try:
        return decoder(data, *addresses)
    except MalformedPacket:
        return None


def mutated(data: st.DataObject, packet: bytes) -> bytes:
    """The packet cut, grown, or with some octets replaced."""
    octets = bytearray(packet[: data.draw(st.integers(0, len(packet)))])
    if data.draw(st.booleans()):
        octets = bytearray(packet)
    for _ in range(data.draw(st.integers(0, 4))):
        if octets:
            octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(wire.octet)
    return bytes(octets) + data.draw(st.binary(max_size=12))


@MANY
@given(st.binary(max_size=120))
@example(b"")
@example(bytes(8))
def test_arbitrary_octets(data):
    assert survives(ipv6.parse, data) is None or len(data) >= 40
    for decoder, protocol in (
        (mobility.decode, ipv6.MOBILITY),
        (channel.decode, ipv6.MOBILITY),
        (fast_handover.decode, ipv6.MOBILITY),
        (mld.decode, ipv6.ICMPV6),
        (ndp.decode, ipv6.ICMPV6),
    ):
        survives(decoder, data, wire.MAR, wire.CMD)
        survives(decoder, wire.with_checksum(data, protocol), wire.MAR, wire.CMD)


@MANY
@given(st.sampled_from([5, 6, 7]), st.binary(min_size=2, max_size=254))
def test_arbitrary_mobility_bodies(kind, body):
    body += bytes(-(6 + len(body)) % 8)
    header = bytes((59, (6 + len(body)) // 8 - 1, kind, 0, 0, 0))
    data = wire.with_checksum(header + body, ipv6.MOBILITY)
    message = survives(mobility.decode, data, wire.MAR, wire.CMD)
    if message is not None:
        again = mobility.encode(message, wire.MAR, wire.CMD)
        assert mobility.decode(again, wire.MAR, wire.CMD) == message


@MANY
@given(st.sampled_from(sorted(mld.TYPES | ndp.TYPES)), wire.octet, st.binary(max_size=200))
def test_arbitrary_icmpv6_bodies(kind, code, body):
    frame = icmpv6.Icmpv6Message(kind, code, body)
    data = icmpv6.encode(frame, wire.MAR, wire.CMD)
    codec = mld if kind in mld.TYPES else ndp
    message = survives(codec.decode, data, wire.MAR, wire.CMD)
    if message is not None:
        again = codec.encode(message, wire.MAR, wire.CMD)
        assert codec.decode(again, wire.MAR, wire.CMD) == message


@MANY
@given(wire.mobility_message, st.data())
def test_mutated_mobility_messages(message, data):
    octets = mutated(data, mobility.encode(message, wire.MAR, wire.CMD))
    survives(mobility.decode, octets, wire.MAR, wire.CMD)
    right = wire.with_checksum(octets, ipv6.MOBILITY)
    survives(mobility.decode, right, wire.MAR, wire.CMD)


@MANY
@given(wire.channel_message, st.data())
def test_mutated_channel_messages(message, data):
    octets = mutated(data, channel.encode(message, wire.MAR, wire.CMD))
    survives(channel.decode, octets, wire.MAR, wire.CMD)
    again = survives(channel.decode, wire.with_checksum(octets, ipv6.MOBILITY), wire.MAR, wire.CMD)
    if again is not None:
        assert (
            channel.decode(channel.encode(again, wire.MAR, wire.CMD), wire.MAR, wire.CMD) == again
        )


@MANY
@given(st.sampled_from([mld, ndp]), st.data())
def test_mutated_icmpv6_messages(codec, data):
    message = data.draw(wire.mld_message if codec is mld else wire.ndp_message)
    octets = mutated(data, codec.encode(message, wire.MAR, wire.CMD))
    survives(codec.decode, octets, wire.MAR, wire.CMD)
    survives(codec.decode, wire.with_checksum(octets, ipv6.ICMPV6), wire.MAR, wire.CMD)


@MANY
@given(st.sampled_from([0, 43, 58, 60]), st.binary(max_size=64), st.booleans(), st.data())
def test_mutated_ipv6_packets(next_header, payload, alert, data):
    packet = ipv6.packet(wire.MAR, wire.CMD, next_header, payload, router_alert=alert)
    survives(ipv6.parse, packet)
    survives(ipv6.parse, mutated(data, packet))


def test_an_unknown_mobility_header_type_is_told_apart():
    """RFC 6275 section 9.2: it is answered with a Binding Error of status 2."""
    data = wire.with_checksum(bytes((59, 0, 200, 0, 0, 0, 0, 0)), ipv6.MOBILITY)
    with pytest.raises(UnknownMessage) as caught:
        mobility.decode(data, wire.MAR, wire.CMD)
    assert caught.value.message_type == 200


def channel_header(option: bytes) -> bytes:
    """An experimental Mobility Header with this option."""
    body = option + bytes(-(6 + len(option)) % 8)
    return wire.with_checksum(
        bytes((59, (6 + len(body)) // 8 - 1, 11, 0, 0, 0)) + body, ipv6.MOBILITY
    )


@pytest.mark.parametrize(
    "option",
    [
        "",  # no option at all
        "13 07 00000009 03 0001",  # another vendor's
        "13 07 00007ed9 09 0001",  # a subtype that is not ours
    ],
)
def test_another_experiment_is_told_apart(option):
    with pytest.raises(UnknownMessage):
        channel.decode(channel_header(bytes.fromhex(option)), wire.MAR, wire.CMD)


RESPONSE = "13 29 00007ed9 02 0001 {scope} 00 {group} 00000000000000000000000000000000"
GROUP = "ff1e00000000000000000000000000c2"


@pytest.mark.parametrize(
    ("option", "problem"),
    [
        ("13 04 00007ed9", "VendorSpecific of 4 octets"),  # a vendor, but no subtype
        ("13 06 00007ed9 03 01", "channel message 3 of 1 octets"),
        (RESPONSE.format(scope="04", group=GROUP), "channel scope 4"),
        (RESPONSE.format(scope="01", group="2001" + GROUP[4:]), "no multicast address"),
    ],
)
def test_a_channel_message_that_says_nonsense_is_malformed(option, problem):
    with pytest.raises(MalformedPacket, match=problem):
        channel.decode(channel_header(bytes.fromhex(option)), wire.MAR, wire.CMD)


@pytest.mark.parametrize("codec", [mld, ndp])
def test_another_icmpv6_message_is_told_apart(codec):
    echo = icmpv6.encode(icmpv6.Icmpv6Message(128, 0, bytes(4)), wire.MAR, wire.CMD)
    assert icmpv6.message_type(echo) not in codec.TYPES
    with pytest.raises(UnknownMessage):
        codec.decode(echo, wire.MAR, wire.CMD)


def test_a_mobility_header_announces_no_payload():
    data = wire.with_checksum(bytes((58, 0, 5, 0, 0, 0, 0, 0)), ipv6.MOBILITY)
    with pytest.raises(MalformedPacket, match="payload protocol 58"):
        mobility.decode(data, wire.MAR, wire.CMD)


@pytest.mark.parametrize("length", [25, 26, 27])
def test_a_query_between_the_lengths_of_the_versions_is_of_none(length):
    """RFC 3810 section 8.1."""
    data = icmpv6.encode(icmpv6.Icmpv6Message(130, 0, bytes(length - 4)), wire.MAR, wire.CMD)
    with pytest.raises(MalformedPacket, match="no version"):
        mld.decode(data, wire.MAR, wire.CMD)


MAPPED, GROUP = IPv6Address("::ffff:239.1.2.3"), IPv6Address("ff0e::1")


@pytest.mark.parametrize(
    "message",
    [
        mld.ListenerReportV1(MAPPED),
        mld.ListenerDoneV1(MAPPED),
        mld.MulticastListenerQuery(MAPPED, 1000),
        mld.MulticastListenerQuery(GROUP, 1000, (MAPPED,)),
        mld.MulticastListenerReport((mld.AddressRecord(mld.RecordType(4), MAPPED, ()),)),
        mld.MulticastListenerReport((mld.AddressRecord(mld.RecordType(3), GROUP, (MAPPED,)),)),
    ],
    ids=repr,
)
def test_no_ipv4_group_or_source_is_asked_for_by_mld(message):
    """To a router of both it would be a listener that IGMP knows nothing of."""
    source, destination = IPv6Address("fe80::1"), IPv6Address("ff02::16")
    data = mld.encode(message, source, destination)
    with pytest.raises(MalformedPacket, match="IPv4-mapped"):
        mld.decode(data, source, destination)


def test_a_record_of_an_unknown_type_is_skipped_with_its_auxiliary_data():
    """RFC 3810 sections 5.2.6 and 5.2.12."""
    group = mld.ALL_MLDV2_ROUTERS.packed
    unknown = bytes((9, 1, 0, 1)) + group + bytes(16) + b"auxi"
    known = bytes((2, 0, 0, 0)) + group
    body = bytes((0, 0, 0, 2)) + unknown + known
    data = icmpv6.encode(icmpv6.Icmpv6Message(143, 0, body), wire.MAR, wire.CMD)
    record = mld.AddressRecord(mld.RecordType.MODE_IS_EXCLUDE, mld.ALL_MLDV2_ROUTERS)
    assert mld.decode(data, wire.MAR, wire.CMD) == mld.MulticastListenerReport((record,))


def test_a_neighbor_discovery_option_without_a_length_is_malformed():
    """RFC 4861 section 4.6: length 0 would never end."""
    data = icmpv6.encode(icmpv6.Icmpv6Message(133, 0, bytes(12)), wire.MAR, wire.CMD)
    with pytest.raises(MalformedPacket, match="without a length"):
        ndp.decode(data, wire.MAR, wire.CMD)


@pytest.mark.parametrize("options", ["05 05 0000 0100", "01 03 000000 05"])
def test_a_hop_by_hop_option_beyond_its_header_is_malformed(options):
    """Even where the packet goes on behind the header."""
    payload = bytes((ipv6.ICMPV6, 0)) + bytes.fromhex(options) + bytes(8)
    with pytest.raises(MalformedPacket, match="IPv6 option longer"):
        ipv6.parse(ipv6.packet(wire.MAR, wire.CMD, ipv6.HOP_BY_HOP, payload))


@MANY
@given(st.data())
def test_sctp_and_what_it_carries(data):
    octets = mutated(data, cxtp.encode(data.draw(wire.context_message)))
    message = survives(cxtp.decode, octets)
    assert message is None or cxtp.decode(cxtp.encode(message)) == message
    octets = bytearray(mutated(data, sctp.encode(data.draw(wire.sctp_packet))))
    survives(sctp.decode, bytes(octets))
    if len(octets) >= 12:
        octets[8:12] = bytes(4)
        octets[8:12] = sctp.crc32c(octets).to_bytes(4, "little")
        packet = survives(sctp.decode, bytes(octets))
        assert packet is None or sctp.decode(sctp.encode(packet)) == packet
