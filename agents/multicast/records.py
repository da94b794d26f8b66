"""What reports of either MLD version say, in version 2's terms."""

from __future__ import annotations

from agents.wire.addresses import is_group, is_link_scope, is_source_specific
from agents.wire.mld import (
    EXCLUDE_TYPES,
    AddressRecord,
    ListenerDoneV1,
    ListenerReportV1,
    MulticastListenerReport,
    RecordType,
)

Report = MulticastListenerReport | ListenerReportV1 | ListenerDoneV1
ANY_SOURCE = "any source of a source-specific group"
"""Why what ``wants_any_source_wrongly`` finds is refused."""


def records_of_interest(message: Report, *, link_scope: bool = False) -> list[AddressRecord]:
    """What a report says, MLDv1 put into MLDv2's terms (RFC 3810 section 8.3.2).

    Groups of link-local and smaller scope are never routed and are left out, unless ``link_scope``
    asks for them; so is what version 1 gives up of source-specific ones (RFC 4604 section 3.7).
    """
    records: tuple[AddressRecord, ...]
    if isinstance(message, ListenerReportV1):
        records = (AddressRecord(RecordType.MODE_IS_EXCLUDE, message.group),)
    elif isinstance(message, ListenerDoneV1):
        if is_source_specific(message.group):
            return []
        records = (AddressRecord(RecordType.CHANGE_TO_INCLUDE_MODE, message.group),)
    else:
        records = message.records
    return [
        record
        for record in records
        if is_group(record.group) and (link_scope or not is_link_scope(record.group))
    ]


def wants_any_source_wrongly(record: AddressRecord) -> bool:
    """Whether a record has no meaning for its group, since that is source-specific.

    RFC 4604 sections 3.1 and 3.5, RFC 4607 section 5.2.
    """
    return record.type in EXCLUDE_TYPES and is_source_specific(record.group)
