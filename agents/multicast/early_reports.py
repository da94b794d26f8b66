"""Reports of hosts that nobody has announced yet: kept until the trigger comes, or not believed.

On an access link a trigger tells of every host. Its first report may overtake that; who invents
hosts has none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv6Address

from agents.multicast.config import ProxyConfig
from agents.wire.mld import Message

HOSTS, MESSAGES = 16, 4
"""How many hosts are waited for, and how many messages of each are kept."""

_Key = tuple[str, IPv6Address, "bytes | None"]
"""Link, link-local address, link-layer address."""


@dataclass
class _Early:
    until: int
    messages: list[Message] = field(default_factory=list)


class EarlyReports:
    """What was reported on links where hosts are announced, and by whom."""

    def __init__(self, config: ProxyConfig) -> None:
        self._config = config
        self._early: dict[_Key, _Early] = {}

    def keep(
        self,
        message: Message,
        host: IPv6Address,
        link: str,
        link_layer: bytes | None,
        now: int,
    ) -> bool:
        """Keep a message until its host is announced; False: there is no room for it."""
        for key in [key for key, early in self._early.items() if early.until <= now]:
            del self._early[key]
        key = (link, host, link_layer)
        if key not in self._early and len(self._early) >= HOSTS:
            return False
        early = self._early.setdefault(key, _Early(now + self._config.trigger_slack))
        if len(early.messages) >= MESSAGES:
            return False
        early.messages.append(message)
        return True

    def take(self, host: IPv6Address, link: str, link_layer: bytes, now: int) -> list[Message]:
        """A host is announced: what it has reported already."""
        early = self._early.pop((link, host, link_layer), None)
        return early.messages if early is not None and now < early.until else []
