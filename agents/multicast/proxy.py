"""An MLD proxy (RFC 4605) with one proxy instance an upstream, and explicit tracking of listeners.

Each listener belongs to the instance of one upstream, by the upstream selection. An instance wants
from its upstream the merge of what its listeners want; the instances share the downstream links,
and forwarding takes each (S,G) from one upstream only.
"""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network
from random import Random

from agents.core import Action
from agents.multicast.anticipation import Anticipation, groups_of
from agents.multicast.attachments import Attachments
from agents.multicast.config import ProxyConfig
from agents.multicast.decisions import Decisions
from agents.multicast.detours import Detours
from agents.multicast.follow_up import FollowUp
from agents.multicast.forwarding_entries import Forwarding
from agents.multicast.handing_over import HandingOver
from agents.multicast.instances import Instances
from agents.multicast.link_parts import LinkParts
from agents.multicast.links import Link, Links
from agents.multicast.listener import Listener, state_record
from agents.multicast.membership import (
    ListenerRecord,
    MembershipRecord,
    listener_records,
    membership_records,
)
from agents.multicast.reception import Counters, Reception
from agents.multicast.reverse_path import ReversePath
from agents.multicast.selection import MldDmm, UpstreamSelection
from agents.multicast.sources import MobileSources
from agents.multicast.tracking import Tracking
from agents.wire.addresses import is_routable_unicast
from agents.wire.channel import ChannelScope
from agents.wire.mld import AddressRecord, Message, MulticastListenerQuery

NO_LINK_LAYER = b""
"""The link-layer address of whoever is on a tunnel."""


