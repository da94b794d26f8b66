"""The links of a proxy, and which part of MLD it plays on each (RFC 4605 section 4)."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network

from agents.deadlines import Deadlines
from agents.multicast.host import HostPart
from agents.multicast.listeners import Listeners
from agents.multicast.querier import Querier
from agents.wire.mld import UNSPECIFIED, MulticastListenerQuery


@dataclass
class RouterPart:
    """The router portion of MLD, on a downstream link."""

    querier: Querier
    listeners: Listeners


@dataclass
class Link:
    """An interface: an upstream has a host part, a downstream a router part, a tunnel both."""

    name: str
    link_local: IPv6Address
    host: HostPart | None
    router: RouterPart | None
    on_demand: bool
    """Whether it has to be held in order to stay."""
    anchors: IPv6Network | None = None
    """What the router at the other end anchors prefixes of, if it is another MAR."""
    hosts: IPv6Network | None = None
    """The prefix of all the hosts on it: nobody else is here."""
    visited: bool = False
    """Whether hosts bring prefixes that are elsewhere, too: of each that is here we are told."""
    announced: bool = False
    """Whether triggers tell of all hosts on it: nobody else is believed to be there."""

    @property
    def is_tunnel(self) -> bool:
        """Whether the router at the other end is as well our upstream as our listener."""
        return self.host is not None and self.router is not None

    @property
    def is_used(self) -> bool:
        """Whether there is multicast state in either direction."""
        is_listened_to = self.router is not None and not self.router.listeners.is_empty
        return is_listened_to or (self.host is not None and self.host.is_active)

    def receive(
        self, query: MulticastListenerQuery, source: IPv6Address, now: int, deadline: int
    ) -> None:
        """A query came in: a host part answers, else a router part takes part in the election.

        Who does not answer another querier's question about a group is forgotten at ``deadline``.
        """
        if self.host is not None:
            self.host.query(query, now)
        elif self.router is not None:
            self.router.querier.receive(query, source, now)
            if query.group != UNSPECIFIED and not query.suppress:
                self.router.listeners.lower(query.group, query.sources, deadline)


class Links:
    """All links, in the order in which they were added, and when something is due on them."""

    def __init__(self) -> None:
        self._links: dict[str, Link] = {}
        self.reports_due: Deadlines[HostPart] = Deadlines()
        self.queries_due: Deadlines[Querier] = Deadlines()
        self.expiries: Deadlines[Listeners] = Deadlines()
        self._index()

    def add(self, link: Link) -> None:
        """Add a link; its name must be new."""
        if link.name in self._links:
            raise ValueError(f"link {link.name} exists already")
        self._links[link.name] = link
        self._index()

    def remove(self, name: str) -> Link:
        """Take a link out."""
        link = self._links.pop(name)
        if link.host is not None:
            self.reports_due.cancel(link.host)
        if link.router is not None:
            self.queries_due.cancel(link.router.querier)
            self.expiries.cancel(link.router.listeners)
        self._index()
        return link

    def get(self, name: str) -> Link | None:
        """The link of this name, if there is one."""
        return self._links.get(name)

    def router_part(self, name: str) -> RouterPart:
        """That of a downstream link; ValueError: it is none."""
        at = self._links.get(name)
        if at is None or at.router is None:
            raise ValueError(f"{name} is not a downstream link")
        return at.router

    @property
    def native(self) -> str | None:
        """The default upstream, towards the multicast infrastructure."""
        return self._native

    @property
    def access(self) -> str | None:
        """Where hosts attach, on a router with one such: the first link downstream, no tunnel."""
        return self._access

    @property
    def connected(self) -> list[IPv6Network]:
        """The prefixes of links whose hosts are on them and nowhere else."""
        return self._connected

    @property
    def is_visited(self) -> bool:
        """Whether the hosts where hosts attach are visitors."""
        return self._is_visited

    @property
    def tunnels(self) -> dict[str, Link]:
        """The links that are upstream and downstream at once."""
        return self._tunnels

    @property
    def on_demand(self) -> list[Link]:
        """The links that somebody has to hold in order that they stay."""
        return self._on_demand

    @property
    def upstreams(self) -> dict[str, HostPart]:
        """The host part of each upstream by name, native ones before tunnels."""
        return self._upstreams

    @property
    def downstreams(self) -> dict[str, RouterPart]:
        """The router part of each downstream by name."""
        return self._downstreams

    @property
    def subscribing(self) -> list[tuple[str, HostPart]]:
        """The upstreams where anything is subscribed, or was just before."""
        return [item for item in self._upstreams.items() if item[1].is_active]

    def asked_of(self, source: IPv6Address, group: IPv6Address) -> list[str]:
        """The upstreams by which a channel is wanted, native ones first."""
        return [name for name, host in self.subscribing if host.subscription(group).accepts(source)]

    @property
    def listening(self) -> list[tuple[str, RouterPart]]:
        """The downstreams with listeners, those included who just left."""
        return [item for item in self._downstreams.items() if not item[1].listeners.is_empty]

    def reporting(self, now: int) -> list[tuple[str, HostPart]]:
        """The upstreams whose host part has something to say."""
        due = set(self.reports_due.due(now))
        return [item for item in self._upstreams.items() if item[1] in due] if due else []

    def querying(self, now: int) -> list[tuple[str, RouterPart]]:
        """The downstreams whose querier has something to ask."""
        due = set(self.queries_due.due(now))
        return [item for item in self._downstreams.items() if item[1].querier in due] if due else []

    def _index(self) -> None:
        links = sorted(self._links.values(), key=lambda link: link.is_tunnel)
        self._upstreams = {x.name: x.host for x in links if x.host is not None}
        self._downstreams = {x.name: x.router for x in self._links.values() if x.router is not None}
        self._on_demand = [x for x in self._links.values() if x.on_demand]
        self._connected = [x.hosts for x in links if x.hosts]
        self._is_visited = any(x.visited for x in links)
        self._tunnels = {x.name: x for x in links if x.is_tunnel}
        downs = (x.name for x in links if x.host is None and not x.on_demand)
        self._access = next(downs, None)
        self._native = next((name for name in self._upstreams if name not in self._tunnels), None)
