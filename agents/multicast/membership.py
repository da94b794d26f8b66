"""The membership records of a router, in the shape of the MLD-DMM paper."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from ipaddress import IPv6Address

from agents.multicast.filters import FilterMode
from agents.multicast.forwarding_entries import Forwarding
from agents.multicast.instances import Instances
from agents.multicast.links import Links
from agents.multicast.sources import MobileSources
from agents.wire.mld import UNSPECIFIED


@dataclass(frozen=True)
class MembershipRecord:
    """Upstream, S, G, number of listeners, listener records, local sources (section III.A).

    ``source`` None is any source (the paper's ``*``); ``upstream`` None is a root router's.
    Listeners and local sources are addresses as text.
    """

    upstream: str | None
    source: IPv6Address | None
    group: IPv6Address
    listeners: tuple[str, ...]
    local_sources: tuple[str, ...]

    @property
    def count(self) -> int:
        """The number of listeners."""
        return len(self.listeners)


@dataclass(frozen=True)
class ListenerRecord:
    """What one host wants of one group, and on which link (RFC 3810 section 7.2)."""

    link: str
    host: IPv6Address
    group: IPv6Address
    mode: FilterMode
    sources: frozenset[IPv6Address]


Key = tuple["str | None", "IPv6Address | None", IPv6Address]
"""Upstream, source, group."""


def membership_records(
    links: Links, forwarding: Forwarding, instances: Instances, sources: MobileSources
) -> list[MembershipRecord]:
    """All records, by group, source and upstream.

    A record stands for what an upstream is asked: who wants some sources of a group is in the
    record of any source, if there is one. A local source stands in the record of its own channel,
    else in that of any source, of each upstream by which its data goes out; and who listens to it
    stands there, too (section IV.A).
    """
    listeners: dict[Key, list[str]] = defaultdict(list)
    local: dict[Key, list[str]] = defaultdict(list)
    for router in links.downstreams.values():
        for group in router.listeners.groups():
            here = instances.sources_here(group)
            for member in router.listeners.memberships(group):
                if member.source not in here:
                    for upstream in member.upstreams or (None,):
                        listeners[upstream, member.source, group].append(str(member.host))
                for local_source in here if member.source is None else here & {member.source}:
                    for upstream in sources.exits(local_source, group):
                        listeners[upstream, local_source, group].append(str(member.host))
    for upstream, source, group in list(listeners):
        any_source: Key = (upstream, None, group)
        if source is not None and any_source in listeners:
            listeners[any_source] += listeners.pop((upstream, source, group))
    for group in forwarding.groups():
        for source in forwarding.local_sources(group):
            for upstream in sources.exits(source, group) or (None,):
                own, any_source = (upstream, source, group), (upstream, None, group)
                key = any_source if own not in listeners and any_source in listeners else own
                local[key].append(str(source))
    return [
        MembershipRecord(*key, tuple(sorted(set(listeners[key]))), tuple(sorted(local[key])))
        for key in sorted({*listeners, *local}, key=_order)
    ]


def listener_records(links: Links) -> list[ListenerRecord]:
    """What each host that is known wants; those who have just left are not among them."""
    return [
        ListenerRecord(link, host, group, listener.filter.mode, listener.filter.sources)
        for link, router in links.downstreams.items()
        for host in router.listeners.hosts()
        for group, listener in router.listeners.of(host)
    ]


def _order(key: Key) -> tuple[IPv6Address, IPv6Address, str]:
    upstream, source, group = key
    return group, source or UNSPECIFIED, upstream or ""
