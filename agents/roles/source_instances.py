"""The proxy instances of MLD-DMM at a MAR, as mobile sources see them."""

from __future__ import annotations

import itertools
from ipaddress import IPv6Network

from agents.kernel.source_redirect import SourceRedirect
from agents.roles.daemon import Daemon
from agents.roles.multicast_part import MulticastPart


class SourceInstances:
    """Keeps a mobile source's data to the proxy instance of the tunnel to its anchor.

    Listeners at the same MAR that belong to another instance get it by their own upstream: the
    detour of section IV.A. For them the source's data is taken past multicast routing, which then
    knows the channel by that upstream. Listeners of the source's own instance get it here.
    """

    def __init__(self, daemon: Daemon, multicast: MulticastPart, link: str) -> None:
        self._daemon = daemon
        self._multicast = multicast
        self._link = link
        self._guests: dict[IPv6Network, str] = {}
        self._apart: dict[IPv6Network, SourceRedirect] = {}
        self._numbers = itertools.count(1)
        multicast.on_change = lambda: daemon.soon(self._follow_all)

    def guest(self, prefix: IPv6Network, tunnel: str | None) -> None:
        """Sources of a prefix are here that the other end of ``tunnel`` anchors; None: not so."""
        self._join(prefix)
        self._guests.pop(prefix, None)
        self._multicast.guest(prefix, tunnel)
        if tunnel:
            self._guests[prefix] = tunnel
            self._follow(prefix)

    def _follow_all(self) -> None:
        for prefix in list(self._guests):
            self._follow(prefix)

    def _follow(self, prefix: IPv6Network) -> None:
        """Listeners have come or gone: is the source's instance without, and another one with?"""
        asked = self._multicast.proxy.asked_of(prefix)
        apart = bool(asked) and self._guests[prefix] not in asked
        if apart and prefix not in self._apart:
            self._part(prefix)
        elif not apart and prefix in self._apart:
            self._join(prefix)
            self._multicast.guest(prefix, self._guests[prefix])

    def _part(self, prefix: IPv6Network) -> None:
        number, tunnel = next(self._numbers), self._guests[prefix]
        self._apart[prefix] = SourceRedirect(prefix, self._link, tunnel, number)
        self._multicast.guest(prefix, None)
        self._daemon.log.write("source_apart", prefix=prefix, tunnel=tunnel)

    def _join(self, prefix: IPv6Network) -> None:
        redirect = self._apart.pop(prefix, None)
        if redirect:
            redirect.close()
