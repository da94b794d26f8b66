"""IGMP and IPv4: round trips, any octets whatever, and scapy on the other side."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest
import wire_strategies as wire
from hypothesis import given
from hypothesis import strategies as st
from scapy.contrib import igmp as scapy_old
from scapy.contrib import igmpv3 as scapy
from scapy.layers.inet import IP, IPOption_Router_Alert

from agents.wire import igmp, ipv4
from agents.wire.errors import MalformedPacket, UnknownMessage
from agents.wire.mld import RecordType

HOST, GROUP = IPv4Address("192.0.2.1"), IPv4Address("239.1.2.3")
SOURCES = (IPv4Address("198.51.100.1"), IPv4Address("198.51.100.2"))

addresses = st.binary(min_size=4, max_size=4).map(IPv4Address)
sources = st.lists(addresses, max_size=5).map(tuple)
tenths = st.integers(1, 255).map(lambda number: number * 100)
messages = st.one_of(
    st.builds(
        igmp.MembershipQuery,
        addresses,
        st.integers(0, 3_174_400),
        sources,
        st.booleans(),
        st.integers(0, 9),
        st.integers(0, 31_744),
    ),
    st.builds(igmp.MembershipQuery, addresses, tenths, version=st.just(2)),
    st.builds(igmp.MembershipQuery, addresses, version=st.just(1)),
    st.builds(
        igmp.MembershipReport,
        st.lists(
            st.builds(igmp.GroupRecord, st.sampled_from(RecordType), addresses, sources), max_size=4
        ).map(tuple),
    ),
    st.builds(igmp.OlderReport, addresses, st.sampled_from((1, 2))),
    st.builds(igmp.LeaveGroup, addresses),
)


@given(messages)
def test_messages_come_back_as_they_were(message):
    data = igmp.encode(message)
    assert igmp.decode(data) == message
    assert ipv4.checksum(data) == 0


@given(addresses, addresses, wire.octet, wire.octet, wire.octet, st.binary(), st.booleans())
def test_packets_come_back_as_they_were(source, destination, protocol, ttl, tos, payload, alert):
    content = ipv4.IPv4Packet(source, destination, protocol, ttl, payload, tos, alert)
    assert ipv4.parse(ipv4.packet(content) + b"padding") == content


@given(st.one_of(st.binary(max_size=80), messages.map(igmp.encode)), st.data())
def test_any_octets_give_a_message_or_are_malformed(data, draw):
    octets = bytearray(data)
    for _ in range(draw.draw(st.integers(0, 3))):
        if octets:
            octets[draw.draw(st.integers(0, len(octets) - 1))] = draw.draw(wire.octet)
    if len(octets) >= 4 and draw.draw(st.booleans()):
        octets[2:4] = bytes(2)
        octets[2:4] = ipv4.checksum(bytes(octets)).to_bytes(2, "big")
    for decode in (igmp.decode, ipv4.parse):
        try:
            decode(bytes(octets))
        except MalformedPacket:
            continue


@given(st.binary(max_size=200))
def test_a_packets_parts_are_malformed_or_fit(options):
    length = 5 + len(options) // 4
    head = bytes((0x40 | length & 15, 0)) + (20 + len(options)).to_bytes(2, "big") + bytes(16)
    data = bytearray(head + options)
    data[10:12] = ipv4.checksum(bytes(data[: 4 * (length & 15)])).to_bytes(2, "big")
    try:
        content = ipv4.parse(bytes(data))
    except MalformedPacket:
        return
    assert len(content.payload) == len(data) - 4 * (data[0] & 15)


@given(st.binary(max_size=5000), st.integers(68, 1500), st.booleans(), st.integers(0, 8000))
def test_fragments_make_the_packet_again(payload, mtu, more, offset):
    """Of a packet, and of a fragment; the Router Alert is in each (RFC 791 section 3.1)."""
    content = ipv4.IPv4Packet(HOST, GROUP, 17, 5, payload, 3, router_alert=True)
    packet = bytearray(ipv4.packet(content))
    flags = (0x2000 if more else 0) | offset
    packet[6:8] = flags.to_bytes(2, "big")
    pieces = [IP(piece) for piece in ipv4.fragments(bytes(packet), mtu)]
    assert b"".join(bytes(piece.payload) for piece in pieces) == payload
    place = offset
    for piece in pieces:
        assert piece.len == len(bytes(piece)) <= mtu
        assert ipv4.checksum(bytes(piece)[:24]) == 0
        assert piece.frag == place
        assert (more or piece is not pieces[-1]) == piece.flags.MF
        assert (piece.src, piece.dst, piece.tos, piece.ttl) == (str(HOST), str(GROUP), 3, 5)
        assert isinstance(piece.options[0], IPOption_Router_Alert)
        place += len(piece.payload) // 8


def test_options_that_are_for_the_first_fragment_only():
    """Record Route is not copied; an option that is longer than its header is malformed."""
    plain = ipv4.packet(ipv4.IPv4Packet(HOST, GROUP, 17, 5, bytes(100)))
    head = b"\x47" + plain[1:6] + b"\0\0" + plain[8:20]
    first, second = ipv4.fragments(head + b"\x01\x07\x07\x04" + bytes(4) + bytes(100), 88)
    assert (first[0], second[0]) == (0x47, 0x45)
    with pytest.raises(MalformedPacket):
        ipv4.fragments(head + b"\x94\x28" + bytes(6) + bytes(100), 88)
    with pytest.raises(MalformedPacket):
        ipv4.fragments(b"\x42" + head[1:] + bytes(100), 88)
    assert ipv4.fragments(plain, 88) == []  # it must not be fragmented


def read(message: igmp.Message) -> IP:
    """Our message in our packet, as scapy sees it."""
    content = ipv4.IPv4Packet(HOST, GROUP, ipv4.IGMP, 1, igmp.encode(message), router_alert=True)
    packet = IP(ipv4.packet(content))
    assert isinstance(packet.options[0], IPOption_Router_Alert)
    assert packet.chksum == IP(bytes(packet.__class__(**{**packet.fields, "chksum": None}))).chksum
    return packet


def test_scapy_reads_a_version_3_report():
    record = igmp.GroupRecord(RecordType.CHANGE_TO_EXCLUDE_MODE, GROUP, SOURCES)
    other = igmp.GroupRecord(RecordType.MODE_IS_INCLUDE, IPv4Address("232.1.1.1"), SOURCES[:1])
    report = read(igmp.MembershipReport((record, other)))[scapy.IGMPv3mr]
    assert [(r.rtype, r.maddr, r.srcaddrs) for r in report.records] == [
        (4, "239.1.2.3", ["198.51.100.1", "198.51.100.2"]),
        (1, "232.1.1.1", ["198.51.100.1"]),
    ]


def test_scapy_reads_a_version_3_query():
    message = igmp.MembershipQuery(GROUP, 10_000, SOURCES, True, 2, 125)
    packet = read(message)
    query = packet[scapy.IGMPv3mq]
    assert (packet[scapy.IGMPv3].mrcode, query.gaddr, query.s) == (100, "239.1.2.3", 1)
    assert (query.qrv, query.qqic, query.srcaddrs) == (2, 125, ["198.51.100.1", "198.51.100.2"])


@pytest.mark.parametrize(
    ("message", "kind", "code"),
    [
        (igmp.OlderReport(GROUP, 1), 0x12, 0),
        (igmp.OlderReport(GROUP, 2), 0x16, 0),
        (igmp.LeaveGroup(GROUP), 0x17, 0),
        (igmp.MembershipQuery(GROUP, version=1), 0x11, 0),
        (igmp.MembershipQuery(GROUP, 1_000, version=2), 0x11, 10),
    ],
)
def test_scapy_reads_and_writes_the_older_versions(message, kind, code):
    theirs = scapy_old.IGMP(igmp.encode(message))
    assert (theirs.type, theirs.mrcode, theirs.gaddr) == (kind, code, "239.1.2.3")
    assert igmp.decode(bytes(scapy_old.IGMP(type=kind, mrcode=code, gaddr=str(GROUP)))) == message


def test_we_read_scapys_version_3_report():
    record = igmp.GroupRecord(RecordType.ALLOW_NEW_SOURCES, GROUP, SOURCES)
    packet = read(igmp.MembershipReport((record,)))
    packet.tos, packet[scapy.IGMPv3mr].records[0].rtype = 0xC0, 6
    packet.chksum = packet[scapy.IGMPv3].chksum = None  # scapy computes them when it writes
    content = ipv4.parse(bytes(packet))
    assert (content.source, content.ttl, content.tos) == (HOST, 1, 0xC0)
    expected = igmp.GroupRecord(RecordType.BLOCK_OLD_SOURCES, GROUP, SOURCES)
    assert igmp.decode(content.payload) == igmp.MembershipReport((expected,))


def test_what_no_version_has_is_refused():
    nine = bytearray(igmp.encode(igmp.MembershipQuery(GROUP, version=2)) + bytes(1))
    with pytest.raises(MalformedPacket, match="no version"):
        igmp.decode(bytes(nine))
    unknown = bytearray(igmp.encode(igmp.LeaveGroup(GROUP)))
    unknown[0], unknown[2:4] = 0x30, bytes(2)
    unknown[2:4] = ipv4.checksum(bytes(unknown)).to_bytes(2, "big")
    with pytest.raises(UnknownMessage):
        igmp.decode(bytes(unknown))
    for options in ({"version": 2, "sources": SOURCES}, {"maximum_response_time_ms": 26_000}):
        with pytest.raises(ValueError, match="version"):
            igmp.MembershipQuery(GROUP, **{"version": 2, **options})


def test_the_octets_of_the_standard():
    """RFC 3376 section 4.1: a group-and-source-specific query, written by hand but the checksum."""
    message = igmp.MembershipQuery(GROUP, 1_000, SOURCES[:1], False, 2, 130)
    data = igmp.encode(message)
    assert data[:2] + data[4:] == bytes.fromhex("110a ef010203 02 80 0001 c6336401")
    assert message.query_interval_s == 128  # exponent 0, mantissa 0: (0 | 0x10) << 3


@given(addresses, addresses, st.integers(2, 255), wire.octet, st.binary(max_size=20), st.booleans())
def test_a_router_takes_one_hop_and_keeps_the_checksum_right(source, group, ttl, tos, data, alert):
    content = ipv4.IPv4Packet(source, group, 17, ttl, data, tos, alert)
    onward = ipv4.forwarded(ipv4.packet(content))
    assert ipv4.parse(onward) == ipv4.IPv4Packet(source, group, 17, ttl - 1, data, tos, alert)


@pytest.mark.parametrize("ttl", [0, 1])
def test_a_packet_without_hops_goes_no_further(ttl):
    assert ipv4.forwarded(ipv4.packet(ipv4.IPv4Packet(HOST, GROUP, 17, ttl, b""))) is None
