"""AMT: octets as RFC 7450 draws them, round trips, any octets whatever, and what tshark reads."""

from __future__ import annotations

import json
import subprocess
from collections import defaultdict
from ipaddress import IPv4Address, IPv6Address

import pytest
import wire_strategies as wire
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from test_wire_against_tshark import collect, write_capture

from agents.wire import amt, igmp, ipv4, ipv6, mld
from agents.wire.addresses import mapped
from agents.wire.errors import MalformedPacket, UnknownMessage
from agents.wire.i3 import endpoint

MAC = bytes.fromhex("a1a2a3a4a5a6")
NONCE = 0x01020304
V4, V6 = IPv4Address("192.0.2.7"), IPv6Address("2001:db8::7")
GATEWAY = amt.gateway_address(endpoint(mapped(V4), 40000))
QUERY = ipv4.packet(
    ipv4.IPv4Packet(
        igmp.UNSPECIFIED,
        igmp.ALL_SYSTEMS,
        ipv4.IGMP,
        1,
        igmp.encode(igmp.MembershipQuery(igmp.UNSPECIFIED, 100, robustness=2)),
        router_alert=True,
    )
)
REPORT_ENDS = IPv6Address("fe80::2"), mld.ALL_MLDV2_ROUTERS
REPORT = ipv6.packet(
    *REPORT_ENDS,
    ipv6.ICMPV6,
    mld.encode(
        mld.MulticastListenerReport(
            (mld.AddressRecord(mld.RecordType.ALLOW_NEW_SOURCES, IPv6Address("ff3e::c1"), (V6,)),)
        ),
        *REPORT_ENDS,
    ),
    hop_limit=1,
    router_alert=True,
)
DATA = bytes(IP(src="198.51.100.1", dst="232.1.2.3", ttl=9) / UDP(sport=5, dport=6) / b"stream")

MESSAGES = {
    "discovery": (amt.RelayDiscovery(NONCE), "01000000 01020304"),
    "advertisement 4": (amt.RelayAdvertisement(NONCE, V4), "02000000 01020304 c0000207"),
    "advertisement 6": (amt.RelayAdvertisement(NONCE, V6), "02000000 01020304" + V6.packed.hex()),
    "request igmp": (amt.Request(NONCE, False), "03000000 01020304"),
    "request mld": (amt.Request(NONCE, True), "03010000 01020304"),
    "query": (
        amt.MembershipQuery(MAC, NONCE, QUERY, None),
        "0400 a1a2a3a4a5a6 01020304" + QUERY.hex(),
    ),
    "query L": (
        amt.MembershipQuery(MAC, NONCE, QUERY, None, True),
        "0402 a1a2a3a4a5a6 01020304" + QUERY.hex(),
    ),
    "query G": (
        amt.MembershipQuery(MAC, NONCE, QUERY, GATEWAY),
        "0401 a1a2a3a4a5a6 01020304" + QUERY.hex() + "9c40" + "00" * 12 + "c0000207",
    ),
    "update": (
        amt.MembershipUpdate(MAC, NONCE, REPORT),
        "0500 a1a2a3a4a5a6 01020304" + REPORT.hex(),
    ),
    "data": (amt.MulticastData(DATA), "0600" + DATA.hex()),
    "teardown": (
        amt.Teardown(MAC, NONCE, GATEWAY),
        "0700 a1a2a3a4a5a6 01020304 9c40" + "00" * 12 + "c0000207",
    ),
}

macs = st.binary(min_size=6, max_size=6)
packets = st.binary(max_size=60)
gateways = st.binary(min_size=18, max_size=18).map(amt.GatewayAddress)
messages = st.one_of(
    st.builds(amt.RelayDiscovery, wire.word),
    st.builds(
        amt.RelayAdvertisement, wire.word, wire.addresses | st.integers(0, 99).map(IPv4Address)
    ),
    st.builds(amt.Request, wire.word, st.booleans()),
    st.builds(amt.MembershipQuery, macs, wire.word, packets, st.none() | gateways, st.booleans()),
    st.builds(amt.MembershipUpdate, macs, wire.word, packets),
    st.builds(amt.MulticastData, packets),
    st.builds(amt.Teardown, macs, wire.word, gateways),
)


@pytest.mark.parametrize("name", MESSAGES)
def test_octets_are_as_the_figures_have_them(name):
    message, octets = MESSAGES[name]
    assert amt.encode(message) == bytes.fromhex(octets)
    assert amt.decode(bytes.fromhex(octets)) == message


@given(messages)
def test_messages_come_back_as_they_were(message):
    assert amt.decode(amt.encode(message)) == message


