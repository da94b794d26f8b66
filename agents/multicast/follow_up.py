"""What follows when memberships, links or sources have changed, once for all that has."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv6Address, IPv6Network

from agents.core import Action
from agents.multicast import sending
from agents.multicast.actions import HoldLink, ReleaseLink
from agents.multicast.attachments import Attachments
from agents.multicast.detours import Detours
from agents.multicast.filters import NOTHING
from agents.multicast.forwarding_entries import Forwarding
from agents.multicast.instances import Instances
from agents.multicast.journal import Journal
from agents.multicast.links import Links
from agents.multicast.sources import MobileSources


class FollowUp:
    """Takes the groups out of ``changed``, asks upstreams, and has the forwarding follow."""

    def __init__(
        self,
        links: Links,
        attachments: Attachments,
        sources: MobileSources,
        forwarding: Forwarding,
        instances: Instances,
        detours: Detours,
        changed: set[IPv6Address],
    ) -> None:
        self._links = links
        self._attachments = attachments
        self._sources = sources
        self._forwarding = forwarding
        self._instances = instances
        self._detours = detours
        self._changed = changed
        self._journal = Journal(links)
        self._held: set[str] = set()

    def finish(self, now: int) -> list[Action]:
        """Follow the changes of memberships, and send all that is due."""
        groups = self._subscribe(now)
        redirects = [*self._end_detours()]
        groups = sorted({*groups, *self._subscribe(now)}) if redirects else groups
        journal = self._journal.changes(groups)
        actions = [*redirects, *journal, *sending.reports(self._links, now)]
        queries = list(sending.queries(self._links, self._attachments, now))
        actions += [*self._forwarding.refresh(groups, now), *queries]
        active = {link.name for link in self._links.on_demand if link.is_used}
        gained, lost = sorted(active - self._held), sorted(self._held - active)
        self._held = active
        return [*map(HoldLink, gained), *actions, *map(ReleaseLink, lost)]

    def finish_changes(self, now: int) -> list[Action]:
        """The same, if memberships have changed at all."""
        return self.finish(now) if self._changed else []

    def sources_moved(self, prefix: IPv6Network, now: int) -> list[Action]:
        """What sources of a prefix send next is an upcall, but for what is to take a detour."""
        actions: list[Action] = []
        for source, group in self._forwarding.channels_of(prefix):
            actions += self.begin_detour(source, group)
            if (source, group) not in self._sources.apart:
                actions += self._forget(source, group)
        return [*actions, *self.finish(now)]

    def begin_detour(self, source: IPv6Address, group: IPv6Address) -> list[Action]:
        """A source sends, or is going to: its data takes a detour if it needs one."""
        return [*self._detours.begin(source, group)]

    def _subscribe(self, now: int) -> list[IPv6Address]:
        """Ask the upstreams for what is wanted of the groups that changed; these groups."""
        groups = sorted(self._changed)
        self._changed.clear()
        for group in groups:
            wanted = self._instances.subscriptions(group)
            for upstream, host in self._links.upstreams.items():
                if host.is_active or upstream in wanted:
                    host.subscribe(group, wanted.get(upstream, NOTHING), now)
            self._instances.forget_decisions(group)
        return groups

    def _end_detours(self) -> Iterator[Action]:
        """Let those take part in the forwarding again for whom nobody needs a detour."""
        for source, group in self._detours.ended():
            yield from self._detours.end(source, group)
            yield from self._forget(source, group)

    def _forget(self, source: IPv6Address, group: IPv6Address) -> Iterator[Action]:
        self._changed.add(group)
        yield from self._forwarding.forget(source, group)
