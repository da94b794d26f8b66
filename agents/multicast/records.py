"""What reports of either MLD version say, in version 2's terms."""

from __future__ import annotations

from ipaddress import IPv6Address

from agents.wire.mld import (
    AddressRecord,
    ListenerDoneV1,
    ListenerReportV1,
    MulticastListenerReport,
    RecordType,
)

Report = MulticastListenerReport | ListenerReportV1 | ListenerDoneV1

_LINK_LOCAL_SCOPE = 2  # RFC 4291 section 2.7


def records_of_interest(message: Report) -> list[AddressRecord]:
    """What a report says, MLDv1 put into MLDv2's terms (RFC 3810 section 8.3.2).

    Groups of link-local and smaller scope are never routed and are left out.
    """
    records: tuple[AddressRecord, ...]
    if isinstance(message, ListenerReportV1):
        records = (AddressRecord(RecordType.MODE_IS_EXCLUDE, message.group),)
    elif isinstance(message, ListenerDoneV1):
        records = (AddressRecord(RecordType.CHANGE_TO_INCLUDE_MODE, message.group),)
    else:
        records = message.records
    return [record for record in records if _is_routable(record.group)]


def _is_routable(group: IPv6Address) -> bool:
    return group.is_multicast and group.packed[1] & 0x0F > _LINK_LOCAL_SCOPE
