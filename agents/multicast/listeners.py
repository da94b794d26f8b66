"""Who listens on one downstream link: every host tracked by itself (RFC 6636).

Each host has the router state of RFC 3810 section 7.2 for itself; what the link wants is the merge
of all hosts. When a host leaves and others are known to want the same, it is forgotten at once and
nobody is asked; when nobody is known to, its wish stays, as a *departure*, for the last listener
query time, while the querier asks who else there is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from ipaddress import IPv6Address
from typing import NamedTuple

from agents.multicast.config import ProxyConfig
from agents.multicast.filters import Filter, FilterMode, exclude, include, merge
from agents.wire.mld import AddressRecord, RecordType

_EXCLUDE_TYPES = frozenset({RecordType.MODE_IS_EXCLUDE, RecordType.CHANGE_TO_EXCLUDE_MODE})
_ALLOW_TYPES = frozenset({RecordType.MODE_IS_INCLUDE, RecordType.ALLOW_NEW_SOURCES})


UpstreamOf = Callable[[IPv6Address, IPv6Address, int], "str | None"]
"""The upstream of a host that first reported a group at a time (ns)."""


class Membership(NamedTuple):
    """One host listens to a group, from one source or from any (None), by one upstream."""

    upstream: str | None
    host: IPv6Address
    source: IPv6Address | None


@dataclass
class Listener:
    """One host's state for one group (RFC 3810 section 7.2). Times in ns.

    ``filter_expiry`` is the filter timer, None in INCLUDE mode; ``requested`` the source timers;
    ``excluded`` the exclude list. ``joined`` is when the host first reported the group, and
    ``upstream`` by which it is served.
    """

    host: IPv6Address
    upstream: str | None
    joined: int
    filter_expiry: int | None = None
    requested: dict[IPv6Address, int] = field(default_factory=dict)
    excluded: frozenset[IPv6Address] = frozenset()

    @property
    def filter(self) -> Filter:
        """What the host wants."""
        return include(self.requested) if self.filter_expiry is None else exclude(self.excluded)

    def report(self, kind: RecordType, sources: frozenset[IPv6Address], expiry: int) -> None:
        """Act on a record (RFC 3810 section 7.4); what is wanted is so until ``expiry``."""
        if kind in _EXCLUDE_TYPES:
            self.filter_expiry, self.excluded, self.requested = expiry, sources, {}
        elif kind is RecordType.CHANGE_TO_INCLUDE_MODE:
            self.filter_expiry, self.excluded = None, frozenset()
            self.requested = dict.fromkeys(sources, expiry)
        elif kind in _ALLOW_TYPES:
            self.requested.update(dict.fromkeys(sources, expiry))
            self.excluded -= sources
        else:
            self.requested = {s: t for s, t in self.requested.items() if s not in sources}
            if self.filter_expiry is not None:
                self.excluded |= sources

    def lower(self, sources: frozenset[IPv6Address], deadline: int) -> None:
        """Be gone at ``deadline`` if not heard again: altogether, or for these sources."""
        if self.filter_expiry is not None and not sources:
            self.filter_expiry = min(self.filter_expiry, deadline)
        for source in (sources or self.requested.keys()) & self.requested.keys():
            self.requested[source] = min(self.requested[source], deadline)

    def expire(self, now: int) -> None:
        """Drop what was not heard of for too long (RFC 3810 sections 7.2.2 and 7.2.3)."""
        if self.filter_expiry is not None and self.filter_expiry <= now:
            self.filter_expiry, self.excluded = None, frozenset()
        self.requested = {s: t for s, t in self.requested.items() if t > now}

    def deadlines(self) -> Iterator[int]:
        """When ``expire`` has something to do."""
        if self.filter_expiry is not None:
            yield self.filter_expiry
        yield from self.requested.values()


@dataclass
class Departure:
    """What a listener wanted that nobody is known to want now; served until ``deadline`` (ns)."""

    listener: Listener
    filter: Filter
    deadline: int


class Listeners:
    """The listeners and departures of one link, by group."""

    def __init__(self, config: ProxyConfig, select: UpstreamOf) -> None:
        self._config = config
        self._select = select
        self._listeners: dict[IPv6Address, dict[IPv6Address, Listener]] = {}
        self._departures: dict[IPv6Address, list[Departure]] = {}

    def groups(self) -> set[IPv6Address]:
        """The groups with any state."""
        return self._listeners.keys() | self._departures.keys()

    def report(self, record: AddressRecord, host: IPv6Address, now: int) -> bool:
        """Act on a host's record. True: nobody is known to want what it wanted: ask the link."""
        hosts = self._listeners.setdefault(record.group, {})
        listener = hosts.get(host) or Listener(host, None, now)
        before = listener.filter
        expiry = now + self._config.listener_interval
        listener.report(record.type, frozenset(record.sources), expiry)
        if not before and listener.filter:
            listener.upstream = self._select(host, record.group, now)
        hosts[host] = listener
        lost = before - self._known(record.group)
        if lost:
            deadline = now + self._config.last_listener_query_time
            departures = self._departures.setdefault(record.group, [])
            departures.append(Departure(listener, lost, deadline))
        self._tidy(record.group)
        return bool(lost)

    def lower(self, group: IPv6Address, sources: tuple[IPv6Address, ...], deadline: int) -> None:
        """Another querier asks: who does not answer is gone (RFC 3810 section 7.6.1)."""
        for listener in self._listeners.get(group, {}).values():
            listener.lower(frozenset(sources), deadline)

    def expire(self, now: int) -> set[IPv6Address]:
        """Drop listeners not heard for too long and departures that are over; their groups."""
        expired = {g for g in self.groups() if any(time <= now for time in self._deadlines(g))}
        for group in expired:
            for listener in self._listeners.get(group, {}).values():
                listener.expire(now)
            departures = self._departures.get(group, [])
            self._departures[group] = [d for d in departures if d.deadline > now]
            self._tidy(group)
        return expired

    def next_deadline(self) -> int | None:
        """When ``expire`` is due, in ns."""
        return min((t for group in self.groups() for t in self._deadlines(group)), default=None)

    def filter(self, group: IPv6Address) -> Filter:
        """What the link wants of a group."""
        return self._known(group) | self.departing(group)

    def subscription(self, group: IPv6Address, upstream: str) -> Filter:
        """What the link wants of a group from one upstream."""
        wishes = self._wishes(group)
        return merge(wish for listener, wish in wishes if listener.upstream == upstream)

    def departing(self, group: IPv6Address) -> Filter:
        """What is served though nobody is known to want it."""
        return merge(departure.filter for departure in self._departures.get(group, []))

    def memberships(self, group: IPv6Address) -> set[Membership]:
        """Who listens, those included who just left and are still served."""
        memberships = set()
        for listener, wish in self._wishes(group):
            any_source = wish.mode is FilterMode.EXCLUDE
            for source in [None] if any_source else wish.sources:
                memberships.add(Membership(listener.upstream, listener.host, source))
        return memberships

    def reselect(self, concerned: Callable[[Listener], bool]) -> set[IPv6Address]:
        """Ask again for the upstream of the listeners ``concerned``; their groups."""
        groups = set()
        for group in self.groups():
            for listener, _ in self._wishes(group):
                if concerned(listener):
                    listener.upstream = self._select(listener.host, group, listener.joined)
                    groups.add(group)
        return groups

    def _known(self, group: IPv6Address) -> Filter:
        return merge(listener.filter for listener in self._listeners.get(group, {}).values())

    def _wishes(self, group: IPv6Address) -> Iterator[tuple[Listener, Filter]]:
        for listener in self._listeners.get(group, {}).values():
            yield listener, listener.filter
        for departure in self._departures.get(group, []):
            yield departure.listener, departure.filter

    def _deadlines(self, group: IPv6Address) -> Iterator[int]:
        for listener in self._listeners.get(group, {}).values():
            yield from listener.deadlines()
        for departure in self._departures.get(group, []):
            yield departure.deadline

    def _tidy(self, group: IPv6Address) -> None:
        """Forget who wants nothing, and of departures what somebody is known to want."""
        listeners = self._listeners.pop(group, {})
        known = merge(listener.filter for listener in listeners.values())
        if known:
            self._listeners[group] = {h: x for h, x in listeners.items() if x.filter}
        departures = self._departures.pop(group, [])
        for departure in departures:
            departure.filter -= known
        if remaining := [departure for departure in departures if departure.filter]:
            self._departures[group] = remaining
