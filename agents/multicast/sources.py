"""Mobile sources: where the data of a source goes that is away from the router of its prefix.

Section IV.A of the paper: a local channel goes to the native upstream of the router where the
source is, a remote one through the tunnel to the router that anchors its prefix, or it goes both
ways. Until channel control has decided it goes through the tunnel: the delivery tree stays.
"""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network

from agents.multicast.decisions import Decisions
from agents.multicast.links import Links
from agents.wire.channel import ChannelScope


class MobileSources:
    """Prefixes whose hosts are not at the router that anchors them.

    ``pool`` is what this router anchors prefixes of: another source on its links has come from
    elsewhere, and until it is a guest it is heard on the links here alone. None: all are at home.
    """

    def __init__(self, links: Links, decisions: Decisions, pool: IPv6Network | None) -> None:
        self._links = links
        self._decisions = decisions
        self._pool = pool
        self._guests: dict[IPv6Network, str] = {}
        self._away: dict[IPv6Network, str] = {}

    def __bool__(self) -> bool:
        """Whether there are any such prefixes."""
        return bool(self._guests or self._away)

    def set_guest(self, prefix: IPv6Network, link: str | None) -> None:
        """Hosts of this prefix are here, and ``link`` leads to its anchor; None: no longer."""
        _set(self._guests, prefix, link)

    def set_away(self, prefix: IPv6Network, link: str | None) -> None:
        """Hosts of this prefix of ours are where ``link`` leads to; None: no longer."""
        _set(self._away, prefix, link)

    def forget_link(self, link: str) -> None:
        """A tunnel is gone, and what is known by it."""
        for prefixes in (self._guests, self._away):
            for prefix in [prefix for prefix, name in prefixes.items() if name == link]:
                del prefixes[prefix]

    def is_mobile(self, source: IPv6Address) -> bool:
        """Whether a source is not where it is anchored."""
        return bool(self._find(self._guests, source) or self._find(self._away, source))

    def comes_by(self, source: IPv6Address, link: str) -> bool:
        """Whether data in a tunnel is from a source of ours that is at the other end."""
        return self._find(self._away, source) == link

    def comes_locally(self, source: IPv6Address, group: IPv6Address) -> bool:
        """Whether what comes elsewhere than from the source itself is a copy on its way back."""
        if self._find(self._guests, source) is not None:
            return True
        is_away = self._find(self._away, source) is not None
        return is_away and self._decisions.get(group, source) is not ChannelScope.LOCAL

    def exits(self, source: IPv6Address, group: IPv6Address) -> tuple[str, ...]:
        """The upstreams to which the data of a local source goes."""
        native = () if self._links.native is None else (self._links.native,)
        scope = self._decisions.get(group, source)
        if self._find(self._away, source) is not None:
            return () if scope is ChannelScope.BOTH else native
        anchor = self._find(self._guests, source)
        if anchor is None and self._pool is not None and source not in self._pool:
            return ()
        if anchor is None or scope is ChannelScope.LOCAL:
            return native
        return (*native, anchor) if scope is ChannelScope.BOTH else (anchor,)

    def _find(self, prefixes: dict[IPv6Network, str], source: IPv6Address) -> str | None:
        return next((link for prefix, link in prefixes.items() if source in prefix), None)


def _set(prefixes: dict[IPv6Network, str], prefix: IPv6Network, link: str | None) -> None:
    if link is None:
        prefixes.pop(prefix, None)
    else:
        prefixes[prefix] = link
