"""Who listens on one downstream link: every host tracked by itself (RFC 6636).

Each host has the router state of RFC 3810 section 7.2 for itself; what the link wants is the merge
of all hosts. When a host leaves and others are known to want the same, it is forgotten at once and
nobody is asked; when nobody is known to, its wish stays, as a *departure*, for the last listener
query time, while the querier asks who else there is. What hosts can make us keep is bounded: what
is over a bound is refused, what is there already stays.
"""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv6Address
from typing import NamedTuple

from agents.deadlines import Deadlines
from agents.multicast.config import ProxyConfig
from agents.multicast.filters import NOTHING, Filter, FilterMode, merge
from agents.multicast.listener import Departure, Listener, Membership
from agents.wire.mld import AddressRecord, RecordType

_Key = tuple[IPv6Address, "IPv6Address | None"]
"""Group and host; without a host it stands for the group's departures."""


class Refusal(NamedTuple):
    """What of a record is over a bound: so many sources, or all of it (0)."""

    why: str
    sources: int = 0


class Outcome(NamedTuple):
    """What came of a record."""

    ask: bool = False
    """Nobody is known to want what was given up: ask the link."""
    refusal: Refusal | None = None


class Listeners:
    """The listeners and departures of one link, by group.

    Groups of which somebody's wish changed are added to ``changed``. ``maximum_groups`` is how many
    one host may have, ``maximum_sources`` how many sources in one of them. So many groups of each
    as are ``reserved`` it has even if the link is full. ``due`` always tells when ``expire`` is due
    for this link among others.
    """

    def __init__(
        self,
        config: ProxyConfig,
        changed: set[IPv6Address],
        due: Deadlines[Listeners],
        *,
        maximum_groups: int,
        maximum_sources: int,
        reserved: int = 0,
    ) -> None:
        self._config = config
        self._changed = changed
        self._due = due
        self._maximum_groups = maximum_groups
        self._maximum_sources = maximum_sources
        self._reserved = reserved
        self._listeners: dict[IPv6Address, dict[IPv6Address, Listener]] = {}
        self._departures: dict[IPv6Address, list[Departure]] = {}
        self._groups: dict[IPv6Address, set[IPv6Address]] = {}
        # What is served of a group, as far as it was asked since it changed.
        self._served: dict[IPv6Address, Filter] = {}
        self._count = 0
        self.is_empty = True
        """Whether there is no state, as on most tunnels."""
        self._deadlines: Deadlines[_Key] = Deadlines()

    def groups(self) -> set[IPv6Address]:
        """The groups with any state."""
        return self._listeners.keys() | self._departures.keys()

    def hosts(self) -> list[IPv6Address]:
        """The hosts that listen to anything."""
        return sorted(self._groups)

    def of(self, host: IPv6Address) -> list[tuple[IPv6Address, Listener]]:
        """What a host listens to, by group."""
        groups = sorted(self._groups.get(host, ()))
        return [(group, self._listeners[group][host]) for group in groups]

    def find(self, group: IPv6Address, host: IPv6Address) -> Listener | None:
        """One host's state for one group."""
        return self._listeners.get(group, {}).get(host)

    def report(
        self, record: AddressRecord, host: IPv6Address, now: int, expiry: int, *, ask: bool
    ) -> Outcome:
        """Act on a host's record; what is wanted is so until ``expiry``.

        Unless the link is to be asked, what the last listener gives up is not served any more.
        """
        group = record.group
        old = self.find(group, host)
        listener = Listener(host, now) if old is None else replace(old)
        left_out = listener.report(record, expiry, self._maximum_sources)
        before, after = NOTHING if old is None else old.filter, listener.filter
        full = self._full(host) if old is None and after else None
        if full is not None:
            return Outcome(refusal=full)
        self._keep(group, listener)
        many = f"more than {self._maximum_sources} sources of one host in one group"
        refusal = Refusal(many, left_out) if left_out else None
        if before == after:
            return Outcome(refusal=refusal)
        self._changed.add(group)
        known = self._known(group)
        self._trim_departures(group, known)
        lost = before - known
        if not lost or not (ask or _may_go_on(record, before)):
            return Outcome(refusal=refusal)
        if not self._may_depart(group):
            return Outcome(refusal=refusal or Refusal("more listeners leave than can be asked for"))
        self._depart(group, Departure(listener, lost, now + self._config.last_listener_query_time))
        return Outcome(ask=True, refusal=refusal)

    def remove(self, host: IPv6Address) -> list[tuple[IPv6Address, Listener]]:
        """Forget a host; what it listened to."""
        removed = self.of(host)
        for group, _ in removed:
            self._forget(group, host)
            self._changed.add(group)
        return removed

    def take(self, group: IPv6Address, host: IPv6Address) -> Listener | None:
        """Forget what a host listens to in one group; what that was."""
        listener = self.find(group, host)
        if listener is not None:
            self._forget(group, host)
            self._changed.add(group)
        return listener

    def lower(self, group: IPv6Address, sources: tuple[IPv6Address, ...], deadline: int) -> None:
        """Another querier asks: who does not answer is gone (RFC 3810 section 7.6.1)."""
        for listener in list(self._listeners.get(group, {}).values()):
            listener.lower(frozenset(sources), deadline)
            self._keep(group, listener)

    def expire(self, now: int) -> None:
        """Drop listeners not heard for too long and departures that are over."""
        for group, host in self._deadlines.due(now):
            self._changed.add(group)
            if host is not None:
                listener = self._listeners[group][host]
                listener.expire(now)
                self._keep(group, listener)
            else:
                left = [d for d in self._departures.pop(group) if d.deadline > now]
                self._set_departures(group, left)

    def next_deadline(self) -> int | None:
        """When ``expire`` is due, in ns."""
        return self._deadlines.next()

    def wants(self, source: IPv6Address, group: IPv6Address) -> bool:
        """Whether anybody on the link is served this channel."""
        served = self._served.get(group)
        if served is None:
            served = merge(wish for _, wish in self.wishes(group))
            if served:
                self._served[group] = served
        return served.accepts(source)

    def departing(self, group: IPv6Address) -> Filter:
        """What is served though nobody is known to want it."""
        return merge(departure.filter for departure in self._departures.get(group, ()))

    def memberships(self, group: IPv6Address) -> set[Membership]:
        """Who listens, those included who just left and are still served."""
        memberships = set()
        for listener, wish in self.wishes(group):
            any_source = wish.mode is FilterMode.EXCLUDE
            for source in [None] if any_source else wish.sources:
                memberships.add(Membership(listener.upstreams, listener.host, source))
        return memberships

    def wishes(self, group: IPv6Address) -> list[tuple[Listener, Filter]]:
        """What each listener of a group, and each that just left, is served."""
        wishes = [(x, x.filter) for x in self._listeners.get(group, {}).values()]
        return wishes + [(x.listener, x.filter) for x in self._departures.get(group, ())]

    def _full(self, host: IPv6Address) -> Refusal | None:
        """Why a host may have no group more, if so."""
        groups = len(self._groups.get(host, ()))
        if groups >= self._maximum_groups:
            return Refusal(f"more than {self._maximum_groups} groups of one host")
        if groups >= self._reserved and self._count >= self._config.maximum_listeners:
            return Refusal(f"more than {self._config.maximum_listeners} listeners on the link")
        return None

    def _may_depart(self, group: IPv6Address) -> bool:
        """Whether there is room for one departure more."""
        others = self._departures.get(group)
        if others is None:
            return len(self._departures) < self._config.maximum_listeners
        return len(others) < self._maximum_sources

    def _known(self, group: IPv6Address) -> Filter:
        return merge(listener.filter for listener in self._listeners.get(group, {}).values())

    def _keep(self, group: IPv6Address, listener: Listener) -> None:
        """Keep a listener as long as it wants anything."""
        deadline = listener.deadline
        if deadline is None:
            self._forget(group, listener.host)
            return
        listeners = self._listeners.setdefault(group, {})
        self._count += listener.host not in listeners
        listeners[listener.host] = listener
        self._groups.setdefault(listener.host, set()).add(group)
        self._plan((group, listener.host), deadline)

    def _forget(self, group: IPv6Address, host: IPv6Address) -> None:
        if self.find(group, host) is None:
            return
        self._count -= 1
        del self._listeners[group][host]
        if not self._listeners[group]:
            del self._listeners[group]
        self._groups[host].remove(group)
        if not self._groups[host]:
            del self._groups[host]
        self._plan((group, host), None)

    def _depart(self, group: IPv6Address, departure: Departure) -> None:
        self._set_departures(group, [*self._departures.pop(group, ()), departure])

    def _trim_departures(self, group: IPv6Address, known: Filter) -> None:
        """Forget of departures what somebody is known to want."""
        if group in self._departures:
            departures = self._departures.pop(group)
            for departure in departures:
                departure.filter -= known
            self._set_departures(group, [d for d in departures if d.filter])

    def _set_departures(self, group: IPv6Address, departures: list[Departure]) -> None:
        if departures:
            self._departures[group] = departures
        self._plan((group, None), min((d.deadline for d in departures), default=None))

    def _plan(self, key: _Key, when: int | None) -> None:
        self._served.pop(key[0], None)
        self._deadlines.plan(key, when)
        self._due.plan(self, self._deadlines.next())
        self.is_empty = not (self._listeners or self._departures)


def _may_go_on(record: AddressRecord, before: Filter) -> bool:
    """Whether a record may be one of several, each with a part of the sources.

    Such a change to INCLUDE, too long for one packet, gives up nothing that the parts before it had
    (RFC 3810 sections 5.2.15 and 7.4.2).
    """
    is_change = record.type is RecordType.CHANGE_TO_INCLUDE_MODE and bool(record.sources)
    return is_change and before.mode is FilterMode.INCLUDE
