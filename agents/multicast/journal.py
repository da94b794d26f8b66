"""What changed in the membership since it was last looked at, as log lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv6Address
from typing import Any

from agents.core import Log
from agents.multicast.links import Links
from agents.wire.mld import UNSPECIFIED

_Joined = tuple[str, IPv6Address, "IPv6Address | None"]
"""Link, host, source."""


class Journal:
    """Remembers who listened to what, and tells the difference."""

    def __init__(self, links: Links) -> None:
        self._links = links
        self._seen: dict[IPv6Address, dict[_Joined, tuple[str, ...]]] = {}

    def changes(self, groups: Iterable[IPv6Address]) -> Iterator[Log]:
        """``join``, ``leave`` and ``upstream`` lines of these groups."""
        for group in groups:
            before = self._seen.pop(group, {})
            after = self._upstreams(group)
            if after:
                self._seen[group] = after
            for joined in sorted(after.keys() - before.keys(), key=_order):
                yield Log("join", _fields(group, joined))
            for left in sorted(before.keys() - after.keys(), key=_order):
                yield Log("leave", _fields(group, left))
            for link in sorted(_used(after) - _used(before)):
                yield Log("upstream", {"group": str(group), "link": link})

    def _upstreams(self, group: IPv6Address) -> dict[_Joined, tuple[str, ...]]:
        """The upstreams of each listener of a group."""
        return {
            (link, member.host, member.source): member.upstreams
            for link, router in self._links.listening
            for member in router.listeners.memberships(group)
        }


def _order(joined: _Joined) -> tuple[str, IPv6Address, IPv6Address]:
    link, host, source = joined
    return link, host, source or UNSPECIFIED


def _used(joined: dict[_Joined, tuple[str, ...]]) -> set[str]:
    return {link for upstreams in joined.values() for link in upstreams}


def _fields(group: IPv6Address, joined: _Joined) -> dict[str, Any]:
    link, host, source = joined
    text = None if source is None else str(source)
    return {"link": link, "host": str(host), "group": str(group), "source": text}
