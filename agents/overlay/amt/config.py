"""What an operator sets of AMT, and what bounds it. Times are in ns."""

from __future__ import annotations

from dataclasses import dataclass

from agents.core import SECOND
from agents.wire.amt import DATA_OVERHEAD

_IPV4, _IPV6, _UDP = 20, 40, 8


@dataclass(frozen=True)
class GatewayConfig:
    """Of a gateway (RFC 7450 section 5.2.2.4)."""

    initial_timeout: int = 1 * SECOND
    """Until a message without an answer is sent again; it grows (section 5.2.3.5.3)."""
    maximum_timeout: int = 120 * SECOND
    maximum_retries: int = 4
    """Of a Request, until a relay is looked for anew."""
    longest_interval: int = 30 * SECOND
    """Between Requests, whatever the relay says: a NAT's mapping has to last."""
    teardown_interval: int = 1 * SECOND
    """The longest time between two Teardowns (section 5.2.3.7.2)."""
    linux: bool = False
    """The relay is Linux's amt device: P is elsewhere, and it knows one nonce of a gateway."""


@dataclass(frozen=True)
class RelayConfig:
    """Of a relay."""

    query_interval: int = 125 * SECOND
    """Between the Requests of a gateway."""
    robustness: int = 2
    """Transmissions of what must not get lost, told to gateways."""
    secret_lifetime: int = 7200 * SECOND
    """A private secret is replaced after it (section 5.3.6)."""
    maximum_tunnels: int = 4096
    maximum_tunnels_of_address: int = 64
    """Of one address, behind which may be a NAT."""
    maximum_groups: int = 128
    """Of one tunnel."""
    maximum_sources: int = 64
    """Of one tunnel in one group."""
    maximum_memberships: int = 65536
    """Pairs of tunnel and group."""
    control_rate: int = 100
    """Control messages a second that are taken from one address, and twice as many at once."""
    unreachable: int = 5
    """Destination Unreachable in a row that do not yet end a tunnel (section 5.3.3.6.4)."""
    linux: bool = False
    """Gateways may be Linux's amt device: no L, no G, and P elsewhere. Others are served, too."""
    path_mtu: int = 1500
    """Octets of a datagram to a gateway, with its IP header (section 5.3.3.6.1)."""

    def tunnel_mtu(self, *, over_v6: bool) -> int:
        """Octets of a packet in it, with AMT, UDP and IP around it."""
        return self.path_mtu - (_IPV6 if over_v6 else _IPV4) - _UDP - DATA_OVERHEAD
