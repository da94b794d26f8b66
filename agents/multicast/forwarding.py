"""Forwarding entries, (S,G): made when data arrives, kept in step with the membership.

Data of an upstream goes to the downstream links that want it; data of a local source, one on a
downstream link, goes to the native upstream and to the other downstream links that want it; and in
both cases only to links whose querier this router is (RFC 4605 section 4.3).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv6Address

from agents.core import Action, Log
from agents.multicast.actions import RemoveForwarding, SetForwarding
from agents.multicast.config import ProxyConfig
from agents.multicast.links import Links

Channel = tuple[IPv6Address, IPv6Address]
"""Source and group."""


@dataclass
class _Entry:
    """The link where data last arrived as a surprise, and what the kernel was told.

    ``expiry`` (ns) is None as long as there are listeners.
    """

    arrival: str
    incoming: str = ""
    outgoing: tuple[str, ...] = ()
    expiry: int | None = None


class Forwarding:
    """The entries of one router."""

    def __init__(self, config: ProxyConfig, links: Links) -> None:
        self._config = config
        self._links = links
        self._entries: dict[Channel, _Entry] = {}
        self._shape = self._shape_now()

    def upcall(
        self, source: IPv6Address, group: IPv6Address, link: str, now: int
    ) -> Iterator[Action]:
        """Data arrived for which the kernel has no entry: make one in any case."""
        entry = self._entries.setdefault((source, group), _Entry(link))
        entry.arrival = link
        entry.incoming = ""  # differs from every route, so that the entry is told (again)
        return self._update((source, group), entry, now)

    def refresh(self, groups: Iterable[IPv6Address], now: int) -> Iterator[Action]:
        """Membership of these groups changed, or this router's place on some link did."""
        groups = set(groups)
        shape = self._shape_now()
        links_changed = shape != self._shape
        self._shape = shape
        for channel, entry in self._entries.items():
            if links_changed or channel[1] in groups:
                yield from self._update(channel, entry, now)

    def forget_link(self, link: str) -> Iterator[Action]:
        """A link is gone: remove the entries whose data came by it."""
        for channel, entry in list(self._entries.items()):
            if link in (entry.arrival, entry.incoming):
                yield self._remove(channel)

    def timer(self, now: int) -> Iterator[Action]:
        """Remove entries that are without listeners for too long."""
        for channel, entry in list(self._entries.items()):
            if entry.expiry is not None and entry.expiry <= now:
                yield self._remove(channel)

    def next_deadline(self) -> int | None:
        """When ``timer`` is due, in ns."""
        return min((e.expiry for e in self._entries.values() if e.expiry is not None), default=None)

    def local_sources(self) -> list[Channel]:
        """The sources on downstream links, each with its group."""
        return [channel for channel, entry in self._entries.items() if self._is_local(entry)]

    def _is_local(self, entry: _Entry) -> bool:
        """Data in a tunnel is never a local source: it may be what we just left upstream."""
        link = self._links.get(entry.arrival)
        return link is not None and link.host is None

    def _shape_now(self) -> tuple[str | None, list[str]]:
        """What routes depend on besides membership: the native upstream, links to forward to."""
        forward = [name for name, router in self._links.downstreams() if router.querier.is_querier]
        return self._links.native, forward

    def _update(self, channel: Channel, entry: _Entry, now: int) -> Iterator[Action]:
        source, group = channel
        wanting = self._wanting(channel)
        entry.expiry = None if wanting else now + self._config.source_lifetime
        route = self._route(channel, entry, wanting)
        if route != (entry.incoming, entry.outgoing):
            entry.incoming, entry.outgoing = route
            yield SetForwarding(source, group, entry.incoming, entry.outgoing)
            fields = {"source": str(source), "group": str(group), "incoming": entry.incoming}
            yield Log("forwarding", {**fields, "outgoing": list(entry.outgoing)})

    def _route(
        self, channel: Channel, entry: _Entry, wanting: list[str]
    ) -> tuple[str, tuple[str, ...]]:
        """Incoming and outgoing links."""
        source, group = channel
        if source.is_link_local:
            return entry.arrival, ()
        incoming, outgoing = entry.arrival, wanting
        if not self._is_local(entry):
            for upstream, host in self._links.upstreams():
                if host.subscription(group).accepts(source):
                    incoming = upstream
                    break
        elif self._links.native is not None:
            outgoing = [self._links.native, *wanting]
        return incoming, tuple(link for link in outgoing if link != incoming)

    def _wanting(self, channel: Channel) -> list[str]:
        """The downstream links whose listeners want a channel, and that are ours to forward to."""
        source, group = channel
        return [
            name
            for name, router in self._links.downstreams()
            if router.querier.is_querier and router.listeners.filter(group).accepts(source)
        ]

    def _remove(self, channel: Channel) -> Action:
        del self._entries[channel]
        return RemoveForwarding(*channel)
