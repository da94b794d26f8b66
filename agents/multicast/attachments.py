"""The hosts known to be on a link, from link-layer triggers: asked at once what they listen to.

A newcomer is queried as a link is that starts up (RFC 3810 section 9.7): [Robustness Variable]
times, here a query response interval apart, since it shall not have to wait longer for its data.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address

from agents.multicast.config import ProxyConfig


@dataclass
class Attachment:
    """A host came to a link.

    ``since`` is when it came, ``query_due`` when to query it next (ns). Until it is ``bound`` (its
    binding is complete) it is not served. ``previous_link`` then leads to the router it was at just
    before; None: there is none.
    """

    link: str
    host: IPv6Address
    link_layer: bytes
    since: int
    bound: bool
    previous_link: str | None
    query_due: int | None
    queries_left: int


class Attachments:
    """All attachments of one router."""

    def __init__(self, config: ProxyConfig) -> None:
        self._config = config
        self._attachments: dict[tuple[str, IPv6Address], Attachment] = {}

    def attach(self, host: IPv6Address, link: str, now: int, link_layer: bytes) -> Attachment:
        """A host came; what it reports waits until it is bound."""
        attachment = Attachment(
            link=link,
            host=host,
            link_layer=link_layer,
            since=now,
            bound=False,
            previous_link=None,
            query_due=now,
            queries_left=self._config.robustness,
        )
        self._attachments[link, host] = attachment
        return attachment

    def bind(self, host: IPv6Address, link: str, previous_link: str | None) -> Attachment | None:
        """A host that came is served now, and known to come from ``previous_link``."""
        attachment = self._attachments.get((link, host))
        if attachment is not None:
            attachment.bound = True
            attachment.previous_link = previous_link
        return attachment

    def detach(self, host: IPv6Address, link: str) -> None:
        """A host left."""
        self._attachments.pop((link, host), None)

    def forget_link(self, link: str) -> None:
        """A link is gone, with all who were on it."""
        for key in [key for key in self._attachments if key[0] == link]:
            del self._attachments[key]

    def find(
        self, link: str, source: IPv6Address, link_layer: bytes | None = None
    ) -> Attachment | None:
        """Whose attachment a sender's addresses belong to: its link-local, or its link-layer."""
        attachment = self._attachments.get((link, source))
        if attachment is not None or link_layer is None:
            return attachment
        for other in self._attachments.values():
            if other.link == link and other.link_layer == link_layer:
                return other
        return None

    def due(self, now: int) -> list[Attachment]:
        """Those to query now; counts the query as sent."""
        attachments = [
            attachment
            for attachment in self._attachments.values()
            if attachment.query_due is not None and attachment.query_due <= now
        ]
        for attachment in attachments:
            attachment.queries_left -= 1
            attachment.query_due = (
                now + self._config.query_response_interval if attachment.queries_left else None
            )
        return attachments

    def next_deadline(self) -> int | None:
        """When ``due`` is to be called, in ns."""
        times = [a.query_due for a in self._attachments.values() if a.query_due is not None]
        return min(times, default=None)
