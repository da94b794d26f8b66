"""The querier of one downstream link (RFC 3810 section 7): when to ask what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import Enum
from ipaddress import IPv6Address

from agents.core import MILLISECOND, SECOND
from agents.deadlines import Deadlines
from agents.multicast import packing
from agents.multicast.config import ProxyConfig
from agents.multicast.filters import Filter, FilterMode
from agents.transitions import StateMachine, Transition
from agents.wire.mld import UNSPECIFIED, MulticastListenerQuery

KEEP_ALIVE = 1 * SECOND
"""So often a querier that keeps itself known says that it is there."""
KEEP_ALIVE_LOST = 7 * SECOND // 2
"""After so long without a word of it others go on without it."""
GIVES_WAY = 15 * SECOND
"""For so long a router lets any other one go before it: the way that failed may fail again."""
_LONGEST = 10
"""Of another querier's interval so many of ours are believed: in one that is missed nobody asks."""


class Role(Enum):
    """What a router is on a link (RFC 3810 section 7.6.2); `LIFE` has the ways between."""

    QUERIER = "querier"
    NON_QUERIER = "non-querier"


LIFE: StateMachine[Role] = StateMachine(
    (
        Transition(None, Role.QUERIER, "the link is up"),
        Transition(Role.QUERIER, Role.NON_QUERIER, "query of a lower address, or gives way"),
        Transition(Role.NON_QUERIER, Role.QUERIER, "other querier present timer"),
        Transition(Role.QUERIER, None, "the link is gone"),
        Transition(Role.NON_QUERIER, None, "the link is gone"),
    )
)
"""A router's life on a link."""


