from __future__ import annotations

import struct
from dataclasses import replace
from ipaddress import IPv6Address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.wire import channel, ipv6, mih, mld, mobility, ndp
from agents.wire.mobility import BindingAcknowledgementFlag, BindingUpdateFlag
from emu.measure import messages, packets, pcapng, signalling_cost
from emu.measure.messages import Sighting
from emu.measure.packets import Message
from emu.measure.places import Places
from tests.small_run import MS, T0, event, small_run

HERE, THERE = IPv6Address("2001:db8:ffff::1:1"), IPv6Address("2001:db8:ffff::3:1")
LOCAL, ROUTERS = IPv6Address("fe80::1"), IPv6Address("ff02::16")
GROUP = IPv6Address("ff3e::c1")


def frame(packet: bytes) -> bytes:
    return bytes(12) + b"\x86\xdd" + packet


def parsed(packet: bytes) -> Message:
    message = packets.parse(frame(packet), pcapng.ETHERNET, len(packet) + 14)
    assert message is not None
    assert message.length == len(packet)
    return message


def update(flags: BindingUpdateFlag, lifetime: int = 300, sequence: int = 7) -> bytes:
    message = mobility.BindingUpdate(sequence, lifetime, flags, ())
    return ipv6.packet(HERE, THERE, ipv6.MOBILITY, mobility.encode(message, HERE, THERE))


def acknowledgement(flags: BindingAcknowledgementFlag, status: int) -> bytes:
    message = mobility.BindingAcknowledgement(status, 9, 300, flags, ())
    return ipv6.packet(THERE, HERE, ipv6.MOBILITY, mobility.encode(message, THERE, HERE))


def report(kind: mld.RecordType, *sources: IPv6Address) -> bytes:
    records = (
        mld.AddressRecord(mld.RecordType.MODE_IS_EXCLUDE, IPv6Address("ff02::fb")),
        mld.AddressRecord(kind, GROUP, sources),
    )
    body = mld.encode(mld.MulticastListenerReport(records), LOCAL, ROUTERS)
    return ipv6.packet(LOCAL, ROUTERS, ipv6.ICMPV6, body, hop_limit=1, router_alert=True)


@pytest.mark.parametrize(
    ("message", "label", "detail"),
    [
        (channel.ChannelQuery(1, None, GROUP, listener="mn1"), "Channel Query", "ff3e::c1"),
        (
            channel.ChannelResponse(1, None, GROUP, channel.ChannelScope.BOTH),
            "Channel Response",
            "ff3e::c1 both",
        ),
        (channel.ChannelAcknowledgement(1), "Channel Acknowledgement", ""),
    ],
)
def test_channel_control_is_told_apart(
    message: channel.ChannelMessage, label: str, detail: str
) -> None:
    payload = channel.encode(message, HERE, THERE)
    seen = parsed(ipv6.packet(HERE, THERE, ipv6.MOBILITY, payload))
    assert (seen.type, seen.detail) == (label, detail)


def test_another_experiment_has_its_number_only() -> None:
    payload = channel.encode(channel.ChannelAcknowledgement(1), HERE, THERE)
    foreign = payload[:11] + b"\x01" + payload[12:]  # the vendor's last octet
    assert parsed(ipv6.packet(HERE, THERE, ipv6.MOBILITY, foreign)).type == "MH 11"


def test_mobility_types() -> None:
    proxy, home = BindingUpdateFlag.P, BindingUpdateFlag.H
    assert (parsed(update(proxy)).type, parsed(update(home)).type) == ("PBU", "BU")
    assert parsed(update(proxy, lifetime=0)).detail == "#7 lifetime 0"
    none = BindingAcknowledgementFlag(0)
    assert parsed(acknowledgement(BindingAcknowledgementFlag.P, 0)).type == "PBA"
    assert parsed(acknowledgement(none, 0)).type == "BA"
    assert parsed(acknowledgement(none, 157)).detail == "#9 status 157"


def test_multicast_listener_types() -> None:
    joined = parsed(report(mld.RecordType.ALLOW_NEW_SOURCES, HERE))
    left = parsed(report(mld.RecordType.BLOCK_OLD_SOURCES, HERE))
    assert (joined.type, joined.detail, left.detail) == ("MLD report", "+ff3e::c1", "-ff3e::c1")
    query = mld.MulticastListenerQuery(IPv6Address("::"), 1000)
    body = mld.encode(query, LOCAL, ROUTERS)
    packet = ipv6.packet(LOCAL, ROUTERS, ipv6.ICMPV6, body, hop_limit=1, router_alert=True)
    assert (parsed(packet).type, parsed(packet).detail) == ("MLD query", "general")


def test_handover_services() -> None:
    said = mih.MihMessage(mih.Kind.LINK_UP, mih.Opcode.INDICATION, 5, "mn1", "mar2")
    for message, detail in ((said, "#5"), (replace(said, acknowledges=True), "#5 acknowledged")):
        body = mih.encode(message)
        udp = struct.pack("!HHHH", mih.PORT, mih.PORT, 8 + len(body), 0) + body
        seen = parsed(ipv6.packet(HERE, THERE, 17, udp))
        assert (seen.type, seen.detail) == ("MIH_Link_Up indication", detail)


