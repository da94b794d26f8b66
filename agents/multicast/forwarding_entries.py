"""Forwarding entries, (S,G): made when data arrives, kept in step with the membership.

Data of an upstream goes to the downstream links that want it; data of a local source, one on a
downstream link, goes to the native upstream (or others: a mobile source's) and to the downstream
links that want it; and in both cases only to links whose querier this router is (RFC 4605 section
4.3). It does not go back where it came from, but to a link where each host hears this router alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from ipaddress import IPv6Address, IPv6Network

from agents.core import SECOND, Action, Log, refused
from agents.deadlines import Deadlines
from agents.multicast.actions import RemoveForwarding, SetForwarding
from agents.multicast.config import ProxyConfig
from agents.multicast.entries import Entries, Entry
from agents.multicast.filters import Filter
from agents.multicast.links import Links
from agents.multicast.sources import Channel, MobileSources

_TOLD = 64
"""Of how many prefixes it is said that they have too many entries."""
_HELD, _HOLD = 256, SECOND
"""So many channels that hosts may not send are dropped for so long before the kernel asks anew."""


class Forwarding:
    """The entries of one router.

    ``awaited`` tells of which upstreams a channel is wanted, but has not arrived yet, so that
    another one is still used; ``isolated`` are the links where each host hears this router alone.
    """

    def __init__(
        self,
        config: ProxyConfig,
        links: Links,
        sources: MobileSources,
        awaited: Callable[[IPv6Address, IPv6Address], Collection[str]],
        isolated: Collection[str],
    ) -> None:
        self._config = config
        self._links = links
        self._sources = sources
        self._awaited = awaited
        self._isolated = isolated
        self._entries = Entries()
        # Prefixes of which it was said that they have too many.
        self._told: set[str] = set()
        # Of the entries that nobody listens to.
        self._expiry: Deadlines[Channel] = Deadlines()
        # Channels that have no entry here, and one in the kernel that forwards nothing.
        self._held: Deadlines[Channel] = Deadlines()
        self._shape = self._shape_now()

    def upcall(
        self, source: IPv6Address, group: IPv6Address, link: str, now: int
    ) -> Iterator[Action]:
        """Data arrived for which the kernel has no entry: make one, if there is room."""
        entry = self._entries.find(source, group)
        origin = self._sources.origin(source, group)
        if entry is None:
            yield from self._make_room(source)
            most = self._config.maximum_entries
            if len(self._entries) >= most:
                yield from self._tell(source, group, f"more than {most} channels with listeners")
                yield from self.refuse(source, group, link)
                return
            entry = self._add(source, group, link)
        if origin is not None:
            entry.arrival = origin
        elif not self._is_copy(source, group, entry, link):
            entry.arrival = link
        entry.incoming = ""  # differs from every route, so that the entry is told (again)
        yield from self._update((source, group), entry, now)

    def of_too_many(
        self, source: IPv6Address, group: IPv6Address, link: str, now: int
    ) -> list[Action]:
        """The answer to a host, where hosts attach, that has too many channels to send this too.

        However many packets of it come, few are upcalls.
        """
        most, is_new = self._config.maximum_sent, self._entries.find(source, group) is None
        if not is_new or link not in self._isolated or self._entries.beside(source) < most:
            return []
        told = self._tell(source, group, f"more than {most} channels sent by one host")
        if len(self._held) >= _HELD:
            return [*told, *self.refuse(source, group, link)]
        self._held.set((source, group), now + _HOLD)
        return [*told, SetForwarding(source, group, link, ())]

    def refuse(self, source: IPv6Address, group: IPv6Address, link: str) -> Iterator[Action]:
        """Data came by a link where its source is not: no entry is made of it, and none moves.

        Without an answer Linux keeps the packet, and true ones behind it, for 10 s.
        """
        if self._entries.find(source, group) is None:
            yield SetForwarding(source, group, link, ())
            yield RemoveForwarding(source, group)

    def expect(self, source: IPv6Address, group: IPv6Address, now: int) -> Iterator[Action]:
        """Data of a channel will come: have its entry as soon as it is known by which link.

        Else the first packets may be lost: Linux keeps four of a channel until it has one.
        """
        has_room = len(self._entries) < self._config.maximum_entries
        if self._entries.find(source, group) is None and has_room:
            entry = self._add(source, group, "")
            yield from self._update((source, group), entry, now)

    def refresh(self, groups: Iterable[IPv6Address], now: int) -> Iterator[Action]:
        """Membership of these groups changed, or this router's place on some link did."""
        shape = self._shape_now()
        if shape != self._shape:
            self._shape = shape
            groups = self._entries.groups()
        for group in groups:
            for source, entry in self._entries.of(group).items():
                yield from self._update((source, group), entry, now)

    def forget_link(self, link: str) -> Iterator[Action]:
        """A link is gone: remove the entries whose data came by it."""
        for channel, entry in list(self._entries):
            if link in (entry.arrival, entry.incoming):
                yield self._remove(channel)

    def timer(self, now: int) -> Iterator[RemoveForwarding]:
        """Remove entries that are without listeners for too long, and those of what was refused."""
        for channel in self._expiry.due(now):
            yield self._remove(channel)
        for channel in self._held.due(now):
            yield RemoveForwarding(*channel)

    def next_deadline(self) -> int | None:
        """When ``timer`` is due, in ns."""
        times = [when for when in (self._expiry.next(), self._held.next()) if when is not None]
        return min(times, default=None)

    def forget(self, source: IPv6Address, group: IPv6Address) -> Iterator[RemoveForwarding]:
        """What a source sends next to a group is an upcall."""
        if self._entries.find(source, group) is not None:
            yield self._remove((source, group))

    def channels_of(self, prefix: IPv6Network) -> list[Channel]:
        """The channels of sources of a prefix that have entries."""
        return self._entries.channels_of(prefix)

    def groups(self) -> set[IPv6Address]:
        """The groups that have entries."""
        return self._entries.groups()

    def local_sources(self, group: IPv6Address) -> list[IPv6Address]:
        """The sources on downstream links that send to a group."""
        entries = self._entries.of(group).items()
        return [source for source, entry in entries if self._is_local(source, group, entry)]

    def is_local(self, source: IPv6Address, group: IPv6Address) -> bool:
        """Whether a source is on a downstream link."""
        entry = self._entries.find(source, group)
        return entry is not None and self._is_local(source, group, entry)

    def incoming(self, source: IPv6Address, group: IPv6Address) -> str | None:
        """The link that the kernel takes a channel from."""
        entry = self._entries.find(source, group)
        return None if entry is None else entry.incoming

    def delivering(self, group: IPv6Address, wanted: Filter) -> set[str]:
        """The links by which some of this comes and is forwarded."""
        return {
            entry.incoming
            for source, entry in self._entries.of(group).items()
            if entry.outgoing and wanted.accepts(source)
        }

    def _add(self, source: IPv6Address, group: IPv6Address, arrival: str) -> Entry:
        self._held.cancel((source, group))
        return self._entries.add(source, group, arrival)

    def _make_room(self, source: IPv6Address) -> Iterator[Action]:
        """If all is full, remove the entry that is without listeners for the longest time.

        If there is none, who has most of all gives one up for who has fewer.
        """
        if len(self._entries) < self._config.maximum_entries:
            return
        due = self._expiry.next()
        if due is not None:
            yield self._remove(next(self._expiry.due(due)))
            return
        richest = self._entries.oldest_of_the_richest(source)
        if richest is not None:
            yield self._remove(richest)

    def _tell(self, source: IPv6Address, group: IPv6Address, why: str) -> list[Action]:
        """Once of each prefix, and of some only: a flood is not to be a flood of lines."""
        prefix = str(IPv6Network((source, 64), strict=False))
        if prefix not in self._told and len(self._told) < _TOLD:
            self._told.add(prefix)
            return [refused(source, group, why)]
        return []

    def _is_local(self, source: IPv6Address, group: IPv6Address, entry: Entry) -> bool:
        """Data in a tunnel is not, but of a source that is away: it may be what we just left.

        Nor is a source that is heard on its own link only, or not yet.
        """
        if source.is_link_local or not entry.arrival:
            return False
        if self._sources.comes_by(source, entry.arrival):
            return True
        is_upstream = entry.arrival in self._links.upstreams
        return not is_upstream and self._sources.is_here(source, group)

    def _is_copy(self, source: IPv6Address, group: IPv6Address, entry: Entry, link: str) -> bool:
        """Whether data by a link is a copy that was on its way, or not from where it should be."""
        upstream = self._links.upstreams.get(link)
        if upstream is None:
            return not self._sources.is_here(source, group)
        if self._sources.comes_by(source, link) or not self._is_local(source, group, entry):
            return False
        wanted = upstream.subscription(group).accepts(source)
        return not wanted or self._sources.goes_by_anchor(source, group)

    def _shape_now(self) -> tuple[str | None, list[str], list[str]]:
        """What routes depend on besides membership: the native upstream, links to forward to."""
        downstreams = self._links.downstreams.items()
        queried = [name for name, x in downstreams if x.querier.is_querier]
        return self._links.native, queried, list(self._isolated)

    def _update(self, channel: Channel, entry: Entry, now: int) -> Iterator[Action]:
        source, group = channel
        wanting = self._wanting(channel)
        if wanting:
            self._expiry.cancel(channel)
        else:
            self._expiry.set(channel, now + self._config.source_lifetime)
        route = self._route(channel, entry, wanting)
        if route != (entry.incoming, entry.outgoing):
            entry.incoming, entry.outgoing = route
            entry.arrival = entry.arrival or entry.incoming
            yield SetForwarding(source, group, entry.incoming, entry.outgoing)
            fields = {"source": str(source), "group": str(group), "incoming": entry.incoming}
            yield Log("forwarding", {**fields, "outgoing": list(entry.outgoing)})

    def _route(
        self, channel: Channel, entry: Entry, wanting: list[str]
    ) -> tuple[str, tuple[str, ...]]:
        """Incoming and outgoing links."""
        source, group = channel
        if source.is_link_local:
            return entry.arrival, ()
        if self._is_local(source, group, entry):
            exits = self._sources.exits(source, group)
            outgoing, back = dict.fromkeys((*exits, *wanting)), entry.arrival in self._isolated
            return entry.arrival, tuple(x for x in outgoing if back or x != entry.arrival)
        incoming = self._incoming(channel) or entry.arrival
        if incoming not in self._links.upstreams:
            return incoming, ()  # nobody vouches for the source
        return incoming, tuple(
            x for x in wanting if x != incoming and not self._sources.would_return(source, x)
        )

    def _incoming(self, channel: Channel) -> str | None:
        """The upstream that a channel is taken from: one that is not awaited, native first.

        The anchor of a guest has its data from here, and sends none back.
        """
        source, group = channel
        asked, tunnel = self._links.asked_of(source, group), self._sources.guest_tunnel(source)
        upstreams = [name for name in asked if name != tunnel]
        if len(upstreams) > 1:
            awaited = self._awaited(source, group)
            upstreams.sort(key=awaited.__contains__)
        return upstreams[0] if upstreams else None

    def _wanting(self, channel: Channel) -> list[str]:
        """The downstream links whose listeners want a channel, and that are ours to forward to."""
        source, group = channel
        return [
            name
            for name, router in self._links.listening
            if router.querier.is_querier and router.listeners.wants(source, group)
        ]

    def _remove(self, channel: Channel) -> RemoveForwarding:
        self._entries.remove(*channel)
        self._expiry.cancel(channel)
        return RemoveForwarding(*channel)