class Querier:
    """Sends queries as long as no router with a lower address does (RFC 3810 section 7.6.2).

    ``elects`` is False where no other router is our rival: where hosts attach, and on a tunnel
    between two proxies, in which each end has to ask the other, since the host that each asks is
    the other router's own upstream side. ``due`` always tells when ``timer`` is due for this link
    among others.
    """

    def __init__(
        self,
        config: ProxyConfig,
        link_local: IPv6Address,
        now: int,
        due: Deadlines[Querier],
        *,
        elects: bool,
    ) -> None:
        self._own = config
        self.config = config
        """What holds on the link: of another querier, robustness variable and query interval."""
        self._link_local = link_local
        self.elects = elects
        self._startup_left = config.robustness
        self._general_due = now
        self.role = Role.QUERIER
        self._other_present_until = 0
        self._keeps_alive: IPv6Address | None = None
        """The querier that keeps itself known."""
        self._gives_way_until = 0
        # Repeated specific queries: when for which group, and how many are left.
        self._rounds_due: Deadlines[IPv6Address] = Deadlines()
        self._rounds: dict[IPv6Address, int] = {}
        self._due = due
        due.set(self, now)

    @property
    def is_querier(self) -> bool:
        """Whether this router is the querier, and so the forwarder (RFC 4605 section 4.3)."""
        return self.role is Role.QUERIER

    def receive(
        self,
        query: MulticastListenerQuery,
        source: IPv6Address,
        now: int,
        *,
        keep_alive: bool = False,
    ) -> None:
        """Another router's query: the lower address wins, and we do as it does.

        Its robustness variable and its interval become ours, if it tells them (RFC 3376 sections
        4.1.6 and 4.1.7, RFC 3810 sections 5.1.8 and 5.1.9). ``keep_alive``: it will say so again
        soon, and is missed when it does not.

        What was begun after a leave goes on (RFC 2710 section 4, "despite any transition from
        Querier to Non-Querier"; RFC 3810 section 7.6.3 has it scheduled): the new querier has not
        heard the leave as such, and asks nobody.
        """
        lower = source < self._link_local
        if self.elects and (lower or now < self._gives_way_until):
            self.role = LIFE.follow(self.role, Role.NON_QUERIER)
            self.config = self._adopted(query)
            if keep_alive:
                self._keeps_alive = source
            known = source == self._keeps_alive
            lost = KEEP_ALIVE_LOST if known else self.config.other_querier_present_timeout
            if known and not lower:  # it may give way, too: then it is the one that goes on
                lost *= 2
            self._other_present_until = now + lost
            self._due.plan(self, self.next_deadline())

    def give_way(self, now: int) -> None:
        """We are of no use to the link for now: let another router ask, whatever its address.

        It misses us after KEEP_ALIVE_LOST. If there is none, we ask again after twice that, since
        somebody has to: switches forward by what is answered.
        """
        before, self._gives_way_until = self._gives_way_until, now + GIVES_WAY
        if self.elects and self.is_querier and before <= now:
            self.role = LIFE.follow(self.role, Role.NON_QUERIER)
            self._other_present_until = now + 2 * KEEP_ALIVE_LOST
            self._due.plan(self, self.next_deadline())

    def last_listener(self, group: IPv6Address, now: int) -> None:
        """Somebody left: ask [Last Listener Query Count] times whether others listen."""
        if self.is_querier:
            self._rounds[group] = self.config.robustness
            self._rounds_due.set(group, now)
            self._due.plan(self, self.next_deadline())

    def timer(
        self, now: int, departing: Callable[[IPv6Address], Filter]
    ) -> list[MulticastListenerQuery]:
        """The queries that are due; ``departing`` tells what of a group nobody is known to want."""
        if now < self.next_deadline():
            return []
        if not self.is_querier and self._other_present_until <= now:
            self.role = LIFE.follow(self.role, Role.QUERIER)
            self.config = replace(self._own, robustness=self.config.robustness)
            self._keeps_alive = None
            self._general_due = now
        queries = []
        if self.is_querier and self._general_due <= now:
            self._startup_left = max(self._startup_left - 1, 0)
            config = self.config
            starting = self._startup_left > 0
            wait = config.startup_query_interval if starting else config.query_interval
            self._general_due = now + wait
            queries.append(self.general_query())
        for group in list(self._rounds_due.due(now)):
            left = self._rounds.pop(group) - 1
            wanted = departing(group)
            if left and wanted:
                self._rounds[group] = left
                self._rounds_due.set(group, now + self.config.last_listener_query_interval)
            queries += self._specific_queries(group, wanted)
        self._due.plan(self, self.next_deadline())
        return queries

    def next_deadline(self) -> int:
        """When ``timer`` is due, in ns."""
        general = self._general_due if self.is_querier else self._other_present_until
        due = self._rounds_due.next()
        return general if due is None else min(due, general)

    def general_query(self) -> MulticastListenerQuery:
        """Asks for every group."""
        return self._query(UNSPECIFIED, self.config.query_response_interval, ())

    def _adopted(self, query: MulticastListenerQuery) -> ProxyConfig:
        """Ours with what a querier told of its own."""
        longest = _LONGEST * self._own.query_interval
        return replace(
            self._own,
            robustness=query.robustness or self._own.robustness,
            query_interval=min(query.query_interval_s * SECOND, longest)
            or self._own.query_interval,
        )

    def _specific_queries(self, group: IPv6Address, wanted: Filter) -> list[MulticastListenerQuery]:
        """A query for the group, or for the sources; none where nothing is in question."""
        delay = self.config.last_listener_query_interval
        if wanted.mode is FilterMode.EXCLUDE:
            return [self._query(group, delay, ())]
        chunks = packing.query_sources(tuple(sorted(wanted.sources)))
        return [self._query(group, delay, sources) for sources in chunks]

    def _query(
        self, group: IPv6Address, delay: int, sources: tuple[IPv6Address, ...]
    ) -> MulticastListenerQuery:
        return MulticastListenerQuery(
            group,
            delay // MILLISECOND,
            sources,
            robustness=self.config.robustness,
            query_interval_s=self.config.query_interval // SECOND,
        )