def test_inside_a_tunnel() -> None:
    inner = report(mld.RecordType.MODE_IS_INCLUDE, HERE)
    message = parsed(ipv6.packet(HERE, THERE, 41, inner))
    assert (message.type, message.tunnelled) == ("MLD report", True)
    assert (message.source, message.length) == ("fe80::1", 40 + len(inner))


def test_router_advertisement() -> None:
    body = ndp.encode(ndp.RouterAdvertisement(64, 0), LOCAL, ROUTERS)
    message = parsed(ipv6.packet(LOCAL, ROUTERS, ipv6.ICMPV6, body, hop_limit=255))
    assert (message.type, message.detail) == ("RA", "lifetime 0")


@pytest.mark.parametrize("protocol", [6, 17, 58])
def test_other_packets_are_no_control_messages(protocol: int) -> None:
    packet = ipv6.packet(HERE, THERE, protocol, b"\x80" + bytes(30))
    assert packets.parse(frame(packet), pcapng.ETHERNET, 100) is None


@given(st.sampled_from([6, 58, 135, 41, 0, 60]), st.binary(max_size=90))
def test_anything_can_be_parsed(protocol: int, body: bytes) -> None:
    packet = ipv6.packet(HERE, THERE, protocol, body)
    packets.parse(frame(packet), pcapng.ETHERNET, len(packet))
    packets.parse(packet[:-5], pcapng.RAW, len(packet))


def seen(time_ns: int, node: str, outbound: bool, packet: bytes, hop_limit: int) -> Sighting:
    at_hop = packet[:7] + bytes([hop_limit]) + packet[8:]
    return Sighting(time_ns, node, outbound, parsed(at_hop))


PATH = [
    (0, "mar1", True, 64),
    (2, "ix", False, 64),
    (3, "ix", True, 63),
    (5, "mar2", False, 63),
]


def crossing(start: int, packet: bytes) -> list[Sighting]:
    return [seen(start + at, node, out, packet, hop) for at, node, out, hop in PATH]


def test_a_forwarded_message_counts_once_and_arrives_at_the_end() -> None:
    packet = update(BindingUpdateFlag.P)
    (transfer,) = messages.match(crossing(100, packet))
    assert (transfer.sender, transfer.sent_ns) == ("mar1", 100)
    assert transfer.receipts == (("mar2", 105),)
    assert signalling_cost.cost([transfer]) == {
        "PBU": {"messages": 1, "bytes": len(packet), "hops": 2}
    }


def test_the_same_bytes_sent_again_count_again() -> None:
    packet = update(BindingUpdateFlag.P)
    transfers = messages.match(crossing(100, packet) + crossing(900, packet))
    assert [transfer.receipts for transfer in transfers] == [(("mar2", 105),), (("mar2", 905),)]
    assert signalling_cost.cost(transfers)["PBU"]["messages"] == 2


def test_a_lost_message_counts_and_has_no_receipt() -> None:
    (transfer,) = messages.match([seen(1, "mar1", True, update(BindingUpdateFlag.P), 64)])
    assert transfer.receipts == ()
    assert signalling_cost.cost([transfer])["PBU"] == {"messages": 1, "bytes": 56, "hops": 0}


def test_a_message_to_several_nodes() -> None:
    packet = report(mld.RecordType.MODE_IS_INCLUDE, HERE)
    sightings = [seen(1, "mn1", True, packet, 1)]
    sightings += [seen(at, node, False, packet, 1) for at, node in ((4, "mar2"), (3, "mar1"))]
    (transfer,) = messages.match(sightings)
    assert transfer.receipts == (("mar1", 3), ("mar2", 4))
    assert signalling_cost.cost([transfer])["MLD report"]["hops"] == 2


def test_a_message_that_leaves_a_tunnel_goes_on() -> None:
    """As one to a home agent does, by the tunnel to a mobility anchor point (RFC 5380)."""
    inner = ipv6.packet(HERE, THERE, ipv6.MOBILITY, update(BindingUpdateFlag.H)[40:])
    outer = ipv6.packet(THERE, HERE, 41, inner)
    first = [seen(100, "mn1", True, outer, 64), seen(104, "map1", False, outer, 63)]
    second = [seen(105, "map1", True, inner, 63), seen(109, "ha", False, inner, 63)]
    (transfer,) = messages.match(first + second)
    assert (transfer.sender, transfer.receipts) == ("mn1", (("ha", 109),))
    assert signalling_cost.cost([transfer])["BU"] == {"messages": 1, "bytes": 96, "hops": 3}
    (lost,) = messages.match([*first, second[0]])
    assert lost.receipts == ()
    apart = messages.match([*first[:1], *second])
    assert [one.sender for one in apart] == ["mn1", "map1"]


