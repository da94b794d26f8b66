"""Which MLD messages are believed, and how much else came."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address

from agents.multicast.attachments import Attachments
from agents.multicast.config import ProxyConfig
from agents.multicast.early_reports import EarlyReports
from agents.multicast.links import Link, Links
from agents.wire.mld import Message, MulticastListenerQuery


@dataclass
class Counters:
    """What came and was not acted upon."""

    ignored: int = 0
    """Messages from no link-local address (RFC 3810 sections 5.1.14 and 5.2.13), from ourselves, in
    the name of an attached host by another, of a host that just left, of more hosts than are waited
    for that no trigger has told of, or on a link where nobody listens to them."""
    queries: int = 0
    """Queries on a link that has no other router: a host asks what only routers may."""
    sources: int = 0
    """Upcalls about data from what is no node's address."""
    forged: int = 0
    """Upcalls about data that came by a link where its source is not (RFC 2827)."""


class Reception:
    """Checks who sent a message, and whether it may say that."""

    def __init__(self, config: ProxyConfig, links: Links, attachments: Attachments) -> None:
        self.early = EarlyReports(config)
        self._config = config
        self._links = links
        self._attachments = attachments
        self.counters = Counters()

    def link(self, message: Message, source: IPv6Address, name: str) -> Link | None:
        """The link that a message concerns; None: it is not believed."""
        at = self._links.get(name)
        if at is None or not source.is_link_local or source == at.link_local:
            self.counters.ignored += 1
            return None
        if not isinstance(message, MulticastListenerQuery):
            if at.router is None:
                self.counters.ignored += 1
                return None
        elif at.router is not None and at.host is None and not at.router.querier.elects:
            self.counters.queries += 1
            return None
        return at

    def listener(
        self,
        message: Message,
        source: IPv6Address,
        at: Link,
        now: int,
        link_layer: bytes | None,
    ) -> IPv6Address | None:
        """The host that a report is of; None: it is not believed, or not yet."""
        attachment = self._attachments.find(at.name, source, link_layer)
        if attachment is not None:
            if link_layer in (None, attachment.link_layer):
                return attachment.host
        elif not (
            self._config.explicit_tracking and self._attachments.has_just_left(source, at.name, now)
        ):
            if not at.announced:
                return source
            if self.early.keep(message, source, at.name, link_layer, now):
                return None
        self.counters.ignored += 1
        return None
