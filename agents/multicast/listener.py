"""One host's state for one group, and the wish that it leaves behind."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from ipaddress import IPv6Address
from typing import NamedTuple

from agents.multicast.filters import NOTHING, Filter, FilterMode, exclude, include
from agents.wire.mld import EXCLUDE_TYPES, AddressRecord, RecordType

_ALLOW_TYPES = frozenset({RecordType.MODE_IS_INCLUDE, RecordType.ALLOW_NEW_SOURCES})


class Membership(NamedTuple):
    """One host listens to a group, from one source or from any (None), by these upstreams."""

    upstreams: tuple[str, ...]
    host: IPv6Address
    source: IPv6Address | None


@dataclass
class Listener:
    """One host's state for one group (RFC 3810 section 7.2). Times in ns.

    ``filter_expiry`` is the filter timer, None in INCLUDE mode; ``requested`` the source timers;
    ``excluded`` the exclude list. ``joined`` is when the host was first known to want the group,
    and ``upstreams`` by which it is served: the first is to stay, the others go as soon as the
    first delivers. In a scheme that shares none all stay; data is taken from the first.
    """

    host: IPv6Address
    joined: int
    upstreams: tuple[str, ...] = ()
    filter_expiry: int | None = None
    requested: dict[IPv6Address, int] = field(default_factory=dict)
    excluded: frozenset[IPv6Address] = frozenset()
    filter: Filter = NOTHING
    """What the host wants."""

    @property
    def deadline(self) -> int | None:
        """When ``expire`` has something to do."""
        times = list(self.requested.values())
        if self.filter_expiry is not None:
            times.append(self.filter_expiry)
        return min(times, default=None)

    def report(self, record: AddressRecord, expiry: int, maximum: int) -> int:
        """Act on a record (RFC 3810 section 7.4); what is wanted is so until ``expiry``.

        Of either list there are at most ``maximum`` sources, those that are in it first. Gives how
        many there are too many, with which the filter is not what the host says.
        """
        kind, sources, left_out = record.type, frozenset(record.sources), 0
        if kind in EXCLUDE_TYPES:
            excluded, left_out = _first(record.sources, self.excluded, maximum)
            self.filter_expiry, self.excluded, self.requested = expiry, frozenset(excluded), {}
        elif kind is RecordType.CHANGE_TO_INCLUDE_MODE:
            requested, left_out = _first(record.sources, self.requested, maximum)
            self.filter_expiry, self.excluded = None, frozenset()
            self.requested = dict.fromkeys(requested, expiry)
        elif kind in _ALLOW_TYPES:
            known = self.requested
            requested, over = _first([*known, *record.sources], known, maximum)
            self.requested = {s: expiry if s in sources else known[s] for s in requested}
            self.excluded -= sources
            left_out = over if self.filter_expiry is None else 0
        else:
            self.requested = {s: t for s, t in self.requested.items() if s not in sources}
            if self.filter_expiry is not None:
                excluded, left_out = _first(
                    [*self.excluded, *record.sources], self.excluded, maximum
                )
                self.excluded = frozenset(excluded)
        self._set_filter()
        return left_out

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
        self._set_filter()

    def _set_filter(self) -> None:
        including = self.filter_expiry is None
        self.filter = include(self.requested) if including else exclude(self.excluded)


def _first(
    sources: Iterable[IPv6Address], known: Container[IPv6Address], maximum: int
) -> tuple[list[IPv6Address], int]:
    """At most ``maximum`` of the sources, the known ones first; and how many are left out."""
    ordered = sorted(dict.fromkeys(sources), key=lambda source: source not in known)
    return ordered[:maximum], max(0, len(ordered) - maximum)


@dataclass
class Departure:
    """What a listener wanted that nobody is known to want now; served until ``deadline`` (ns)."""

    listener: Listener
    filter: Filter
    deadline: int


def state_record(group: IPv6Address, wanted: Filter) -> AddressRecord:
    """The record that says what is wanted of a group (RFC 3810 section 5.2.12)."""
    including = wanted.mode is FilterMode.INCLUDE
    kind = RecordType.MODE_IS_INCLUDE if including else RecordType.MODE_IS_EXCLUDE
    return AddressRecord(kind, group, tuple(sorted(wanted.sources)))
