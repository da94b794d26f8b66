"""What the link of an overlay's member is: a virtual one of ours, or that of an island."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface

from agents.kernel.island_interface import IslandInterface
from agents.kernel.virtual_interface import Address
from agents.multicast.island import Island, Network

_ROUTER_V6 = IPv6Address("fe80::1")
_ROUTER_MAC = b"\x02emu01"


class NoAddress(OSError):
    """An island's interface cannot be a router's: it has no address."""


@dataclass(frozen=True)
class Side:
    """How the router is known on the link. None: there is none for that protocol."""

    v4: IPv4Address | None
    v6: IPv6Address | None
    mac: bytes | None
    """None: packets there are without Ethernet."""
    island: Island | None = None

    @property
    def elects(self) -> bool:
        """Whether there may be other routers."""
        return self.mac is not None


def virtual(addresses: Sequence[Address], *, tap: bool) -> Side:
    """Our own link: the router is neither the host nor another address that it might have.

    For IPv4 it is the last host's of the first network.
    """
    v4 = next((one for one in addresses if isinstance(one, IPv4Interface)), None)
    has_v6 = any(isinstance(one, IPv6Interface) for one in addresses)
    return Side(
        None if v4 is None else v4.network.broadcast_address - 1,
        _ROUTER_V6 if has_v6 else None,
        _ROUTER_MAC if tap else None,
    )


def of_island(interface: IslandInterface, networks: Sequence[Network]) -> Side:
    """A link that is there already; its hosts have addresses of its networks, and of these."""
    v4, v6 = interface.address_v4(), interface.addresses_v6()
    own: list[Network] = [one.network for one in v6]
    own += [] if v4 is None else [v4.network]
    router_v6 = interface.link_local() if v6 or any(n.version == 6 for n in networks) else None
    if v4 is None and router_v6 is None:
        raise NoAddress("has no address, by which hosts there would know us; give it one")
    island = Island([*own, *networks])
    return Side(None if v4 is None else v4.ip, router_v6, interface.mac, island)
