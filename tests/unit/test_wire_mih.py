"""MIH messages: what is said comes back, tshark reads it, and any octets are taken or refused."""

from __future__ import annotations

import subprocess
from ipaddress import IPv6Address, IPv6Network

import pytest
import wire_strategies as wire
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_wire_against_tshark import write_capture

from agents.wire import ipv6, mih, mih_layouts
from agents.wire import mih_links as links
from agents.wire import mih_values as values
from agents.wire.errors import MalformedPacket, UnknownMessage
from agents.wire.mih_types import decode_value
from agents.wire.mobility_options import DlifLinkLocalAddress, PreviousMaar

MAC, POINT, OTHER = (bytes.fromhex(f"0206000{n}0001") for n in range(3))
ROUTERS = values.PreviousRouters(
    (
        PreviousMaar(wire.MAR, IPv6Network("2001:db8:1:1::/64")),
        DlifLinkLocalAddress(IPv6Address("fe80::5213:1")),
    )
)

EVERY_VALUE = (
    values.MobileNodeMihf("mn1"),
    values.Status(values.SUCCESS),
    values.LinkType(mih_layouts.WLAN),
    values.TimeInterval(300),
    values.LinkGoingDownReason(values.LINK_PARAMETERS_DEGRADING),
    values.HandoverStatus(values.DECLINED),
    values.ResourceStatus(values.AVAILABLE),
    values.QueryResourceReportFlag(1),
    links.OldAccessRouter(OTHER),
    links.NewAccessRouter(POINT),
    links.PointOfAttachment(POINT),
    links.LinkIdentifier(MAC),
    links.MobileNodeLink(MAC),
    links.CandidateLinks(MAC, (POINT, OTHER)),
    links.PreferredLinks(MAC, (POINT,)),
    values.ResourceQuery(),
    values.AssignedResources(),
    values.RequestedResources(),
    links.TargetNetworks(POINT),
    links.LinkActions(MAC, 20),
    links.LinkActionResults(MAC, values.SUCCESS),
    ROUTERS,
)

value = st.one_of(
    st.sampled_from(EVERY_VALUE),
    st.builds(values.MobileNodeMihf, st.text(max_size=300)),
    st.builds(values.TimeInterval, wire.short),
    st.builds(links.LinkActions, wire.ethernet, wire.short),
    st.builds(
        links.CandidateLinks, wire.ethernet, st.lists(wire.ethernet, max_size=200).map(tuple)
    ),
)
message = st.builds(
    mih.MihMessage,
    st.sampled_from(mih.Kind),
    st.sampled_from(mih.Opcode),
    st.integers(0, mih.TRANSACTIONS - 1),
    st.text(max_size=140),
    st.text(max_size=20),
    st.lists(value, max_size=4).map(tuple),
    st.booleans(),
    st.booleans(),
)


@given(message)
def test_what_is_said_comes_back(message):
    assert mih.decode(mih.encode(message)) == message


@pytest.mark.parametrize("length", [0, 127, 128, 129, 255, 256, 383, 384, 70_000])
def test_lengths(length):
    assert mih_layouts.Reader(mih_layouts.length(length)).length() == length


def survives(data):
    try:
        read = mih.decode(data)
    except MalformedPacket:
        return
    assert mih.decode(mih.encode(read)) == read


@settings(max_examples=400)
@given(st.binary(max_size=120))
@example(b"")
@example(bytes.fromhex("1000200200000002 01ff"))
def test_any_octets(data):
    survives(data)