@given(wire.spoilt(messages.map(amt.encode), 80))
def test_any_octets_give_a_message_or_are_malformed(data):
    try:
        message = amt.decode(data)
    except MalformedPacket:
        return
    assert amt.decode(amt.encode(message)) == message


@given(st.sampled_from(sorted(MESSAGES)), st.integers(1, 15))
def test_another_version_is_ignored(name, version):
    """Sections 5.2.3.2 and 5.3.3.1."""
    data = amt.encode(MESSAGES[name][0])
    with pytest.raises(MalformedPacket, match=f"version {version}"):
        amt.decode(bytes((version << 4 | data[0],)) + data[1:])


def test_reserved_bits_are_ignored():
    for name, known in (("discovery", 0), ("request mld", 1), ("query G", 3), ("update", 0)):
        message, _ = MESSAGES[name]
        data = bytearray(amt.encode(message))
        data[1] |= 0xFF & ~known
        assert amt.decode(bytes(data)) == message


def test_a_type_without_a_message_is_named():
    for kind in (0, 8, 15):
        with pytest.raises(UnknownMessage):
            amt.decode(bytes((kind,)) + bytes(40))


@pytest.mark.parametrize("address", [mapped(V4), V6, IPv6Address("::1"), IPv6Address("fe80::1")])
def test_a_gateway_address_stands_for_an_endpoint(address):
    gateway = endpoint(address, 2268)
    assert amt.gateway_endpoint(amt.gateway_address(gateway)) == gateway


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """Fields that tshark reads of each message, over IPv4 and over IPv6."""
    path = tmp_path_factory.mktemp("tshark") / "amt.pcap"
    outer = {4: IP(src=str(V4), dst="192.0.2.1"), 6: IPv6(src=str(V6), dst="2001:db8::1")}
    built = {
        (name, version): bytes(ip / UDP(sport=2268, dport=2268) / amt.encode(message))
        for name, (message, _) in MESSAGES.items()
        for version, ip in outer.items()
    }
    write_capture(path, built.values())
    command = ["tshark", "-r", str(path), "-T", "json"]
    output = subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout
    fields = {}
    for name, tree in zip(built, json.loads(output, object_pairs_hook=list), strict=True):
        fields[name] = defaultdict(list)
        collect(tree, fields[name])
    return fields


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("name", MESSAGES)
def test_tshark_reads_every_field(seen, name, version):
    message, _ = MESSAGES[name]
    found = seen[name, version]
    assert not {field for field in found if "malformed" in field or "unknown" in field}
    assert found["amt.version"] == ["0"]
    assert found["amt.type"] == [str(message.TYPE)]
    fields = {field: found[field] for field in found if field.startswith("amt.")}
    for field in ("version", "type", "reserved", "request.reserved", "membership_query.reserved"):
        fields.pop(f"amt.{field}", None)
    assert fields == EXPECTED[name]


SENT = {"amt.request_nonce": ["0x01020304"], "amt.response_mac": ["0x0000a1a2a3a4a5a6"]}
ADDRESS = {"amt.gateway.port_number": ["40000"], "amt.gateway.ip_address": ["::192.0.2.7"]}


def flags(limited: int, has_gateway: int) -> dict[str, list[str]]:
    """The L and G flags of a Membership Query."""
    return {
        "amt.membership_query.l": [str(limited)],
        "amt.membership_query.g": [str(has_gateway)],
    }


EXPECTED = {
    "discovery": {"amt.discovery_nonce": ["0x01020304"]},
    "advertisement 4": {
        "amt.discovery_nonce": ["0x01020304"],
        "amt.relay_address.ipv4": ["192.0.2.7"],
    },
    "advertisement 6": {
        "amt.discovery_nonce": ["0x01020304"],
        "amt.relay_address.ipv6": ["2001:db8::7"],
    },
    "request igmp": {"amt.request.p": ["0"], "amt.request_nonce": ["0x01020304"]},
    "request mld": {"amt.request.p": ["1"], "amt.request_nonce": ["0x01020304"]},
    "query": {**SENT, **flags(0, 0)},
    "query L": {**SENT, **flags(1, 0)},
    "query G": {**SENT, **flags(0, 1), **ADDRESS},
    "update": SENT,
    "data": {"amt.multicast_data": [DATA.hex(":")]},
    "teardown": {**SENT, **ADDRESS},
}


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("query G", "igmp.qrv", "2"),
        ("update", "icmpv6.mldr.mar.record_type", "5"),
        ("data", "udp.dstport", "6"),
    ],
)
def test_tshark_reads_the_packet_inside(seen, name, field, value):
    assert seen[name, 4][field][-1] == value
