"""An island: a network with multicast of its own, joined with others by gateways.

A gateway carries packets only while it is the querier on the island's link, as MLD proxies do
(RFC 4605 section 3): so one of several does. And packets of the island's own hosts only go out,
those of others only come in, as a multicast router's reverse path check has it: so nothing goes
round, whoever takes itself for the querier.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Address, IPv6Network

from agents.wire.addresses import unmapped

Network = IPv4Network | IPv6Network


class Island:
    """What a gateway carries between its island and the overlay; ``networks`` are its hosts'."""

    def __init__(self, networks: Iterable[Network]) -> None:
        self._networks = tuple(networks)

    def leaves(self, source: IPv6Address, *, is_querier: bool) -> bool:
        """Whether a packet that was heard on the island's link goes to the overlay."""
        return is_querier and self._has(source)

    def enters(self, source: IPv6Address, *, is_querier: bool) -> bool:
        """Whether a packet that came by the overlay is sent on the island's link."""
        return is_querier and not self._has(source)

    def _has(self, source: IPv6Address) -> bool:
        address = unmapped(source)
        return any(address in network for network in self._networks)
