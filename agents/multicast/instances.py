"""The proxy instances: which listener belongs to which upstream, and what each upstream is asked.

There is one instance an upstream (RFC 4605); it wants from it the merge of what its listeners want.
A listener that moves from one to another belongs to both until the new one delivers: make before
break. In a scheme that shares none a listener may belong to several for good, and is served by the
one that delivers first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from ipaddress import IPv6Address

from agents.core import Action
from agents.multicast.actions import AskChannelControl
from agents.multicast.attachments import Attachments
from agents.multicast.decisions import Decisions
from agents.multicast.filters import Filter, FilterMode, include, merge
from agents.multicast.forwarding_entries import Forwarding
from agents.multicast.lingering import Lingering
from agents.multicast.links import Links
from agents.multicast.listener import Listener
from agents.multicast.selection import Join, UpstreamSelection
from agents.multicast.sources import MobileSources
from agents.wire.channel import ChannelScope

Actions = Iterator[Action]


class Instances:
    """All instances of one router. Groups with other upstreams are added to ``changed``."""

    def __init__(
        self,
        links: Links,
        attachments: Attachments,
        select: UpstreamSelection,
        forwarding: Forwarding,
        sources: MobileSources,
        decisions: Decisions,
        changed: set[IPv6Address],
    ) -> None:
        self._links = links
        self._attachments = attachments
        self._select = select
        self._forwarding = forwarding
        self._sources = sources
        self._decisions = decisions
        self._changed = changed
        self.lingering = Lingering(changed)
        # The groups of which a listener may have more than one upstream.
        self._several: set[IPv6Address] = set()

    def wishes(self, group: IPv6Address) -> Iterator[tuple[str | None, Listener, Filter]]:
        """What is wanted of a group, by whom, on which link; None: who left it."""
        for link, router in self._links.listening:
            for listener, wish in router.listeners.wishes(group):
                yield link, listener, wish
        for listener, wish in self.lingering.wishes(group):
            yield None, listener, wish

    def subscriptions(self, group: IPv6Address) -> dict[str, Filter]:
        """What each instance wants of a group (RFC 4605 section 4.1).

        A source that is here is wanted from where its data goes: nothing comes back.
        """
        here = self.sources_here(group)
        local = include(here)
        wishes: dict[str, list[Filter]] = defaultdict(list)
        for _, listener, wish in self.wishes(group):
            for upstream in listener.upstreams:
                wishes[upstream].append(wish - local)
            for source in filter(wish.accepts, here):
                for upstream in self._sources.exits(source, group):
                    wishes[upstream].append(include([source]))
        return {upstream: merge(filters) for upstream, filters in wishes.items()}

    def sources_here(self, group: IPv6Address) -> set[IPv6Address]:
        """The local sources of a group; in the base scheme only those that are not at home."""
        if not self._select.shares and not self._sources:
            return set()
        sources = self._forwarding.local_sources(group)
        return {s for s in sources if self._select.shares or self._sources.is_mobile(s, group)}

    def reported(self, link: str, group: IPv6Address, host: IPv6Address, now: int) -> Actions:
        """A host reported a group: serve it if it is not yet."""
        router = self._links.downstreams[link]
        listener = router.listeners.find(group, host)
        if listener is None:
            return
        if not listener.upstreams:
            yield from self._place(link, group, listener, listener.filter, now)
        elif self._select.shares and group in self._changed:
            self._share(link, group, listener, listener.filter)

    def reselect(
        self, concerned: Callable[[str, Listener], bool], groups: Collection[IPv6Address], now: int
    ) -> Actions:
        """Choose again for the listeners ``concerned`` of these groups, the first to join first."""
        for group in groups:
            batch = [
                (link, listener, wish, listener.upstreams)
                for link, listener, wish in self.wishes(group)
                if link is not None and concerned(link, listener)
            ]
            for _, listener, _, _ in batch:
                listener.upstreams = ()
            for link, listener, wish, before in sorted(batch, key=lambda x: x[1].joined):
                yield from self._place(link, group, listener, wish, now, before)

    def decided(
        self, group: IPv6Address, source: IPv6Address | None, decision: ChannelScope, now: int
    ) -> Actions:
        """Channel control decided about a channel: it matters if somebody listens, or sends."""
        if any(self.wishes(group)) or self.sources_here(group):
            self._decisions.set(group, source, decision)
            self._changed.add(group)
            tunnels = self._links.tunnels
            yield from self.reselect(lambda link, _: link not in tunnels, [group], now)

    def forget_decisions(self, group: IPv6Address) -> None:
        """If nobody listens or sends, the next one to do so asks again."""
        if not any(self.wishes(group)):
            self._several.discard(group)
            if group in self._decisions and not self.sources_here(group):
                self._decisions.forget(group)

    def sends(self, source: IPv6Address, group: IPv6Address) -> Actions:
        """Data of a source arrived: find out where it is to go, if it is here and mobile."""
        if self._forwarding.is_local(source, group):
            self._ask_elsewhere(source, group)
            is_mobile = self._select.shares and self._sources.is_mobile(source, group)
            if is_mobile and self._decisions.ask(group, source):
                yield AskChannelControl(source, group, source)

    def silent(self, source: IPv6Address, group: IPv6Address) -> None:
        """The entry of a source, to which nobody listened, is gone, and it is not local any more.

        Where a source is wanted from that is none of this router's own is the group's matter.
        """
        self._decisions.forget_source(group, source)
        self.forget_decisions(group)
        if not self._nobody_wants(source, group):
            self._changed.add(group)

    def _ask_elsewhere(self, source: IPv6Address, group: IPv6Address) -> None:
        """A source is here: have it from where its data goes, if it is wanted from elsewhere.

        That is not to cost what there is of other sources.
        """
        shares = self._select.shares
        if not shares and not (self._sources and self._sources.is_mobile(source, group)):
            return
        exits = self._sources.exits(source, group)
        asked = self._links.asked_of(source, group)
        is_asked_of_others = any(upstream not in exits for upstream in asked)
        is_complete = all(upstream in asked for upstream in exits)
        if is_asked_of_others or not (is_complete or self._nobody_wants(source, group)):
            self._changed.add(group)

    def _nobody_wants(self, source: IPv6Address, group: IPv6Address) -> bool:
        listening = (router.listeners for _, router in self._links.listening)
        is_served = any(listeners.wants(source, group) for listeners in listening)
        lingering = (wish.accepts(source) for _, wish in self.lingering.wishes(group))
        return not (is_served or any(lingering))

    def forget_link(self, name: str) -> None:
        """A link is gone: nobody is served by it any more."""
        for group in self.groups():
            for _, listener, _ in self.wishes(group):
                if name in listener.upstreams:
                    listener.upstreams = tuple(u for u in listener.upstreams if u != name)
                    self._changed.add(group)

    def groups(self) -> list[IPv6Address]:
        """The groups of which anything is wanted."""
        groups = self.lingering.groups()
        for _, router in self._links.listening:
            groups |= router.listeners.groups()
        return sorted(groups)

    def awaited(self, source: IPv6Address, group: IPv6Address) -> set[str]:
        """The upstreams asked for a channel that it is not taken from as long as others deliver."""
        if group not in self._several:
            return set()
        waiting = slice(0, 1) if self._select.shares else slice(1, None)
        return {
            upstream
            for _, listener, wish in self.wishes(group)
            if len(listener.upstreams) > 1 and wish.accepts(source)
            for upstream in listener.upstreams[waiting]
        }

    def arrived(
        self, source: IPv6Address, group: IPv6Address, upstream: str, used: str | None
    ) -> None:
        """Data came by an upstream: who was waiting for that needs no other.

        If nothing is shared, it was none of its own that its data was taken from so far. Who is
        waiting for another one is served by the one ``used`` meanwhile, as all are: none but that
        is kept. The kernel tells of one wrong upstream at a time, so the one that is waited for is
        heard of when the others are quiet.
        """
        if group not in self._several:
            return
        self._several.discard(group)
        for _, listener, wish in self.wishes(group):
            if len(listener.upstreams) > 1 and wish.accepts(source):
                if not self._select.shares:
                    listener.upstreams = _first_to_deliver(listener.upstreams, upstream, used)
                elif upstream == listener.upstreams[0]:
                    listener.upstreams = (upstream,)
                elif used in self._links.upstreams:
                    kept = (used if u == upstream else u for u in listener.upstreams)
                    listener.upstreams = tuple(dict.fromkeys(kept))
                self._changed.add(group)
            self._note(group, listener)

    def decline_unwanted(
        self, source: IPv6Address, group: IPv6Address, link: str, now: int
    ) -> bool:
        """Data of a channel came by an upstream: say so if it is not wanted from there.

        The other router may have missed our leave, or have known us before we started anew.
        """
        host = self._links.upstreams.get(link)
        if host is None or not self._select.shares:
            return False
        if host.subscription(group).accepts(source) or self._sources.comes_by(source, link):
            return False
        host.decline(group, include([source]), now)
        return True

    def _place(
        self,
        link: str,
        group: IPv6Address,
        listener: Listener,
        wish: Filter,
        now: int,
        before: tuple[str, ...] = (),
    ) -> Actions:
        """Choose the upstreams of a listener that has none now, and had others ``before``."""
        source = _single_source(wish)
        choice = self._select(
            Join(
                link=link,
                host=listener.host,
                group=group,
                wanted=wish,
                now=listener.joined,
                attachment=self._attachments.find(link, listener.host),
                native=self._links.native,
                tunnels=self._links.tunnels.keys(),
                available=self._available(group, wish) if self._select.shares else frozenset(),
                decision=self._decisions.get(group, source),
            )
        )
        self._changed.add(group)
        listener.upstreams = choice.upstreams
        self._note(group, listener)
        if choice.upstreams and self._select.shares:
            self._move(link, group, listener, wish, choice.upstreams)
            self._share(link, group, listener, wish)
        if choice.ask and self._decisions.ask(group, source):
            yield AskChannelControl(source, group, listener.host)
        if choice.declined is not None and not before:
            self._links.upstreams[choice.declined].decline(group, wish, now)

    def _available(self, group: IPv6Address, wish: Filter) -> set[str]:
        """The upstreams by which something of this comes for others."""
        return {
            listener.upstreams[0]
            for _, listener, other in self.wishes(group)
            if listener.upstreams and wish & other
        }

    def _share(
        self, link: str | None, group: IPv6Address, listener: Listener, wish: Filter
    ) -> None:
        """Give all who want some of the same one upstream, the native one if anybody has it."""
        moved = [(link, listener, wish)]
        while moved:
            one = moved.pop()
            for other in list(self.wishes(group)):
                mine, others = one[1].upstreams, other[1].upstreams
                if mine and others and mine[0] != others[0] and one[2] & other[2]:
                    to_native = others[0] == self._links.native
                    (link, listener, wish), target = (one, others) if to_native else (other, mine)
                    self._move(link, group, listener, wish, target[:1])
                    moved.append((link, listener, wish))

    def _move(
        self,
        link: str | None,
        group: IPv6Address,
        listener: Listener,
        wish: Filter,
        upstreams: tuple[str, ...],
    ) -> None:
        """Serve a listener by the first of ``upstreams``, and until that delivers as now."""
        self._changed.add(group)
        delivering = self._forwarding.delivering(group, wish)
        if upstreams[0] in delivering:
            listener.upstreams = upstreams[:1]
        else:
            present = sorted(delivering & self._links.upstreams.keys() - {link, *upstreams})
            listener.upstreams = (*upstreams, *present)
        self._note(group, listener)

    def _note(self, group: IPv6Address, listener: Listener) -> None:
        """A listener's upstreams are others."""
        if len(listener.upstreams) > 1:
            self._several.add(group)


def _first_to_deliver(
    upstreams: tuple[str, ...], upstream: str, used: str | None
) -> tuple[str, ...]:
    """With the one first that data came by, unless data is taken from one of them already."""
    if used in upstreams or upstream not in upstreams:
        return upstreams
    return (upstream, *(u for u in upstreams if u != upstream))


def _single_source(wish: Filter) -> IPv6Address | None:
    """The source of an SSM channel; None for any source, and for several."""
    single = wish.mode is FilterMode.INCLUDE and len(wish.sources) == 1
    return next(iter(wish.sources)) if single else None