def test_who_says_the_same_on_its_own_link_says_it_itself() -> None:
    packet = query()
    outer = ipv6.packet(HERE, THERE, 41, packet)
    first = [seen(100, "lma", True, outer, 64), seen(104, "mar1", False, outer, 64)]
    transfers = messages.match([*first, seen(105, "mar1", True, packet, 1)])
    assert [one.sender for one in transfers] == ["lma", "mar1"]


def test_cost_adds_up_by_type() -> None:
    one, two = update(BindingUpdateFlag.P), update(BindingUpdateFlag.P, sequence=8)
    three = acknowledgement(BindingAcknowledgementFlag.P, 0)
    transfers = messages.match(crossing(0, one) + crossing(10, two) + crossing(20, three))
    assert signalling_cost.cost(transfers) == {
        "PBA": {"messages": 1, "bytes": len(three), "hops": 2},
        "PBU": {"messages": 2, "bytes": len(one) + len(two), "hops": 4},
    }
    assert signalling_cost.binding(signalling_cost.cost(transfers)) == (3, 6)


def test_equal_packets_in_flight_at_once_are_paired_in_order() -> None:
    packet = update(BindingUpdateFlag.P)
    transfers = messages.match(crossing(100, packet) + crossing(102, packet))
    assert [transfer.receipts for transfer in transfers] == [(("mar2", 105),), (("mar2", 107),)]


def test_a_receipt_after_a_loss_belongs_to_the_retransmission() -> None:
    packet = update(BindingUpdateFlag.P)
    lost = [seen(100, "mar1", True, packet, 64), seen(102, "ix", False, packet, 64)]
    first, second = messages.match(lost + crossing(900, packet))
    assert (first.receipts, second.receipts) == ((), (("mar2", 905),))


def query() -> bytes:
    message = mld.MulticastListenerQuery(IPv6Address("::"), 10_000)
    nodes = IPv6Address("ff02::1")
    body = mld.encode(message, LOCAL, nodes)
    return ipv6.packet(LOCAL, nodes, ipv6.ICMPV6, body, hop_limit=1, router_alert=True)


def test_of_two_routers_that_say_the_same_a_node_hears_its_own() -> None:
    """All MAGs have one address on their access links (RFC 5213): their queries are alike."""
    packet = query()
    mine = [seen(100, "mar1", True, packet, 1), seen(103, "mn1", False, packet, 1)]
    other = [seen(101, "mar2", True, packet, 1)]
    places = {"mn1": "mar1"}
    transfers = messages.match(mine + other, lambda mar, mn, _: places[mn] == mar)
    assert [(t.sender, t.receipts) for t in transfers] == [("mar1", (("mn1", 103),)), ("mar2", ())]


def test_of_two_nodes_that_say_the_same_each_router_hears_its_own() -> None:
    """Solicitations of routers, from nodes without an address yet, are alike."""
    packet = report(mld.RecordType.MODE_IS_INCLUDE, HERE)
    sightings = [
        seen(at, node, out, packet, 1)
        for at, node, out in (
            (100, "mn1", True), (101, "mn2", True), (103, "mar1", False), (104, "mar2", False),
        )
    ]  # fmt: skip
    pairs = {("mn1", "mar1"), ("mn2", "mar2")}
    transfers = messages.match(sightings, lambda mn, mar, _: (mn, mar) in pairs)
    assert [(t.sender, t.receipts) for t in transfers] == [
        ("mn1", (("mar1", 103),)),
        ("mn2", (("mar2", 104),)),
    ]


def test_who_is_on_one_link_follows_the_mobile_nodes(tmp_path: Path) -> None:
    events = [
        event(at, "radio", kind, mn="mn1", mar=mar)
        for at, kind, mar in (
            (0, "l2_up", "mar1"),
            (100, "l2_down", "mar1"),
            (150, "l2_up", "mar2"),
        )
    ]
    places = Places(small_run(tmp_path, events=events, links=[{"a": "mar1", "b": "ix"}]))
    for at, router in ((10, "mar1"), (120, "mar2"), (160, "mar2")):
        assert places.at("mn1", T0 + at * MS) == router
        assert places.are_neighbours("mn1", router, T0 + at * MS)
        assert places.are_neighbours(router, "mn1", T0 + at * MS)
        assert not places.are_neighbours("mn1", "mar3", T0 + at * MS)
    assert places.are_neighbours("ix", "mar1", 0)
    assert not places.are_neighbours("ix", "mar2", 0)


def test_reports_of_link_local_groups_are_a_type_of_their_own() -> None:
    record = mld.AddressRecord(mld.RecordType.MODE_IS_EXCLUDE, IPv6Address("ff02::fb"))
    body = mld.encode(mld.MulticastListenerReport((record,)), LOCAL, ROUTERS)
    packet = ipv6.packet(LOCAL, ROUTERS, ipv6.ICMPV6, body, hop_limit=1, router_alert=True)
    assert parsed(packet).type == "MLD report (link scope)"
