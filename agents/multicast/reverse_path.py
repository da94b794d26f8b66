"""Whether data of a source may come by a link: what it says of its source is not taken on trust.

Hosts of a connected prefix send on their own link and nowhere else (RFC 2827; the strict reverse
path of RFC 3704 section 2.2). Where hosts move, bindings say who is on a link. What is refused
neither makes an entry nor moves one.
"""

from __future__ import annotations

from ipaddress import IPv6Address

from agents.multicast.links import Links
from agents.multicast.sources import MobileSources


class ReversePath:
    """The check of one router."""

    def __init__(self, links: Links, sources: MobileSources) -> None:
        self._links = links
        self._sources = sources

    def believes(self, source: IPv6Address, group: IPv6Address, link: str) -> bool:
        """Whether a source may be where its data came in. Who is heard on the link alone may."""
        if source.is_link_local:
            return True
        at = self._links.get(link)
        if at is None:
            return False
        if at.hosts is not None:
            return source in at.hosts
        if any(source in hosts for hosts in self._links.connected):
            return False
        return at.host is not None or self._sources.may_send(source, group, link)
