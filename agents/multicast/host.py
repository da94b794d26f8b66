"""The host part of MLDv2 on one upstream link (RFC 3810 section 6): says what is wanted there."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv6Address
from random import Random

from agents.core import MILLISECOND
from agents.deadlines import Deadlines
from agents.multicast import packing
from agents.multicast.config import ProxyConfig
from agents.multicast.filters import NOTHING, Filter, FilterMode
from agents.multicast.listener import state_record
from agents.wire.mld import (
    UNSPECIFIED,
    AddressRecord,
    MulticastListenerQuery,
    MulticastListenerReport,
    RecordType,
)


@dataclass
class _Change:
    """A change of one group that is still to be reported, and how many times.

    ``mode`` counts filter-mode-change records, ``sources`` the source-list-change records of each
    source (the retransmission counters of RFC 3810 section 6.1).
    """

    mode: int = 0
    sources: dict[IPv6Address, int] = field(default_factory=dict)


class HostPart:
    """The subscriptions on one link, and the reports that they cause.

    ``robustness``, transmissions of a change, may be what a querier tells (sections 5.1.8, 9.1).
    ``due`` always tells when ``timer`` is due for this link among others.
    """

    def __init__(self, config: ProxyConfig, random: Random, due: Deadlines[HostPart]) -> None:
        self._config = config
        self._random = random
        self._due = due
        self.robustness = config.robustness
        self._subscriptions: dict[IPv6Address, Filter] = {}
        self._changes: dict[IPv6Address, _Change] = {}
        self._changes_due: int | None = None
        self._general_due: int | None = None
        # Answers to specific queries: for which sources (none: the group), and when.
        self._answers: dict[IPv6Address, frozenset[IPv6Address]] = {}
        self._answers_due: Deadlines[IPv6Address] = Deadlines()
        self.is_active = False
        """Whether anything is subscribed, or a leave is still to be told."""

    def subscription(self, group: IPv6Address) -> Filter:
        """What is wanted of a group."""
        return self._subscriptions.get(group, NOTHING)

    def subscribe(self, group: IPv6Address, wanted: Filter, now: int) -> None:
        """Change what is wanted of a group; the report is due at once (RFC 3810 section 6.1)."""
        old = self.subscription(group)
        if wanted == old:
            return
        if wanted:
            self._subscriptions[group] = wanted
        else:
            del self._subscriptions[group]
        self._tell(group, wanted, old, now)

    def decline(self, group: IPv6Address, unwanted: Filter, now: int) -> None:
        """Say that this of a group is not wanted, as if it had been so far."""
        wanted = self.subscription(group)
        self._tell(group, wanted, wanted | unwanted, now)

    def _tell(self, group: IPv6Address, wanted: Filter, old: Filter, now: int) -> None:
        """Report a change, at once."""
        if wanted == old:
            return
        change = self._changes.setdefault(group, _Change())
        if wanted.mode is not old.mode:
            change.mode = self.robustness
        else:
            for source in wanted.sources ^ old.sources:
                change.sources[source] = self.robustness
        self._changes_due = now
        self._follow()

    def query(self, query: MulticastListenerQuery, now: int) -> None:
        """Plan an answer at a random time within the query's delay (RFC 3810 section 6.2)."""
        delay = self._random.randint(0, query.maximum_response_delay_ms * MILLISECOND)
        due = now + delay
        if self._general_due is not None and self._general_due <= due:
            return
        if query.group == UNSPECIFIED:
            self._general_due = due
        elif query.group in self._subscriptions:
            pending = self._answers.get(query.group)
            sources = frozenset(query.sources)
            if pending is not None:
                due = min(due, self._answers_due.get(query.group, due))
                both_name_sources = pending and sources
                sources = pending | sources if both_name_sources else frozenset()
            self._answers[query.group] = sources
            self._answers_due.set(query.group, due)
        self._due.plan(self, self.next_deadline())

    def timer(self, now: int) -> list[MulticastListenerReport]:
        """The reports that are due."""
        records: list[AddressRecord] = []
        if self._changes_due is not None and self._changes_due <= now:
            records += self._change_records(now)
        if self._general_due is not None and self._general_due <= now:
            self._general_due = None
            for group in sorted(self._subscriptions):
                records += self._state_records(group, frozenset())
        for group in sorted(self._answers_due.due(now)):
            records += self._state_records(group, self._answers.pop(group))
        self._follow()
        return [MulticastListenerReport(report) for report in packing.reports(records)]

    def next_deadline(self) -> int | None:
        """When ``timer`` is due, in ns."""
        due = self._answers_due.next()
        for other in (self._changes_due, self._general_due):
            if other is not None and (due is None or other < due):
                due = other
        return due

    def _follow(self) -> None:
        """The subscriptions or the changes are others now."""
        self.is_active = bool(self._subscriptions or self._changes)
        self._due.plan(self, self.next_deadline())

    def _change_records(self, now: int) -> list[AddressRecord]:
        """One transmission of all pending changes; plans the next one."""
        records = []
        for group, change in sorted(self._changes.items()):
            records += self._change_record(group, change)
            change.mode = max(change.mode - 1, 0)
            change.sources = {s: left - 1 for s, left in change.sources.items() if left > 1}
            if not change.mode and not change.sources:
                del self._changes[group]
        self._changes_due = None
        if self._changes:
            wait = self._random.randint(1, self._config.unsolicited_report_interval)
            self._changes_due = now + wait
        return records

    def _change_record(self, group: IPv6Address, change: _Change) -> list[AddressRecord]:
        """A mode change tells the whole source list, so that no source record is needed with it."""
        wanted = self.subscription(group)
        if change.mode:
            kind = (
                RecordType.CHANGE_TO_INCLUDE_MODE
                if wanted.mode is FilterMode.INCLUDE
                else RecordType.CHANGE_TO_EXCLUDE_MODE
            )
            return [AddressRecord(kind, group, tuple(sorted(wanted.sources)))]
        allowed = tuple(sorted(source for source in change.sources if wanted.accepts(source)))
        blocked = tuple(sorted(source for source in change.sources if not wanted.accepts(source)))
        both = (
            (RecordType.ALLOW_NEW_SOURCES, allowed),
            (RecordType.BLOCK_OLD_SOURCES, blocked),
        )
        return [AddressRecord(kind, group, sources) for kind, sources in both if sources]

    def _state_records(
        self, group: IPv6Address, asked: frozenset[IPv6Address]
    ) -> list[AddressRecord]:
        """The current state of a group: all of it, or as far as sources were asked for."""
        wanted = self.subscription(group)
        if asked:
            heard = tuple(sorted(source for source in asked if wanted.accepts(source)))
            return [AddressRecord(RecordType.MODE_IS_INCLUDE, group, heard)] if heard else []
        return [state_record(group, wanted)] if wanted else []
