"""An access router without a part in mobility: a prefix of its own for each mobile node on it.

RFC 6275 section 7.5 lets a router advertise often for the sake of mobile nodes; this one does so
when the access point tells it of one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv6Network

from agents.core import SECOND, Action, Log
from agents.deadlines import Deadlines
from agents.mipv6.actions import Advertise, Assign, Withdraw
from agents.mipv6.config import AccessRouterConfig

_INITIAL_ADVERTISEMENTS = 3
"""MAX_INITIAL_RTR_ADVERTISEMENTS (RFC 4861 section 10)."""
_INITIAL_INTERVAL = SECOND


class _Timer(Enum):
    ADVERTISE = "advertise"
    EXPIRE = "expire"


@dataclass
class _Host:
    link_layer_address: bytes
    prefix: IPv6Network
    attached: bool = True
    advertisements: int = 0


class AccessRouterCore:
    """The prefixes of the mobile nodes on one access link, and of those who left it lately.

    ``assign`` gives a free prefix, None when there is none; ``in_use`` tells whether one of its
    addresses is bound elsewhere: such a prefix is kept.
    """

    def __init__(
        self,
        config: AccessRouterConfig,
        assign: Callable[[str], IPv6Network | None],
        in_use: Callable[[IPv6Network], bool],
    ) -> None:
        self._config = config
        self._assign = assign
        self._in_use = in_use
        self._hosts: dict[str, _Host] = {}
        self._deadlines: Deadlines[tuple[str, _Timer]] = Deadlines()

    def prefixes(self) -> dict[str, IPv6Network]:
        """The prefix of each mobile node that has one."""
        return {mn: host.prefix for mn, host in self._hosts.items()}

    def attach(self, mn: str, link_layer_address: bytes, now: int) -> list[Action]:
        """A mobile node came up on the access link."""
        actions: list[Action] = [Log("attached", {"mn": mn})]
        host = self._hosts.get(mn)
        if host is None:
            prefix = self._assign(mn)
            if prefix is None:
                return [*actions, Log("no_prefix", {"mn": mn})]
            host = self._hosts[mn] = _Host(link_layer_address, prefix)
            actions.append(Assign(prefix))
        host.attached, host.advertisements = True, 0
        self._deadlines.cancel((mn, _Timer.EXPIRE))
        actions.append(Log("prefix_assigned", {"mn": mn, "prefix": host.prefix}))
        return actions + self._advertise(mn, host, now)

    def detach(self, mn: str, now: int) -> list[Action]:
        """A mobile node left; it may go on using its prefix for the lifetime."""
        host = self._hosts.get(mn)
        if host is not None and host.attached:
            host.attached = False
            self._deadlines.cancel((mn, _Timer.ADVERTISE))
            self._deadlines.set((mn, _Timer.EXPIRE), now + self._config.lifetime_s * SECOND)
        return [Log("detached", {"mn": mn})]

    def solicit(self, link_layer_address: bytes, now: int) -> list[Action]:
        """A Router Solicitation came from this link-layer address."""
        for mn, host in self._hosts.items():
            if host.attached and host.link_layer_address == link_layer_address:
                return self._advertise(mn, host, now)
        return []

    def timer(self, now: int) -> list[Action]:
        """Act on every deadline that is not later than ``now``."""
        actions: list[Action] = []
        for mn, timer in self._deadlines.due(now):
            host = self._hosts[mn]
            if timer is _Timer.ADVERTISE:
                actions += self._advertise(mn, host, now)
            elif self._in_use(host.prefix):
                self._deadlines.set((mn, timer), now + self._config.lifetime_s * SECOND)
            else:
                del self._hosts[mn]
                actions.append(Withdraw(host.prefix))
        return actions

    def next_deadline(self) -> int | None:
        """When ``timer`` is due next."""
        return self._deadlines.next()

    def _advertise(self, mn: str, host: _Host, now: int) -> list[Action]:
        """One advertisement; the next in a second, as it may be lost, or thrice a lifetime."""
        host.advertisements += 1
        lifetime = self._config.lifetime_s
        later = _INITIAL_INTERVAL
        if host.advertisements >= _INITIAL_ADVERTISEMENTS:
            later = lifetime * SECOND // 3
        self._deadlines.set((mn, _Timer.ADVERTISE), now + later)
        return [Advertise(host.link_layer_address, host.prefix, lifetime)]