@settings(max_examples=400)
@given(message, st.data())
def test_mutated_messages(message, data):
    octets = bytearray(mih.encode(message))
    for _ in range(data.draw(st.integers(1, 4))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(wire.octet)
    survives(bytes(octets))
    survives(bytes(octets[: data.draw(st.integers(0, len(octets)))]))


def said(**changes):
    whole = {
        "kind": mih.Kind.N2N_HO_COMMIT,
        "opcode": mih.Opcode.REQUEST,
        "transaction": 291,
        "source": "mar1",
        "destination": "mar2",
        "values": EVERY_VALUE,
        "ack_requested": True,
    }
    return mih.MihMessage(**(whole | changes))


LINK_ID = "13 00 0006 06" + MAC.hex()
TUPLE = LINK_ID + "01 00 0006 06" + POINT.hex()


@pytest.mark.parametrize(
    ("octets", "point"), [(LINK_ID, None), (LINK_ID + "00", None), (TUPLE, POINT)]
)
def test_a_link_identifier_may_be_a_link_tuple(octets, point):
    """Type 13 is LINK_TUPLE_ID with some: LINK_ID, and no or a point of attachment."""
    data = bytes.fromhex(octets.replace(" ", ""))
    identifier = decode_value(13, data)
    assert identifier == links.LinkIdentifier(MAC, point)
    assert identifier.encode() == (data[:-1] if octets.endswith("00") and point is None else data)


@pytest.mark.parametrize("octets", [LINK_ID + "02", LINK_ID + "0000", TUPLE[:-2], TUPLE + "00"])
def test_a_link_tuple_that_is_none_is_malformed(octets):
    with pytest.raises(MalformedPacket):
        decode_value(13, bytes.fromhex(octets.replace(" ", "")))


def test_an_unknown_value_is_skipped():
    data = mih.encode(said(values=()))
    longer = data[:6] + (len(data) - 8 + 4).to_bytes(2, "big") + data[8:] + b"\x60\x02ab"
    assert mih.decode(longer) == said(values=())


@pytest.mark.parametrize(
    ("at", "octet"),
    [(0, 0x28), (0, 0x19), (1, 0x02), (7, 0x00)],
    ids=["version", "more fragments", "a fragment", "length"],
)
def test_what_is_refused(at, octet):
    data = bytearray(mih.encode(said()))
    data[at] = octet
    with pytest.raises(MalformedPacket):
        mih.decode(bytes(data))


def test_an_unknown_message_is_told_apart():
    data = bytearray(mih.encode(said()))
    data[3] = 0x7F
    with pytest.raises(UnknownMessage):
        mih.decode(bytes(data))


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """What tshark reads of every message, with every value, in full."""
    path = tmp_path_factory.mktemp("tshark") / "mih.pcap"
    packets = []
    for kind in mih.Kind:
        body = mih.encode(said(kind=kind))
        udp = b"".join(part.to_bytes(2, "big") for part in (mih.PORT, mih.PORT, 8 + len(body), 0))
        check = ipv6.checksum(wire.MAR, wire.CMD, 17, udp + body).to_bytes(2, "big")
        packets.append(ipv6.packet(wire.MAR, wire.CMD, 17, udp[:6] + check + body))
    write_capture(path, packets)
    command = ["tshark", "-n", "-r", str(path), "-V", "-O", "mih"]
    text = subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout
    return text.split("Frame ")[1:]


def test_tshark_finds_nothing_malformed(seen):
    assert len(seen) == len(mih.Kind)
    for packet in seen:
        assert "alformed" not in packet
        assert packet.count("UNKNOWN") == 1, "the vendor's value has no name in tshark"
        assert "Vendor Specific TLV" in packet


NAMES = [
    "MIH_Link_UP",
    "MIH_Link_Going_down",
    "MIH_Net_HO_Candidate_Query",
    "MIH_N2N_HO_Query_Resources",
    "MIH_Net_HO-Commit",
    "MN_N2N_HO_Commit",
]
"""As tshark spells them."""


def test_tshark_knows_the_messages(seen):
    for packet, name in zip(seen, NAMES, strict=True):
        assert f"Action ID: {name}" in packet
        assert "Opcode: Request" in packet
        assert "= MIH ACK-Req: True" in packet
        assert "TID: 291" in packet


def test_tshark_reads_every_value(seen):
    text = seen[0]
    for field in (
        "MIHF_ID: mar1",
        "MIHF_ID: mar2",
        "MIHF_ID: mn1",
        "STATUS: Success (0)",
        "Time Interval: 300",
        "LINK Going Down Reason: Link Parameter Degrading (1)",
        "HO STATUS: Handover Declined (1)",
        "Resource Status: True (1)",
        "Query resource report flag: True (1)",
        "LINK_AC_TYPE: LINK_DISCONNECT (1)",
        "LINK_AC_ext_time: 20",
        "LINK_AC_RESULT: Success (0)",
    ):
        assert field in text, field
    addresses = ("MAC ADDRESS: " + mac.hex(":") for mac in (MAC, POINT, OTHER))
    # LinkIdentifier, MobileNodeLink, CandidateLinks, PreferredLinks, LinkActions and their results;
    # NewAccessRouter, PointOfAttachment, CandidateLinks, PreferredLinks, TargetNetworks; and so on.
    assert [text.count(address) for address in addresses] == [6, 5, 2]
