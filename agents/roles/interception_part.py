"""Connections from the prefixes that a router anchors come to the cache beside it."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network
from typing import Any

from agents.kernel.interception import Interception
from agents.roles.forwarding_part import ForwardingPart


class InterceptionPart:
    """Those of the router's own pool, from when they are routed until they are not any more.

    ``config`` has the ``server`` whose clients are meant, and the ``port`` of the cache.
    """

    def __init__(
        self, forwarding: ForwardingPart, pool: IPv6Network, config: dict[str, Any]
    ) -> None:
        self._pool = pool
        self._interception = Interception(IPv6Address(config["server"]), config["port"])
        forwarding.on_routed.add(self._routed)

    def _routed(self, prefix: IPv6Network, is_routed: bool) -> None:
        if prefix.subnet_of(self._pool):
            (self._interception.add if is_routed else self._interception.remove)(prefix)
