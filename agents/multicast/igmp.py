"""IGMP in MLD's terms, and back: the two differ in octets and words only (RFC 3376, RFC 3810).

An IPv4 address stands as the IPv4-mapped IPv6 one, version 2 of IGMP as MLD's version 1, and
version 3 as MLD's version 2.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from agents.multicast.records import Report
from agents.wire import igmp, mld
from agents.wire.addresses import mapped

_LONGEST_OLDER_RESPONSE_MS = 25_500


def from_igmp(message: igmp.Message) -> Report | mld.MulticastListenerQuery:
    """What an IGMP message says; version 1's report says what version 2's does."""
    if isinstance(message, igmp.MembershipReport):
        return mld.MulticastListenerReport(
            tuple(
                mld.AddressRecord(
                    record.type, mapped(record.group), tuple(map(mapped, record.sources))
                )
                for record in message.records
            )
        )
    if isinstance(message, igmp.OlderReport):
        return mld.ListenerReportV1(mapped(message.group))
    if isinstance(message, igmp.LeaveGroup):
        return mld.ListenerDoneV1(mapped(message.group))
    general = message.group == igmp.UNSPECIFIED
    group = mld.UNSPECIFIED if general else mapped(message.group)
    delay = message.maximum_response_time_ms
    if message.version < 3:
        return mld.MulticastListenerQuery(group, delay, version=1)
    sources = tuple(map(mapped, message.sources))
    told = (message.suppress, message.robustness, message.query_interval_s)
    return mld.MulticastListenerQuery(group, delay, sources, *told)


def to_igmp(query: mld.MulticastListenerQuery, version: int = 3) -> igmp.MembershipQuery:
    """The query as IGMP has it; one of MLD's version 1 may be of IGMP's version 1 as well."""
    group = query.group.ipv4_mapped or igmp.UNSPECIFIED
    delay = query.maximum_response_delay_ms
    if query.version == 1 and version == 1:
        return igmp.MembershipQuery(group, version=1)
    if query.version == 1:
        shortest = igmp.TENTH_MS
        delay = max(shortest, min(delay, _LONGEST_OLDER_RESPONSE_MS))
        return igmp.MembershipQuery(group, delay, version=2)
    sources = tuple(source.ipv4_mapped for source in query.sources if source.ipv4_mapped)
    told = (query.suppress, query.robustness, query.query_interval_s)
    return igmp.MembershipQuery(group, delay, sources, *told)


def report_to_igmp(report: mld.MulticastListenerReport) -> igmp.MembershipReport:
    """The report of a host as IGMP has it."""
    return igmp.MembershipReport(
        tuple(
            igmp.GroupRecord(record.type, _plain(record.group), tuple(map(_plain, record.sources)))
            for record in report.records
        )
    )


def _plain(address: IPv6Address) -> IPv4Address:
    """ValueError: it stands for none."""
    if address.ipv4_mapped is None:
        raise ValueError(f"{address} is no IPv4 address")
    return address.ipv4_mapped
