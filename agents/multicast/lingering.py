"""What hosts listened to that are known to have left: asked of the upstreams a little longer.

The router where a host is now may want it from here by a tunnel. Until it says so, or says that it
does not (section III.B of the paper: "indicated to immediately stop"), or the last listener query
time is over, the upstreams stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv6Address

from agents.deadlines import Deadlines
from agents.multicast.filters import EVERYTHING, Filter, include
from agents.multicast.listener import Departure, Listener
from agents.wire.mld import AddressRecord, RecordType

_WHOLE_GROUP = frozenset(
    {
        RecordType.MODE_IS_EXCLUDE,
        RecordType.CHANGE_TO_EXCLUDE_MODE,
        RecordType.CHANGE_TO_INCLUDE_MODE,
    }
)


class Lingering:
    """The wishes of those who left. Groups of which something ends are added to ``changed``."""

    def __init__(self, changed: set[IPv6Address]) -> None:
        self._changed = changed
        self._departures: dict[IPv6Address, list[Departure]] = {}
        self._deadlines: Deadlines[IPv6Address] = Deadlines()

    def add(self, group: IPv6Address, listener: Listener, deadline: int) -> None:
        """Somebody left; keep what it had until ``deadline`` (ns)."""
        departures = self._departures.pop(group, [])
        self._set(group, [*departures, Departure(listener, listener.filter, deadline)])

    def told(self, record: AddressRecord) -> None:
        """Another router says what it wants of a group, or not: it has spoken for who left."""
        group = record.group
        if group in self._departures:
            whole = record.type in _WHOLE_GROUP
            spoken_of = EVERYTHING if whole else include(record.sources)
            departures = self._departures.pop(group)
            for departure in departures:
                departure.filter -= spoken_of
            self._set(group, [d for d in departures if d.filter])
            self._changed.add(group)

    def wishes(self, group: IPv6Address) -> Iterator[tuple[Listener, Filter]]:
        """What is still asked of the upstreams."""
        for departure in self._departures.get(group, ()):
            yield departure.listener, departure.filter

    def groups(self) -> set[IPv6Address]:
        """The groups of which anything lingers."""
        return set(self._departures)

    def expire(self, now: int) -> None:
        """Forget what is over."""
        for group in self._deadlines.due(now):
            self._changed.add(group)
            departures = self._departures.pop(group)
            self._set(group, [d for d in departures if d.deadline > now])

    def next_deadline(self) -> int | None:
        """When ``expire`` is due, in ns."""
        return self._deadlines.next()

    def _set(self, group: IPv6Address, departures: list[Departure]) -> None:
        if departures:
            self._departures[group] = departures
            self._deadlines.set(group, min(d.deadline for d in departures))
        else:
            self._deadlines.cancel(group)
