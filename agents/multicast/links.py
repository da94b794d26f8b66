"""The links of a proxy, and which part of MLD it plays on each (RFC 4605 section 4)."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address

from agents.multicast.host import HostPart
from agents.multicast.listeners import Listeners
from agents.multicast.querier import Querier


@dataclass
class RouterPart:
    """The router portion of MLD, on a downstream link."""

    querier: Querier
    listeners: Listeners


@dataclass
class Link:
    """An interface: an upstream has a host part, a downstream a router part, a tunnel both."""

    name: str
    link_local: IPv6Address
    host: HostPart | None
    router: RouterPart | None

    @property
    def is_tunnel(self) -> bool:
        """Whether the router at the other end is as well our upstream as our listener."""
        return self.host is not None and self.router is not None


class Links:
    """All links, in the order in which they were added."""

    def __init__(self) -> None:
        self._links: dict[str, Link] = {}

    def add(self, link: Link) -> None:
        """Add a link; its name must be new."""
        if link.name in self._links:
            raise ValueError(f"link {link.name} exists already")
        self._links[link.name] = link

    def remove(self, name: str) -> Link:
        """Take a link out."""
        return self._links.pop(name)

    def get(self, name: str) -> Link | None:
        """The link of this name, if there is one."""
        return self._links.get(name)

    @property
    def native(self) -> str | None:
        """The default upstream, towards the multicast infrastructure."""
        return next((name for name, _ in self.upstreams() if not self._links[name].is_tunnel), None)

    @property
    def tunnels(self) -> dict[str, Link]:
        """The links that are upstream and downstream at once."""
        return {name: link for name, link in self._links.items() if link.is_tunnel}

    def upstreams(self) -> list[tuple[str, HostPart]]:
        """Name and host part of each upstream, native ones before tunnels."""
        links = sorted(self._links.values(), key=lambda link: link.is_tunnel)
        return [(link.name, link.host) for link in links if link.host is not None]

    def downstreams(self) -> list[tuple[str, RouterPart]]:
        """Name and router part of each downstream."""
        return [(x.name, x.router) for x in self._links.values() if x.router is not None]