class MldProxy:
    """The multicast core of a router. All times are ns, all calls answer with actions.

    ``counters`` are of what was not acted upon. What is asked for and not granted, since it is over
    a bound of ``ProxyConfig`` or may not be asked, is logged as ``refused``.

    ``pool`` is what the router has prefixes of for hosts: data of others, that are not (yet) known
    as a ``guest``, goes nowhere. None: any host may send. ``detours``: a guest's data belongs to
    the proxy instance of the tunnel to its anchor, as in MLD-DMM.
    """

    def __init__(
        self,
        config: ProxyConfig,
        random: Random,
        selection: UpstreamSelection | None = None,
        pool: IPv6Network | None = None,
        *,
        detours: bool = False,
    ) -> None:
        self._config = config
        self._links = Links()
        self._attachments = Attachments(config)
        self._changed: set[IPv6Address] = set()
        self._parts = LinkParts(config, random, self._links, self._changed)
        decisions = Decisions()
        select = selection or MldDmm(config.ongoing_session_window)
        self._sources = MobileSources(self._links, decisions, pool, by_anchor=not select.shares)
        self._reverse_path = ReversePath(self._links, self._sources)
        self._forwarding = Forwarding(
            config, self._links, self._sources, self.awaited, self._attachments.links
        )
        self._instances = Instances(
            self._links,
            self._attachments,
            select,
            self._forwarding,
            self._sources,
            decisions,
            self._changed,
        )
        self._follow_up = FollowUp(
            self._links,
            self._attachments,
            self._sources,
            self._forwarding,
            self._instances,
            Detours(self._sources, self._links.asked_of, config.maximum_detours if detours else 0),
            self._changed,
        )
        self._handing_over = HandingOver(self._links)
        self._tracking = Tracking(
            config, self._links, self._instances, self._handing_over, self._follow_up
        )
        self.anticipation = Anticipation(
            config,
            self._links,
            self._attachments,
            self._handing_over,
            self._forwarding,
            self._tracking.listens,
        )
        self._reception = Reception(config, self._links, self._attachments)

    @property
    def counters(self) -> Counters:
        """What came and was not acted upon."""
        return self._reception.counters

    def add_link(
        self,
        name: str,
        link_local: IPv6Address,
        now: int,
        *,
        upstream: bool,
        downstream: bool,
        on_demand: bool = False,
        shared: bool = True,
        anchors: IPv6Network | None = None,
        hosts: IPv6Network | None = None,
        visited: bool = False,
        announced: bool = False,
    ) -> list[Action]:
        """A link came up. The first that is upstream only is the native one.

        One that is both leads to another MAR, which ``anchors`` these prefixes. An ``on_demand``
        link has to be held to stay. On one that is ``shared`` there may be other routers, and one
        of them is the querier. ``hosts``: their prefix, if there are none but such on the link, and
        these on no other. ``visited``: hosts bring their prefixes, as ``visitor`` tells.
        ``announced``: every host on it is ``attached`` before it is believed, and room is reserved
        for each.
        """
        host = self._parts.host() if upstream else None
        router = None
        if downstream:
            router = self._parts.router(
                link_local, now, is_tunnel=upstream, shared=shared, announced=announced
            )
        self._links.add(
            Link(name, link_local, host, router, on_demand, anchors, hosts, visited, announced)
        )
        return self._choose_for_unserved(now)

    def remove_link(self, name: str, now: int) -> list[Action]:
        """A link is gone, with its listeners; whom it served as upstream gets another one."""
        link = self._links.remove(name)
        self._attachments.forget_link(name)
        self._sources.forget_link(name)
        self._handing_over.forget_link(name)
        if link.router is not None:
            self._changed |= link.router.listeners.groups()
        self._instances.forget_link(name)
        self._changed |= self._forwarding.groups()
        return [*self._forwarding.forget_link(name), *self._choose_for_unserved(now)]

    def attached(
        self, host_link_local: IPv6Address, link: str, now: int, link_layer: bytes
    ) -> list[Action]:
        """A host came to a link: ask it what it listens to. It is served once it is ``bound``."""
        self._links.router_part(link)
        self._attachments.attach(host_link_local, link, now, link_layer)
        actions = self._follow_up.finish(now)
        for message in self._reception.early.take(host_link_local, link, link_layer, now):
            actions += self.receive(message, host_link_local, link, now, link_layer)
        return actions

    def bound(
        self,
        host_link_local: IPv6Address,
        link: str,
        previous_link: str | None,
        now: int,
        anchor_links: tuple[str, ...] = (),
    ) -> list[Action]:
        """The binding of a host that came is complete: serve what it has reported since.

        ``previous_link`` is the tunnel to the router where it was just before, ``anchor_links``
        are those to all that anchor prefixes of it, the latest first.
        """
        groups = [group for group, _ in self._links.router_part(link).listeners.of(host_link_local)]
        attachment = self._attachments.bind(host_link_local, link, previous_link, anchor_links)
        if attachment is None:
            return []
        # Its first report may have overtaken the trigger that told of its attachment.
        earliest = attachment.since - self._config.trigger_slack

        def is_concerned(at: str, listener: Listener) -> bool:
            came = not listener.upstreams or listener.joined >= earliest
            return at == link and listener.host == host_link_local and came

        actions = [*self._instances.reselect(is_concerned, groups, now)]
        return [*actions, *self._follow_up.finish(now)]

    def context(
        self, host_link_local: IPv6Address, link: str, records: tuple[AddressRecord, ...], now: int
    ) -> list[Action]:
        """What a host listened to where it was before, known ahead of its own reports.

        It is to confirm it when it is asked as a newcomer, or it is forgotten again.
        """
        listeners = self._links.router_part(link).listeners
        attachment = self._attachments.find(link, host_link_local)
        if attachment is None:
            return []
        attachment.ongoing = groups_of(records)
        news = [r for r in records if listeners.find(r.group, host_link_local) is None]
        expiry = now + self._config.newcomer_interval
        return self._tracking.listens(news, host_link_local, link, now, expiry)

    def subscription(self, host_link_local: IPv6Address, link: str) -> tuple[AddressRecord, ...]:
        """What a host listens to, for context transfer to the router where it goes."""
        listening = tuple(
            state_record(group, listener.filter)
            for group, listener in self._links.router_part(link).listeners.of(host_link_local)
        )
        return listening + self._handing_over.handed(host_link_local, link)

    def follow(
        self, host_link_local: IPv6Address, link: str, previous_link: str | None, now: int
    ) -> list[Action]:
        """A host is at the other end of a tunnel: it listens to what it did by the previous one.

        It is to confirm that. None: there was no tunnel before.
        """
        records = self.subscription(host_link_local, previous_link) if previous_link else ()
        actions = self.attached(host_link_local, link, now, NO_LINK_LAYER)
        actions += self.bound(host_link_local, link, None, now)
        return [*actions, *self.context(host_link_local, link, records, now)]

    def decided(
        self, group: IPv6Address, source: IPv6Address | None, decision: ChannelScope, now: int
    ) -> list[Action]:
        """Channel control said, asked or not, how a channel is to be had; None: any source."""
        actions = [*self._instances.decided(group, source, decision, now)]
        return [*actions, *self._follow_up.finish(now)]

    def guest(self, prefix: IPv6Network, link: str | None, now: int) -> list[Action]:
        """Sources of a prefix are here that a tunnel's other end anchors; None: not any more."""
        moved = self._sources.set_guest(prefix, link)
        return self._follow_up.sources_moved(prefix, now) if moved else []

    def away(self, prefix: IPv6Network, link: str | None, now: int) -> list[Action]:
        """Sources of a prefix of ours are at a tunnel's other end; None: not any more."""
        moved = self._sources.set_away(prefix, link)
        return self._follow_up.sources_moved(prefix, now) if moved else []

    def visitor(self, prefix: IPv6Network, link: str | None, now: int) -> list[Action]:
        """Sources of a prefix are on a ``visited`` link now; None: not any more."""
        moved = self._sources.set_visitor(prefix, link)
        return self._follow_up.sources_moved(prefix, now) if moved else []

    def detached(self, host_link_local: IPv6Address, link: str, now: int) -> list[Action]:
        """A host left a link.

        With explicit tracking its memberships end, though what they ask of upstreams lingers. Else
        (the base scheme) they stay until they are not refreshed.
        """
        self._attachments.left(host_link_local, link, now)
        self._handing_over.end(host_link_local, link)
        if self._config.explicit_tracking:
            deadline = now + self._config.last_listener_query_time
            for group, listener in self._links.router_part(link).listeners.remove(host_link_local):
                self._instances.lingering.add(group, listener, deadline)
        return self._follow_up.finish(now)

    def receive(
        self, message: Message, source: IPv6Address, link: str, now: int, host: bytes | None = None
    ) -> list[Action]:
        """An MLD message came in by a link; ``host`` is the sender's link-layer address."""
        at = self._reception.link(message, source, link)
        if at is None:
            return []
        if isinstance(message, MulticastListenerQuery):
            at.receive(message, source, now, now + self._config.last_listener_query_time)
            # Elections change the forwarding; what a host part answers comes later.
            return self._follow_up.finish(now) if at.host is None else []
        listener = self._reception.listener(message, source, at, now, host)
        return [] if listener is None else self._tracking.reported(message, listener, at, now)

    def upcall(self, source: IPv6Address, group: IPv6Address, link: str, now: int) -> list[Action]:
        """The kernel has no entry for data that came in by a link, or one for another link.

        Of a source that no node can be there never is one: (::, G) would be any source's. Nor is
        there for one that cannot be where its data came in.
        """
        if not (is_routable_unicast(source) or source.is_link_local):
            self.counters.sources += 1
            return []
        if not self._reverse_path.believes(source, group, link):
            self.counters.forged += 1
            return [*self._forwarding.refuse(source, group, link)]
        refusal = self._forwarding.of_too_many(source, group, link, now)
        if refusal:
            return refusal
        self._instances.arrived(source, group, link, self._forwarding.incoming(source, group))
        actions = self._follow_up.finish_changes(now)
        actions += self._follow_up.begin_detour(source, group)
        actions += self._forwarding.upcall(source, group, link, now)
        actions += self._instances.sends(source, group)
        declined = self._instances.decline_unwanted(source, group, link, now)
        finish = self._follow_up.finish if declined else self._follow_up.finish_changes
        return actions + finish(now)

    def timer(self, now: int) -> list[Action]:
        """Act on every deadline that is not later than ``now``."""
        for listeners in self._links.expiries.due(now):
            listeners.expire(now)
        self._instances.lingering.expire(now)
        removed = list(self._forwarding.timer(now))
        for action in removed:
            self._instances.silent(action.source, action.group)
        return [*removed, *self._follow_up.finish(now)]

    def next_deadline(self) -> int | None:
        """When ``timer`` is due."""
        times = [
            self._links.reports_due.next(),
            self._links.queries_due.next(),
            self._links.expiries.next(),
            self._forwarding.next_deadline(),
            self._attachments.next_deadline(),
            self._instances.lingering.next_deadline(),
        ]
        return min([time for time in times if time is not None], default=None)

    def awaited(self, source: IPv6Address, group: IPv6Address) -> set[str]:
        """The upstreams asked for a channel that it is not taken from as long as others deliver."""
        return self._instances.awaited(source, group)

    def membership(self) -> list[MembershipRecord]:
        """Who listens to what, and by which upstream they get it."""
        return membership_records(self._links, self._forwarding, self._instances, self._sources)

    def listener_records(self) -> list[ListenerRecord]:
        """What each host wants."""
        return listener_records(self._links)

    def _choose_for_unserved(self, now: int) -> list[Action]:
        """The links changed: choose for those who have no upstream."""
        groups = self._instances.groups()
        actions = [*self._instances.reselect(lambda _, x: not x.upstreams, groups, now)]
        return [*actions, *self._follow_up.finish(now)]
