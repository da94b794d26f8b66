"""What changed in the membership since it was last looked at, as log lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv6Address
from typing import Any

from agents.core import Log
from agents.multicast.links import Links

_Joined = tuple[str, IPv6Address, "IPv6Address | None"]
"""Link, host, source."""


class Journal:
    """Remembers who listened to what, and tells the difference."""

    def __init__(self, links: Links) -> None:
        self._links = links
        self._seen: dict[IPv6Address, dict[_Joined, str | None]] = {}

    def changes(self, groups: Iterable[IPv6Address]) -> Iterator[Log]:
        """``join``, ``leave`` and ``upstream`` lines of these groups."""
        for group in groups:
            before = self._seen.pop(group, {})
            after = self._upstreams(group)
            if after:
                self._seen[group] = after
            for joined in sorted(after.keys() - before.keys(), key=str):
                yield Log("join", _fields(group, joined))
            for left in sorted(before.keys() - after.keys(), key=str):
                yield Log("leave", _fields(group, left))
            used = {link for link in after.values() if link is not None}
            for link in sorted(used - set(before.values())):
                yield Log("upstream", {"group": str(group), "link": link})

    def _upstreams(self, group: IPv6Address) -> dict[_Joined, str | None]:
        """The upstream of each listener of a group."""
        return {
            (link, member.host, member.source): member.upstream
            for link, router in self._links.downstreams()
            for member in router.listeners.memberships(group)
        }


def _fields(group: IPv6Address, joined: _Joined) -> dict[str, Any]:
    link, host, source = joined
    text = None if source is None else str(source)
    return {"link": link, "host": str(host), "group": str(group), "source": text}
