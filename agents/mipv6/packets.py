"""A Mobility Header message, and the addresses that its packet has."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address

from agents.wire.mobility import Message


@dataclass(frozen=True)
class Packet:
    """A message from or to a mobile node (RFC 6275 sections 6.3, 6.4 and 9.3)."""

    message: Message
    source: IPv6Address
    destination: IPv6Address
    home_address: IPv6Address | None = None
    """Of the Home Address option."""
    routed_to: IPv6Address | None = None
    """The home address in the type 2 routing header."""

    @property
    def sender(self) -> IPv6Address:
        """Whom it is from: a mobile node by its home address."""
        return self.home_address or self.source

    @property
    def receiver(self) -> IPv6Address:
        """Whom it is to: a mobile node by its home address."""
        return self.routed_to or self.destination
