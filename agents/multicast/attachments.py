"""The hosts known to be on a link, from link-layer triggers: asked at once what they listen to.

A newcomer is queried as a link is that starts up (RFC 3810 section 9.7): [Robustness Variable]
times, here not much more than a query response interval apart, since it shall not have to wait
longer for its data.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address

from agents.deadlines import Deadlines
from agents.multicast.config import ProxyConfig


@dataclass
class Attachment:
    """A host came to a link.

    ``since`` is when it came (ns). Until it is ``bound`` (its binding is complete) it is not
    served. ``previous_link`` then leads to the router it was at just before; None: there is none.
    ``anchor_links`` lead to all that anchor prefixes of it, the latest first. ``ongoing`` are the
    groups that it listened to there, None as long as nobody has told.
    """

    link: str
    host: IPv6Address
    link_layer: bytes
    since: int
    bound: bool
    previous_link: str | None
    queries_left: int
    anchor_links: tuple[str, ...] = ()
    ongoing: frozenset[IPv6Address] | None = None


class Attachments:
    """All attachments of one router."""

    def __init__(self, config: ProxyConfig) -> None:
        self._config = config
        self.links: dict[str, int] = {}
        """The links to which hosts attach, so that each of them hears us alone, and how many."""
        self._attachments: dict[tuple[str, IPv6Address], Attachment] = {}
        self._by_link_layer: dict[tuple[str, bytes], Attachment] = {}
        self._queries_due: Deadlines[tuple[str, IPv6Address]] = Deadlines()
        # Who left, until when a report that was still on the way may come.
        self._left: Deadlines[tuple[str, IPv6Address]] = Deadlines()

    def attach(self, host: IPv6Address, link: str, now: int, link_layer: bytes) -> Attachment:
        """A host came; what it reports waits until it is bound."""
        attachment = Attachment(
            link=link,
            host=host,
            link_layer=link_layer,
            since=now,
            bound=False,
            previous_link=None,
            queries_left=self._config.robustness,
        )
        self.detach(host, link)
        self._left.cancel((link, host))
        self._attachments[link, host] = attachment
        self.links[link] = self.links.get(link, 0) + 1
        self._by_link_layer[link, link_layer] = attachment
        self._queries_due.set((link, host), now)
        return attachment

    def bind(
        self,
        host: IPv6Address,
        link: str,
        previous_link: str | None,
        anchor_links: tuple[str, ...] = (),
    ) -> Attachment | None:
        """A host that came is served now, and known to come from ``previous_link``."""
        attachment = self._attachments.get((link, host))
        if attachment is not None:
            attachment.bound = True
            attachment.previous_link = previous_link
            attachment.anchor_links = anchor_links
        return attachment

    def detach(self, host: IPv6Address, link: str) -> None:
        """A host left."""
        attachment = self._attachments.pop((link, host), None)
        if attachment is not None:
            self._by_link_layer.pop((link, attachment.link_layer), None)
            self._queries_due.cancel((link, host))
            self.links[link] -= 1
            if not self.links[link]:
                del self.links[link]

    def left(self, host: IPv6Address, link: str, now: int) -> None:
        """A host left, but a report of it may still be on the way."""
        self.detach(host, link)
        for _ in self._left.due(now):
            pass  # who left too long ago for that
        self._left.set((link, host), now + self._config.trigger_slack)

    def has_just_left(self, host: IPv6Address, link: str, now: int) -> bool:
        """Whether a host that is not here was just before."""
        return now < self._left.get((link, host), now)

    def forget_link(self, link: str) -> None:
        """A link is gone, with all who were on it."""
        for name, host in list(self._attachments):
            if name == link:
                self.detach(host, link)

    def find(
        self, link: str, source: IPv6Address, link_layer: bytes | None = None
    ) -> Attachment | None:
        """Whose attachment a sender's addresses belong to: its link-local, or its link-layer."""
        attachment = self._attachments.get((link, source))
        if attachment is not None or link_layer is None:
            return attachment
        return self._by_link_layer.get((link, link_layer))

    def due(self, now: int) -> list[Attachment]:
        """Those to query now; counts the query as sent."""
        keys = list(self._queries_due.due(now))
        attachments = [self._attachments[key] for key in keys]
        for key, attachment in zip(keys, attachments, strict=True):
            attachment.queries_left -= 1
            if attachment.queries_left:
                self._queries_due.set(key, now + self._config.newcomer_query_interval)
        return attachments

    def next_deadline(self) -> int | None:
        """When ``due`` is to be called, in ns."""
        return self._queries_due.next()
