"""The querier of one downstream link (RFC 3810 section 7): when to ask what."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv6Address

from agents.core import MILLISECOND, SECOND
from agents.deadlines import Deadlines
from agents.multicast import packing
from agents.multicast.config import ProxyConfig
from agents.multicast.filters import Filter, FilterMode
from agents.wire.mld import UNSPECIFIED, MulticastListenerQuery


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
        self._config = config
        self._link_local = link_local
        self.elects = elects
        self._startup_left = config.robustness
        self._general_due = now
        self.is_querier = True
        """Whether this router is the querier, and so the forwarder (RFC 4605 section 4.3)."""
        self._other_present_until = 0
        # Repeated specific queries: when for which group, and how many are left.
        self._rounds_due: Deadlines[IPv6Address] = Deadlines()
        self._rounds: dict[IPv6Address, int] = {}
        self._due = due
        due.set(self, now)

    def receive(self, source: IPv6Address, now: int) -> None:
        """Another router's query: the lower address wins.

        What was begun after a leave goes on (RFC 2710 section 4, "despite any transition from
        Querier to Non-Querier"; RFC 3810 section 7.6.3 has it scheduled): the new querier has not
        heard the leave as such, and asks nobody.
        """
        if self.elects and source < self._link_local:
            self.is_querier = False
            self._other_present_until = now + self._config.other_querier_present_timeout
            self._due.plan(self, self.next_deadline())

    def last_listener(self, group: IPv6Address, now: int) -> None:
        """Somebody left: ask [Last Listener Query Count] times whether others listen."""
        if self.is_querier:
            self._rounds[group] = self._config.robustness
            self._rounds_due.set(group, now)
            self._due.plan(self, self.next_deadline())

    def timer(
        self, now: int, departing: Callable[[IPv6Address], Filter]
    ) -> list[MulticastListenerQuery]:
        """The queries that are due; ``departing`` tells what of a group nobody is known to want."""
        if now < self.next_deadline():
            return []
        if not self.is_querier and self._other_present_until <= now:
            self.is_querier = True
            self._general_due = now
        queries = []
        if self.is_querier and self._general_due <= now:
            self._startup_left = max(self._startup_left - 1, 0)
            config = self._config
            starting = self._startup_left > 0
            wait = config.startup_query_interval if starting else config.query_interval
            self._general_due = now + wait
            queries.append(self.general_query())
        for group in list(self._rounds_due.due(now)):
            left = self._rounds.pop(group) - 1
            wanted = departing(group)
            if left and wanted:
                self._rounds[group] = left
                self._rounds_due.set(group, now + self._config.last_listener_query_interval)
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
        return self._query(UNSPECIFIED, self._config.query_response_interval, ())

    def _specific_queries(self, group: IPv6Address, wanted: Filter) -> list[MulticastListenerQuery]:
        """A query for the group, or for the sources; none where nothing is in question."""
        delay = self._config.last_listener_query_interval
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
            robustness=self._config.robustness,
            query_interval_s=self._config.query_interval // SECOND,
        )
