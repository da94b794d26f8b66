"""Makes the parts that a proxy plays on a new link (RFC 4605 section 4)."""

from __future__ import annotations

from ipaddress import IPv6Address
from random import Random

from agents.multicast.config import ProxyConfig
from agents.multicast.host import HostPart
from agents.multicast.links import Links, RouterPart
from agents.multicast.listeners import Listeners
from agents.multicast.querier import Querier


class LinkParts:
    """They tell ``links`` when something is due; groups that change are added to ``changed``."""

    def __init__(
        self, config: ProxyConfig, random: Random, links: Links, changed: set[IPv6Address]
    ) -> None:
        self._config = config
        self._random = random
        self._links = links
        self._changed = changed

    def host(self) -> HostPart:
        """For an upstream."""
        return HostPart(self._config, self._random, self._links.reports_due)

    def router(
        self,
        link_local: IPv6Address,
        now: int,
        *,
        is_tunnel: bool,
        shared: bool,
        announced: bool,
    ) -> RouterPart:
        """For a downstream. A tunnel has one listener, another router, which may want a lot."""
        config = self._config
        elects = shared and not is_tunnel
        many = config.maximum_listeners
        listeners = Listeners(
            config,
            self._changed,
            self._links.expiries,
            maximum_groups=many if is_tunnel else config.maximum_groups,
            maximum_sources=many if is_tunnel else config.maximum_sources,
            reserved=config.reserved_groups if announced else 0,
        )
        return RouterPart(
            Querier(config, link_local, now, self._links.queries_due, elects=elects), listeners
        )
