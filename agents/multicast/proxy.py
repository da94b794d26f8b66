"""An MLD proxy (RFC 4605) with one proxy instance an upstream, and explicit tracking of listeners.

Each listener belongs to the instance of one upstream, by the upstream selection. An instance wants
from its upstream the merge of what its listeners want; the instances share the downstream links,
and forwarding takes each (S,G) from one upstream only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from ipaddress import IPv6Address
from random import Random

from agents.core import Action, Log
from agents.multicast.actions import HoldLink, ReleaseLink, SendMld
from agents.multicast.attachments import Attachments
from agents.multicast.config import ProxyConfig
from agents.multicast.filters import Filter, merge
from agents.multicast.forwarding import Forwarding
from agents.multicast.host import HostPart
from agents.multicast.journal import Journal
from agents.multicast.links import Link, Links, RouterPart
from agents.multicast.listeners import Listeners
from agents.multicast.membership import MembershipRecord, membership_records
from agents.multicast.querier import Querier
from agents.multicast.selection import Join, MldDmm, UpstreamSelection
from agents.wire.mld import (
    ALL_MLDV2_ROUTERS,
    ALL_NODES,
    UNSPECIFIED,
    AddressRecord,
    ListenerDoneV1,
    ListenerReportV1,
    Message,
    MulticastListenerQuery,
    MulticastListenerReport,
    RecordType,
)

Report = MulticastListenerReport | ListenerReportV1 | ListenerDoneV1

_LINK_LOCAL_SCOPE = 2  # RFC 4291 section 2.7


class MldProxy:
    """The multicast core of a router. All times are ns, all calls answer with actions.

    ``ignored`` counts messages that were not acted upon: from no link-local address (RFC 3810
    sections 5.1.14 and 5.2.13), from ourselves, or on a link where nobody listens to them.
    """

    def __init__(
        self, config: ProxyConfig, random: Random, selection: UpstreamSelection | None = None
    ) -> None:
        self._config = config
        self._random = random
        self._select_upstream = selection or MldDmm(config.ongoing_session_window)
        self._links = Links()
        self._attachments = Attachments(config)
        self._forwarding = Forwarding(config, self._links)
        self._journal = Journal(self._links)
        self._held: set[str] = set()
        self.ignored = 0

    def add_link(
        self, name: str, link_local: IPv6Address, now: int, *, upstream: bool, downstream: bool
    ) -> list[Action]:
        """A link came up. The first that is upstream only is the native one; tunnels are both."""
        config = self._config
        host = HostPart(config, self._random) if upstream else None
        router = None
        if downstream:
            querier = Querier(config, link_local, now, elects=not upstream)
            router = RouterPart(querier, Listeners(config, partial(self._select, name)))
        self._links.add(Link(name, link_local, host, router))
        return self._finish(self._reselect(None), now)

    def remove_link(self, name: str, now: int) -> list[Action]:
        """A link is gone, with its listeners; whom it served as upstream gets another one."""
        link = self._links.remove(name)
        self._attachments.forget_link(name)
        groups = self._reselect(name)
        if link.router is not None:
            groups |= link.router.listeners.groups()
        return [*self._forwarding.forget_link(name), *self._finish(groups, now)]

    def attached(
        self, host_link_local: IPv6Address, link: str, now: int, link_layer: bytes
    ) -> list[Action]:
        """A host came to a link: ask it what it listens to. It is served once it is ``bound``."""
        self._router_part(link)
        self._attachments.attach(host_link_local, link, now, link_layer)
        return self._finish((), now)

    def bound(
        self, host_link_local: IPv6Address, link: str, previous_link: str | None, now: int
    ) -> list[Action]:
        """The binding of a host that came is complete: serve what it has reported since.

        ``previous_link`` is the tunnel to the router where it was just before.
        """
        listeners = self._router_part(link).listeners
        attachment = self._attachments.bind(host_link_local, link, previous_link)
        if attachment is None:
            return []
        # Its first report may have overtaken the trigger that told of its attachment.
        earliest = attachment.since - self._config.trigger_slack
        groups = listeners.reselect(
            lambda x: x.host == host_link_local and (x.upstream is None or x.joined >= earliest)
        )
        return self._finish(groups, now)

    def detached(self, host_link_local: IPv6Address, link: str, now: int) -> list[Action]:
        """A host left a link. Its memberships stay until they are not refreshed (base scheme)."""
        self._attachments.detach(host_link_local, link)
        return self._finish((), now)

    def receive(
        self, message: Message, source: IPv6Address, link: str, now: int, host: bytes | None = None
    ) -> list[Action]:
        """An MLD message came in by a link; ``host`` is the sender's link-layer address."""
        at = self._links.get(link)
        if at is None or not source.is_link_local or source == at.link_local:
            self.ignored += 1
            return []
        if isinstance(message, MulticastListenerQuery):
            self._receive_query(message, source, at, now)
            return self._finish((), now)
        if at.router is None:
            self.ignored += 1
            return []
        attachment = self._attachments.find(link, source, host)
        if attachment is not None:
            source = attachment.host
        records = _records_of_interest(message)
        for record in records:
            if at.router.listeners.report(record, source, now):
                at.router.querier.last_listener(record.group, now)
        groups = [record.group for record in records]
        fields = {"link": link, "host": str(source), "groups": [str(group) for group in groups]}
        return [Log("report_received", fields), *self._finish(groups, now)]

    def upcall(self, source: IPv6Address, group: IPv6Address, link: str, now: int) -> list[Action]:
        """The kernel has no entry for data that came in by a link."""
        return [*self._forwarding.upcall(source, group, link, now)]

    def timer(self, now: int) -> list[Action]:
        """Act on every deadline that is not later than ``now``."""
        groups: set[IPv6Address] = set()
        for _, router in self._links.downstreams():
            groups |= router.listeners.expire(now)
        return [*self._finish(groups, now), *self._forwarding.timer(now)]

    def next_deadline(self) -> int | None:
        """When ``timer`` is due."""
        times = [self._forwarding.next_deadline(), self._attachments.next_deadline()]
        times += [host.next_deadline() for _, host in self._links.upstreams()]
        for _, router in self._links.downstreams():
            times += [router.querier.next_deadline(), router.listeners.next_deadline()]
        return min((time for time in times if time is not None), default=None)

    def membership(self) -> list[MembershipRecord]:
        """Who listens to what, and by which upstream they get it."""
        return membership_records(self._links, self._forwarding)

    def _router_part(self, link: str) -> RouterPart:
        at = self._links.get(link)
        if at is None or at.router is None:
            raise ValueError(f"{link} is not a downstream link")
        return at.router

    def _receive_query(
        self, query: MulticastListenerQuery, source: IPv6Address, link: Link, now: int
    ) -> None:
        """A host part answers; a router part, but for a tunnel's, takes part in the election."""
        if link.host is not None:
            link.host.query(query, now)
        elif link.router is not None:
            link.router.querier.receive(source, now)
            if query.group != UNSPECIFIED and not query.suppress:
                deadline = now + self._config.last_listener_query_time
                link.router.listeners.lower(query.group, query.sources, deadline)

    def _select(self, link: str, host: IPv6Address, group: IPv6Address, now: int) -> str | None:
        attachment = self._attachments.find(link, host)
        native, tunnels = self._links.native, self._links.tunnels.keys()
        return self._select_upstream(Join(link, host, group, now, attachment, native, tunnels))

    def _reselect(self, upstream: str | None) -> set[IPv6Address]:
        """Ask again for the upstream of all who have this one; their groups."""
        groups: set[IPv6Address] = set()
        for _, router in self._links.downstreams():
            groups |= router.listeners.reselect(lambda x: x.upstream == upstream)
        return groups

    def _finish(self, changed: Iterable[IPv6Address], now: int) -> list[Action]:
        """Follow a change of the membership of these groups, and send all that is due."""
        groups = sorted(set(changed))
        for upstream, host in self._links.upstreams():
            for group in groups:
                host.subscribe(group, self._subscription(group, upstream), now)
        actions: list[Action] = [*self._journal.changes(groups), *self._reports(now)]
        queries = list(self._queries(now))
        actions += [*self._forwarding.refresh(groups, now), *queries]
        active = {
            link.name
            for link in self._links.tunnels.values()
            if (link.host is not None and link.host.active)
            or (link.router is not None and link.router.listeners.groups())
        }
        gained, lost = sorted(active - self._held), sorted(self._held - active)
        self._held = active
        return [*map(HoldLink, gained), *actions, *map(ReleaseLink, lost)]

    def _subscription(self, group: IPv6Address, upstream: str) -> Filter:
        """What the listeners of one proxy instance want (RFC 4605 section 4.1)."""
        routers = (router for _, router in self._links.downstreams())
        return merge(router.listeners.subscription(group, upstream) for router in routers)

    def _reports(self, now: int) -> Iterator[Action]:
        for upstream, host in self._links.upstreams():
            for report in host.timer(now):
                yield SendMld(report, upstream, ALL_MLDV2_ROUTERS)
                groups = sorted({str(record.group) for record in report.records})
                yield Log("report_sent", {"link": upstream, "groups": groups})

    def _queries(self, now: int) -> Iterator[Action]:
        for name, router in self._links.downstreams():
            for query in router.querier.timer(now, router.listeners.departing):
                yield from _send_query(query, name, None)
        for attachment in self._attachments.due(now):
            query = self._router_part(attachment.link).querier.general_query()
            yield from _send_query(query, attachment.link, attachment.link_layer)


def _send_query(
    query: MulticastListenerQuery, link: str, link_layer: bytes | None
) -> Iterator[Action]:
    general = query.group == UNSPECIFIED
    yield SendMld(query, link, ALL_NODES if general else query.group, link_layer)
    yield Log("query_sent", {"link": link, "group": None if general else str(query.group)})


def _records_of_interest(message: Report) -> list[AddressRecord]:
    """What a report says, MLDv1 put into MLDv2's terms (RFC 3810 section 8.3.2).

    Groups of link-local and smaller scope are never routed and are left out.
    """
    records: tuple[AddressRecord, ...]
    if isinstance(message, ListenerReportV1):
        records = (AddressRecord(RecordType.MODE_IS_EXCLUDE, message.group),)
    elif isinstance(message, ListenerDoneV1):
        records = (AddressRecord(RecordType.CHANGE_TO_INCLUDE_MODE, message.group),)
    else:
        records = message.records
    return [record for record in records if _is_routable(record.group)]


def _is_routable(group: IPv6Address) -> bool:
    return group.is_multicast and group.packed[1] & 0x0F > _LINK_LOCAL_SCOPE
