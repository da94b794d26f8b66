"""The IP packets inside AMT messages: made as they have to be, and checked.

Reports and queries count whatever their source is (RFC 7450 sections 5.2.1, 5.3.1): the two ends
share no link. Ours have addresses that hosts take: 0.0.0.0 for IGMP, a link-local one for MLD.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from agents.core import SECOND
from agents.overlay.amt.config import RelayConfig
from agents.wire import igmp, ipv4, ipv6, mld
from agents.wire.addresses import is_group, shared_address
from agents.wire.errors import MalformedPacket

Report = (
    igmp.MembershipReport
    | igmp.OlderReport
    | igmp.LeaveGroup
    | mld.MulticastListenerReport
    | mld.ListenerReportV1
    | mld.ListenerDoneV1
)
Query = igmp.MembershipQuery | mld.MulticastListenerQuery

RELAY = IPv6Address("fe80::1")
GATEWAY = IPv6Address("fe80::2")
_TENTH_MS, _LEAST_MS = 100, 1
"""A Maximum Response Code of 1 (section 5.3.3.3)."""
_CONTROL = 0xC0  # internetwork control, as RFC 3376 section 4 has it
_MAPPED = bytes(10) + b"\xff\xff"


def general_query(config: RelayConfig, *, of_mld: bool) -> bytes:
    """What a relay asks each gateway (section 5.3.3.3)."""
    told = (False, config.robustness, config.query_interval // SECOND)
    if of_mld:
        query = mld.MulticastListenerQuery(mld.UNSPECIFIED, _LEAST_MS, (), *told)
        return _of_mld(query, RELAY, mld.ALL_NODES)
    return _of_igmp(igmp.MembershipQuery(igmp.UNSPECIFIED, _TENTH_MS, (), *told), igmp.ALL_SYSTEMS)


def report(message: igmp.MembershipReport | mld.MulticastListenerReport) -> bytes:
    """What a gateway says."""
    if isinstance(message, mld.MulticastListenerReport):
        return _of_mld(message, GATEWAY, mld.ALL_MLDV2_ROUTERS)
    return _of_igmp(message, igmp.ALL_IGMPV3_ROUTERS)


def read_query(packet: bytes, *, of_mld: bool) -> Query:
    """The general query of a relay; ``MalformedPacket``: it is none of this protocol's."""
    message, _ = _read_mld(packet) if of_mld else _read_igmp(packet)
    if isinstance(message, mld.MulticastListenerQuery):
        good = message.version == 2 and message.group == mld.UNSPECIFIED
    elif isinstance(message, igmp.MembershipQuery):
        good = message.version == 3 and message.group == igmp.UNSPECIFIED
    else:
        raise MalformedPacket("a report where a query is to be")
    if not good:
        raise MalformedPacket("no general query of IGMPv3 or MLDv2")
    return message


def read_report(packet: bytes) -> Report:
    """What a gateway reports (section 5.3.3.4); ``MalformedPacket`` for all else."""
    message, destination = _read_mld(packet) if is_v6(packet) else _read_igmp(packet)
    match message:
        case igmp.MembershipQuery() | mld.MulticastListenerQuery():
            raise MalformedPacket("a query where a report is to be")
        case igmp.OlderReport(version=1):
            raise MalformedPacket("IGMP of version 1")
        case igmp.OlderReport() | mld.ListenerReportV1():
            right = destination == message.group
        case igmp.LeaveGroup():
            right = destination in (igmp.ALL_ROUTERS, message.group)
        case mld.ListenerDoneV1():
            right = destination == mld.ALL_ROUTERS
        case _:
            right = destination in (igmp.ALL_IGMPV3_ROUTERS, mld.ALL_MLDV2_ROUTERS)
    if not right:
        raise MalformedPacket(f"a report to {destination}")
    return message


def is_v6(packet: bytes) -> bool:
    """Whether a packet seems to be one of IPv6."""
    return packet[:1] >= b"\x60"


def read_data(packet: bytes) -> tuple[bytes, IPv6Address, IPv6Address]:
    """A packet of a group, or a fragment of one: without octets behind it, source, and group."""
    version = packet[0] >> 4 if packet else 0
    if version == 4 and len(packet) >= ipv4.HEADER_LENGTH and packet[16] >> 4 == 0xE:
        length = int.from_bytes(packet[2:4], "big")
        ends = _MAPPED + packet[12:16], _MAPPED + packet[16:20]
        whole = ipv4.HEADER_LENGTH <= length <= len(packet)
    elif version == 6 and len(packet) >= ipv6.HEADER_LENGTH and packet[24] == 0xFF:
        length = ipv6.HEADER_LENGTH + int.from_bytes(packet[4:6], "big")
        ends = packet[8:24], packet[24:40]
        whole = length <= len(packet)
    else:
        raise MalformedPacket("no packet of a group")
    if not whole:
        raise MalformedPacket("a packet that is cut off")
    if is_group(shared_address(ends[0])):
        raise MalformedPacket("a packet from a group")
    return packet[:length], shared_address(ends[0]), shared_address(ends[1])


def _of_igmp(message: igmp.Message, destination: IPv4Address) -> bytes:
    octets = igmp.encode(message)
    ends = igmp.UNSPECIFIED, destination
    return ipv4.packet(ipv4.IPv4Packet(*ends, ipv4.IGMP, 1, octets, _CONTROL, True))


def _of_mld(message: mld.Message, source: IPv6Address, destination: IPv6Address) -> bytes:
    octets = mld.encode(message, source, destination)
    return ipv6.packet(source, destination, ipv6.ICMPV6, octets, hop_limit=1, router_alert=True)


def _read_igmp(packet: bytes) -> tuple[igmp.Message, IPv4Address]:
    content = ipv4.parse(packet)
    if content.protocol != ipv4.IGMP or content.ttl != 1 or not content.router_alert:
        raise MalformedPacket("no IGMP with a TTL of 1 and the Router Alert")
    return igmp.decode(content.payload), content.destination


def _read_mld(packet: bytes) -> tuple[mld.Message, IPv6Address]:
    content = ipv6.parse(packet)
    if content.next_header != ipv6.ICMPV6 or content.hop_limit != 1 or not content.router_alert:
        raise MalformedPacket("no MLD with a hop limit of 1 and the Router Alert")
    return mld.decode(content.payload, content.source, content.destination), content.destination
