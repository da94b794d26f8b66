"""Hosts of older versions: what newer ones may not end while such are there, group by group.

RFC 3376 section 7.3.2, RFC 3810 section 8.3.2. An older host may keep silent because it has heard
another's report, and one of IGMP version 1 does not answer specific queries.
"""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv6Address

from agents.deadlines import Deadlines
from agents.wire.mld import AddressRecord, RecordType


class Compatibility:
    """The Older Version Host Present timers of the groups of one link."""

    def __init__(self) -> None:
        self._older: Deadlines[IPv6Address] = Deadlines()
        self._oldest: Deadlines[IPv6Address] = Deadlines()

    def heard(self, group: IPv6Address, until: int, *, never_leaves: bool) -> None:
        """A report of an older version came; ``never_leaves``: of IGMP version 1."""
        for timers in (self._older, self._oldest) if never_leaves else (self._older,):
            timers.set(group, until)

    def translate(self, record: AddressRecord, now: int) -> AddressRecord | None:
        """What a record is taken to say; None: nothing."""
        self._expire(now)
        if record.group in self._oldest and record.type is RecordType.CHANGE_TO_INCLUDE_MODE:
            return None
        if record.group in self._older:
            if record.type is RecordType.BLOCK_OLD_SOURCES:
                return None
            if record.type is RecordType.CHANGE_TO_EXCLUDE_MODE:
                return replace(record, sources=())
        return record

    def forget(self, group: IPv6Address) -> None:
        """Nobody listens to a group any more."""
        self._older.cancel(group)
        self._oldest.cancel(group)

    def _expire(self, now: int) -> None:
        for timers in (self._older, self._oldest):
            for _ in timers.due(now):
                pass
