"""The tunnels of a relay: which gateways want anything, and no more than there may be.

"The tunneling approach … conceptually transforms a unicast-only internetwork into an NBMA link
layer" (RFC 7450 section 4.2.2): each tunnel stands as a host on that link, under a number.
"""

from __future__ import annotations

from collections import Counter
from ipaddress import IPv6Address

from agents.overlay.amt.config import RelayConfig
from agents.wire.i3 import Endpoint

_ADDRESS = slice(0, 16)


class Tunnels:
    """Endpoints and the hosts that stand for them."""

    def __init__(self, config: RelayConfig) -> None:
        self._config = config
        self.hosts: dict[Endpoint, IPv6Address] = {}
        self.endpoints: dict[IPv6Address, Endpoint] = {}
        self.failures: Counter[IPv6Address] = Counter()
        """How often in a row a gateway was not reached."""
        self._of_address: Counter[bytes] = Counter()
        self._last = 0

    @property
    def are_full(self) -> bool:
        """Whether no new one is taken, which the L flag tells (section 5.3.3.8)."""
        return len(self.hosts) >= self._config.maximum_tunnels

    def open(self, endpoint: Endpoint) -> IPv6Address | None:
        """The host that stands for an endpoint, perhaps a new one; None: there may be no more."""
        host = self.hosts.get(endpoint)
        if host is not None:
            return host
        address = endpoint[_ADDRESS]
        if self.are_full or self._of_address[address] >= self._config.maximum_tunnels_of_address:
            return None
        self._last += 1
        host = IPv6Address(self._last)
        self.hosts[endpoint], self.endpoints[host] = host, endpoint
        self._of_address[address] += 1
        return host

    def close(self, host: IPv6Address) -> None:
        """A tunnel is no more."""
        endpoint = self.endpoints.pop(host)
        del self.failures[host]
        del self.hosts[endpoint]
        address = endpoint[_ADDRESS]
        self._of_address[address] -= 1
        if not self._of_address[address]:
            del self._of_address[address]
