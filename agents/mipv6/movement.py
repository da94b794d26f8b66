"""Where a mobile node is, by the Router Advertisements on the link (RFC 6275 section 11.5.1)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network

from agents.wire.ndp import MapOption, RouterAdvertisement


@dataclass(frozen=True)
class Router:
    """The default router on the link, and what it advertises."""

    link_local: IPv6Address
    prefix: IPv6Network
    home_agent: IPv6Address | None
    """Its own address, if it is the home agent of the prefix."""
    maps: tuple[MapOption, ...] = ()
    """The mobility anchor points that it tells of (RFC 5380)."""


class Movement:
    """The default router, and the earlier prefixes that the network keeps reachable on this link.

    Such a network advertises each of them from a router that is none to send to, and then the new
    one (RFC 8885 section 3.6). A care-of address of an earlier prefix need not be changed then
    (HDMM paper, footnote 6); if ``rebinds`` it is all the same, and serves until it can be.
    """

    def __init__(self, *, rebinds: bool = False) -> None:
        self._rebinds = rebinds
        self.router: Router | None = None
        self._heard: set[IPv6Network] = set()
        """Earlier prefixes, since the default router spoke last."""
        self._anchored: frozenset[IPv6Network] = frozenset()

    def lost(self) -> None:
        """The link is gone; whatever comes next has to be asked."""
        self.router = None
        self._heard.clear()

    def advertised(self, source: IPv6Address, message: RouterAdvertisement) -> bool:
        """Take note of an advertisement; whether it is one of the default router."""
        if not message.router_lifetime:
            self._heard |= {p.prefix for p in message.prefixes if p.autonomous and p.valid_lifetime}
            return False
        router = _read(source, message)
        if router is None:
            return False
        self.router, self._anchored = router, frozenset(self._heard)
        self._heard.clear()
        return True

    def care_of(
        self, usable: Collection[IPv6Address], before: IPv6Address | None
    ) -> IPv6Address | None:
        """Of the addresses that can be used, the one to be reached at, if there is one now.

        ``before`` is the last one: while the network keeps it reachable it is the one, or with
        ``rebinds`` what serves until there is one of the router's prefix.
        """
        if self.router is None:
            return None
        here = next((a for a in usable if a in self.router.prefix), None)
        anchored = before is not None and any(before in prefix for prefix in self._anchored)
        if not anchored or (self._rebinds and here is not None):
            return here
        return before if before in usable else None


def _read(source: IPv6Address, message: RouterAdvertisement) -> Router | None:
    prefix = next((p.prefix for p in message.prefixes if p.autonomous), None)
    agent = next((p.router for p in message.prefixes if p.router), None)
    if prefix is None:
        return None
    return Router(source, prefix, agent if message.home_agent else None, message.maps)
