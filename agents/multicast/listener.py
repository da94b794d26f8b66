"""One host's state for one group, and the wish that it leaves behind."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv6Address
from typing import NamedTuple

from agents.multicast.filters import NOTHING, Filter, FilterMode, exclude, include
from agents.wire.mld import AddressRecord, RecordType

_EXCLUDE_TYPES = frozenset({RecordType.MODE_IS_EXCLUDE, RecordType.CHANGE_TO_EXCLUDE_MODE})
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
    first delivers.
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
    def size(self) -> int:
        """The number of sources to remember."""
        return len(self.requested) + len(self.excluded)

    @property
    def deadline(self) -> int | None:
        """When ``expire`` has something to do."""
        times = list(self.requested.values())
        if self.filter_expiry is not None:
            times.append(self.filter_expiry)
        return min(times, default=None)

    def report(self, kind: RecordType, sources: frozenset[IPv6Address], expiry: int) -> None:
        """Act on a record (RFC 3810 section 7.4); what is wanted is so until ``expiry``."""
        if kind in _EXCLUDE_TYPES:
            self.filter_expiry, self.excluded, self.requested = expiry, sources, {}
        elif kind is RecordType.CHANGE_TO_INCLUDE_MODE:
            self.filter_expiry, self.excluded = None, frozenset()
            self.requested = dict.fromkeys(sources, expiry)
        elif kind in _ALLOW_TYPES:
            self.requested = {**self.requested, **dict.fromkeys(sources, expiry)}
            self.excluded -= sources
        else:
            self.requested = {s: t for s, t in self.requested.items() if s not in sources}
            if self.filter_expiry is not None:
                self.excluded |= sources
        self._set_filter()

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
