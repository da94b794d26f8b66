"""An access router that has no part in bindings: a prefix of its own for each mobile node on it.

RFC 6275 section 7.5 lets a router advertise often for the sake of mobile nodes; this one does so
when the access point tells it of one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from ipaddress import IPv6Address, IPv6Network

from agents.core import SECOND, Action, Log
from agents.deadlines import Deadlines
from agents.mobility.actions import (
    InstallRoute,
    MobileNode,
    RemoveRoute,
    ServingEnded,
    ServingStarted,
)
from agents.mobility.advertising import advertisement, next_advertisement
from agents.mobility.pool import PrefixPool
from agents.wire.ndp import MapOption


@dataclass(frozen=True)
class AccessRouterConfig:
    """An access router."""

    link_local: IPv6Address
    """Its address on the access link: default router."""
    pool: IPv6Network
    """Where the prefixes of its mobile nodes come from."""
    lifetime_s: int
    """Of the prefixes, from each advertisement on."""
    home_agent: IPv6Address | None = None
    """Its own address, if it is the home agent of these prefixes."""
    maps: tuple[MapOption, ...] = ()
    """The mobility anchor points that it tells of (RFC 5380)."""


_LOOKS = 4
"""How often in a lifetime an expired prefix is looked at that is still bound."""


class _Timer(Enum):
    ADVERTISE = "advertise"
    EXPIRE = "expire"


@dataclass
class _Host:
    mobile_node: MobileNode
    prefix: IPv6Network
    attached: bool = True
    advertisements: int = 0


class AccessRouterCore:
    """The prefixes of the mobile nodes on one access link, and of those who left it lately.

    ``in_use`` tells whether an address of a prefix is bound elsewhere: such a prefix is kept.
    """

    def __init__(self, config: AccessRouterConfig, in_use: Callable[[IPv6Network], bool]) -> None:
        self._config = config
        self._in_use = in_use
        self._pool = PrefixPool(config.pool)
        self._hosts: dict[str, _Host] = {}
        self._waiting: dict[str, MobileNode] = {}
        """On the access link, without a prefix, in the order in which they came."""
        self._deadlines: Deadlines[tuple[str, _Timer]] = Deadlines()

    def prefixes(self) -> dict[str, IPv6Network]:
        """The prefix of each mobile node that has one."""
        return {identifier: host.prefix for identifier, host in self._hosts.items()}

    def attach(self, mobile_node: MobileNode, now: int) -> list[Action]:
        """A mobile node came up on the access link."""
        identifier = mobile_node.identifier
        actions: list[Action] = [Log("attached", {"mn": identifier})]
        host = self._hosts.get(identifier)
        if host is None:
            prefix = self._pool.assign(identifier)
            if prefix is None:
                self._waiting[identifier] = mobile_node
                return [*actions, Log("no_prefix", {"mn": identifier})]
            host = self._hosts[identifier] = _Host(mobile_node, prefix)
            actions.append(InstallRoute(prefix, None))
        host.attached, host.advertisements = True, 0
        self._deadlines.cancel((identifier, _Timer.EXPIRE))
        actions.append(Log("prefix_assigned", {"mn": identifier, "prefix": host.prefix}))
        actions += self._advertise(host, now)
        return [*actions, ServingStarted(mobile_node, None)]

    def going_down(self, identifier: str, to: IPv6Address, now: int) -> list[Action]:
        """A mobile node is about to be handed over; its business."""
        return []

    def detach(self, identifier: str, now: int) -> list[Action]:
        """A mobile node left; it may go on using its prefix for the lifetime."""
        self._waiting.pop(identifier, None)
        host = self._hosts.get(identifier)
        if host is None or not host.attached:
            return []
        host.attached = False
        self._deadlines.cancel((identifier, _Timer.ADVERTISE))
        expire = now + self._config.lifetime_s * SECOND
        self._deadlines.set((identifier, _Timer.EXPIRE), expire)
        return [Log("detached", {"mn": identifier}), ServingEnded(host.mobile_node)]

    def solicit(self, identifier: str, now: int) -> list[Action]:
        """A mobile node sent a Router Solicitation."""
        host = self._hosts.get(identifier)
        return self._advertise(host, now) if host is not None and host.attached else []

    def timer(self, now: int) -> list[Action]:
        """Act on every deadline that is not later than ``now``."""
        actions: list[Action] = []
        for identifier, timer in self._deadlines.due(now):
            host = self._hosts[identifier]
            if timer is _Timer.ADVERTISE:
                actions += self._advertise(host, now)
            elif self._in_use(host.prefix):
                again = now + self._config.lifetime_s * SECOND // _LOOKS
                self._deadlines.set((identifier, timer), again)
            else:
                del self._hosts[identifier]
                self._pool.release(host.prefix)
                actions.append(RemoveRoute(host.prefix))
                if self._waiting:
                    actions += self.attach(self._waiting.pop(next(iter(self._waiting))), now)
        return actions

    def next_deadline(self) -> int | None:
        """When ``timer`` is due next."""
        return self._deadlines.next()

    def _advertise(self, host: _Host, now: int) -> list[Action]:
        host.advertisements += 1
        lifetime = self._config.lifetime_s
        later = now + next_advertisement(host.advertisements, lifetime)
        self._deadlines.set((host.mobile_node.identifier, _Timer.ADVERTISE), later)
        message = advertisement(host.mobile_node, self._config.link_local, host.prefix, lifetime)
        return [replace(message, home_agent=self._config.home_agent, maps=self._config.maps)]
