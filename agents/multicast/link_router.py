"""The multicast router of one link, as far as the link sees it: it asks, and knows who listens.

What it does for the listeners is not its own matter: the overlay's daemon brings them what they
want from elsewhere. IPv4 addresses stand as mapped ones, and IGMP speaks in MLD's terms
(``agents.multicast.igmp``): a link has one of these for each of the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address

from agents.core import Action, Log, refused
from agents.deadlines import Deadlines
from agents.multicast.actions import SendMld
from agents.multicast.compatibility import Compatibility
from agents.multicast.config import ProxyConfig
from agents.multicast.filters import Filter, merge
from agents.multicast.listeners import Listeners
from agents.multicast.querier import KEEP_ALIVE, Querier
from agents.multicast.records import (
    ANY_SOURCE,
    Report,
    records_of_interest,
    wants_any_source_wrongly,
)
from agents.wire.addresses import mapped, unmapped
from agents.wire.igmp import ALL_IGMPV3_ROUTERS, ALL_SYSTEMS
from agents.wire.mld import (
    ALL_MLDV2_ROUTERS,
    ALL_NODES,
    UNSPECIFIED,
    ListenerDoneV1,
    ListenerReportV1,
    MulticastListenerQuery,
)

_WARNING_INTERVAL = 60_000_000_000
"""Between two warnings about a querier of another version: they are to be rate-limited."""


def routers_of(address: IPv6Address) -> IPv6Address:
    """The group of those that take reports, of the protocol of an address: of routers alone."""
    return ALL_MLDV2_ROUTERS if address.ipv4_mapped is None else mapped(ALL_IGMPV3_ROUTERS)


@dataclass(frozen=True)
class SetWanted(Action):
    """This is what somebody on the link wants of a group, and no more than this."""

    group: IPv6Address
    wanted: Filter


class LinkRouter:
    """Querier and listeners of one link, of IPv4 or of IPv6.

    ``address`` is the router's own on the link: a link-local one, or an IPv4 one, mapped.
    ``version`` is the oldest that another router on the link speaks, in MLD's count: with 1 the
    queries have the older form (RFC 3376 section 7.3.1, RFC 3810 section 8.3.1); 0 is IGMP version
    1, in which there are general queries only, and leaves do not count. ``elects``: whether there
    may be another querier. ``link_scope``: whether groups count that no router forwards.
    ``keeps_alive``: as querier we keep ourselves known to other routers, which take over as soon as
    we are gone: by general queries to routers alone, which hosts do not hear.
    """

    def __init__(
        self,
        config: ProxyConfig,
        name: str,
        address: IPv6Address,
        now: int,
        *,
        elects: bool,
        link_scope: bool = False,
        version: int = 2,
        keeps_alive: bool = False,
    ) -> None:
        self._name = name
        self._address = address
        self._link_scope = link_scope
        self._version = version
        self._changed: set[IPv6Address] = set()
        self._queries_due: Deadlines[Querier] = Deadlines()
        self._expiries: Deadlines[Listeners] = Deadlines()
        self._querier = Querier(config, address, now, self._queries_due, elects=elects)
        self._listeners = Listeners(
            config,
            self._changed,
            self._expiries,
            maximum_groups=config.maximum_listeners,
            maximum_sources=config.maximum_sources,
        )
        self._compatibility = Compatibility()
        self._keeps_alive = keeps_alive
        self._alive_due = now
        self._everybody = ALL_NODES if address.ipv4_mapped is None else mapped(ALL_SYSTEMS)
        self._routers = routers_of(address)
        self._warned: int | None = None

    @property
    def is_querier(self) -> bool:
        """Whether this router asks; otherwise another one on the link does."""
        return self._querier.is_querier

    def groups(self) -> list[IPv6Address]:
        """The groups that anybody wants something of."""
        return sorted(self._listeners.groups())

    def wanted(self, group: IPv6Address) -> Filter:
        """What the link wants of a group, what was just given up included."""
        return merge(wish for _, wish in self._listeners.wishes(group))

    def report(
        self, message: Report, source: IPv6Address, now: int, *, never_leaves: bool = False
    ) -> list[Action]:
        """A host reported, or said that it left; ``never_leaves``: it speaks IGMP version 1."""
        actions: list[Action] = []
        if self._version == 0 and isinstance(message, ListenerDoneV1):
            return actions
        for record in records_of_interest(message, link_scope=self._link_scope):
            taken = self._compatibility.translate(record, now)
            if taken is None:
                continue
            if wants_any_source_wrongly(taken):
                actions.append(refused(source, taken.group, ANY_SOURCE))
                continue
            expiry = now + self._querier.config.listener_interval
            ask, refusal = self._listeners.report(taken, source, now, expiry, ask=True)
            if ask:
                self._querier.last_listener(taken.group, now)
            if refusal:
                actions.append(refused(source, taken.group, *refusal))
            elif isinstance(message, ListenerReportV1):  # what is refused has no timers either
                self._compatibility.heard(taken.group, expiry, never_leaves=never_leaves)
        return [*actions, *self.timer(now)]

    def query(
        self,
        query: MulticastListenerQuery,
        source: IPv6Address,
        now: int,
        *,
        to_routers: bool = False,
    ) -> list[Action]:
        """Another router asked; from no address it is a switch, which is no querier (RFC 4541).

        ``to_routers``: it keeps itself known to others.
        """
        nobody = not int(unmapped(source))
        if not self._querier.elects or source == self._address or nobody:
            return []
        self._querier.receive(query, source, now, keep_alive=to_routers)
        if query.group != UNSPECIFIED and not query.suppress and not self._querier.is_querier:
            deadline = now + self._querier.config.last_listener_query_time
            self._listeners.lower(query.group, query.sources, deadline)
        return [*self._warn(query, source, now), *self.timer(now)]

    def give_way(self, now: int) -> None:
        """We cannot carry anything now: for a while any other router goes before us."""
        self._querier.give_way(now)

    def timer(self, now: int) -> list[Action]:
        """Act on every deadline that is not later than ``now``; what was changed is told here."""
        for listeners in self._expiries.due(now):
            listeners.expire(now)
        actions: list[Action] = []
        for group in sorted(self._changed):
            wanted = self.wanted(group)
            if not wanted:
                self._compatibility.forget(group)
            actions.append(SetWanted(group, wanted))
        self._changed.clear()
        for querier in self._queries_due.due(now):
            for query in querier.timer(now, self._listeners.departing):
                actions += self._ask(query)
        if self._keeps_alive and self.is_querier and self._alive_due <= now:
            self._alive_due = now + KEEP_ALIVE
            actions += self._ask(self._querier.general_query(), self._routers)
        return actions

    def next_deadline(self) -> int | None:
        """When ``timer`` is due."""
        alive = self._alive_due if self._keeps_alive and self.is_querier else None
        times = (self._queries_due.next(), self._expiries.next(), alive)
        return min((time for time in times if time is not None), default=None)

    def _ask(
        self, query: MulticastListenerQuery, routers: IPv6Address | None = None
    ) -> list[Action]:
        destination = routers or (self._everybody if query.group == UNSPECIFIED else query.group)
        if self._version < 2:
            if query.sources:  # version 1 cannot ask for them
                return []
            if self._version == 0 and query.group != UNSPECIFIED:
                return []
            delay = query.maximum_response_delay_ms
            query = MulticastListenerQuery(query.group, delay, version=1)
        return [SendMld(query, self._name, destination)]

    def _warn(self, query: MulticastListenerQuery, source: IPv6Address, now: int) -> list[Action]:
        """A router of another version is here, which only its operator can mend."""
        if query.version == max(1, self._version):  # the oldest two look the same by now
            return []
        if self._warned is not None and now - self._warned < _WARNING_INTERVAL:
            return []
        self._warned = now
        fields = {"link": self._name, "router": str(source), "version": query.version}
        return [Log("querier_of_another_version", fields)]
