"""Mobile sources: where they are, and where the data of one goes that is away from its anchor.

Section IV.A of the paper: a local channel goes to the native upstream of the router where the
source is, a remote one through the tunnel to the router that anchors its prefix, or it goes both
ways. Until channel control has decided it goes through the tunnel: the delivery tree stays.

Where a mobile source is, bindings say and nothing else. Its data comes back to routers that it has
passed, and that must not look like a move.
"""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network

from agents.multicast.decisions import Decisions
from agents.multicast.links import Links
from agents.multicast.prefixes import PrefixLinks
from agents.wire.channel import ChannelScope

Channel = tuple[IPv6Address, IPv6Address]
"""Source and group."""


class MobileSources:
    """Prefixes whose hosts are not at the router that anchors them.

    ``pool`` is what this router anchors prefixes of: another source on its links has come from
    elsewhere, and until it is a guest nobody hears it. None: no source is mobile. ``by_anchor``:
    all data of a source goes by its anchor, as in MLD-DMM. ``apart`` are the channels of guests
    that do not get to us, but to their anchor at once.
    """

    def __init__(
        self,
        links: Links,
        decisions: Decisions,
        pool: IPv6Network | None,
        *,
        by_anchor: bool,
    ) -> None:
        self._links = links
        self._decisions = decisions
        self._pool = pool
        self._by_anchor = by_anchor
        self._guests = PrefixLinks()
        self._away = PrefixLinks()
        self._visitors = PrefixLinks()
        self.apart: set[Channel] = set()

    def __bool__(self) -> bool:
        """Whether there are any such prefixes."""
        return bool(self._guests or self._away)

    def set_guest(self, prefix: IPv6Network, link: str | None) -> bool:
        """Hosts of this prefix are here, and ``link`` leads to its anchor; None: no longer.

        Whether that is new. What channel control said of these sources held for this stay.
        """
        is_new = self._guests.set(prefix, link)
        if is_new:
            self._decisions.forget_sources(prefix)
        return is_new

    def set_away(self, prefix: IPv6Network, link: str | None) -> bool:
        """Hosts of this prefix of ours are where ``link`` leads to; None: no longer.

        Whether that is new.
        """
        return self._away.set(prefix, link)

    def set_visitor(self, prefix: IPv6Network, link: str | None) -> bool:
        """Hosts of this prefix, which is not ours, are on this link; None: no longer.

        Whether that is new.
        """
        return self._visitors.set(prefix, link)

    def forget_link(self, link: str) -> None:
        """A link is gone, and what is known by it."""
        self._visitors.forget_link(link)
        self._guests.forget_link(link)
        self._away.forget_link(link)

    def is_mobile(self, source: IPv6Address, group: IPv6Address) -> bool:
        """Whether a source is not where it is anchored."""
        return bool(self.anchor(source, group) or self._away.find(source))

    def guest_tunnel(self, source: IPv6Address) -> str | None:
        """The tunnel to the anchor of a source that is here as a guest."""
        return self._guests.find(source)

    def anchor(self, source: IPv6Address, group: IPv6Address) -> str | None:
        """The same, if what the source sends to a group gets to us."""
        return None if (source, group) in self.apart else self._guests.find(source)

    def origin(self, source: IPv6Address, group: IPv6Address) -> str | None:
        """The only link by which data of a source comes that is no copy, if bindings say it."""
        if self.anchor(source, group) is not None:
            return self._links.access
        if self._links.is_visited:
            return self._visitors.find(source)
        if self._pool is None or source not in self._pool:
            return None
        tunnel = self._away.find(source)
        if tunnel is None:
            return self._links.access
        scope = self._decisions.get(group, source)
        by_anchor = self._by_anchor or scope in (ChannelScope.REMOTE, ChannelScope.BOTH)
        return tunnel if by_anchor else None

    def is_here(self, source: IPv6Address, group: IPv6Address) -> bool:
        """Whether what a host on a link of ours sends may be from this source."""
        if self._links.is_visited:
            return self._visitors.find(source) is not None
        if self._pool is None or self.anchor(source, group) is not None:
            return True
        return source in self._pool and self._away.find(source) is None

    def may_send(self, source: IPv6Address, group: IPv6Address, link: str) -> bool:
        """Whether a source may be on a link that leads to hosts, of which bindings tell.

        Of a tunnel's other end it is one that is away there; what a guest sends may be apart.
        """
        if self._pool is None:
            return self.is_here(source, group)
        if link != self._links.access:
            return self.comes_by(source, link)
        return self.is_here(source, group) or self.guest_tunnel(source) is not None

    def comes_by(self, source: IPv6Address, link: str) -> bool:
        """Whether data in a tunnel is from a source of ours that is at the other end."""
        return self._away.find(source) == link

    def would_return(self, source: IPv6Address, link: str) -> bool:
        """Whether what comes from other routers must not go into a tunnel: to the source's anchor.

        That may have sent it natively itself, and could not tell it from what the source sends.
        """
        at = self._links.get(link)
        return at is not None and at.anchors is not None and source in at.anchors

    def goes_by_anchor(self, source: IPv6Address, group: IPv6Address) -> bool:
        """Whether a source of ours is away, and its data comes here first, as far as we know."""
        is_away = self._away.find(source) is not None
        return is_away and self._decisions.get(group, source) is not ChannelScope.LOCAL

    def exits(self, source: IPv6Address, group: IPv6Address) -> tuple[str, ...]:
        """The upstreams to which the data of a local source goes."""
        native = () if self._links.native is None else (self._links.native,)
        scope = self._decisions.get(group, source)
        if self._away.find(source) is not None:
            return () if scope is ChannelScope.BOTH else native
        anchor = self.anchor(source, group)
        if anchor is None or scope is ChannelScope.LOCAL:
            return native
        return (*native, anchor) if scope is ChannelScope.BOTH else (anchor,)
