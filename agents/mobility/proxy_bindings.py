"""An LMA's state of one mobile node: its binding cache entry (RFC 5213 section 5.1)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv6Address, IPv6Network

from agents.mobility import forwarding_state
from agents.mobility.forwarding_state import ForwardingState


class LmaPhase(Enum):
    """Where an entry stands; docs/pmipv6.md draws the transitions."""

    BOUND = "bound"
    """The mobile node is at the serving MAG."""
    LEAVING = "leaving"
    """It has left that MAG, and nobody has said for where; it keeps its prefix for a while."""
    REMOVED = "removed"
    """Over; only remembered, so that late messages are recognised as such."""


class LmaTimer(Enum):
    """What an entry may wait for."""

    EXPIRE = "expire"
    DELETE = "delete"
    FORGET = "forget"


@dataclass
class ProxyBinding:
    """One mobile node's binding cache entry."""

    identifier: str
    serving: IPv6Address
    """The MAG's address: Proxy-CoA."""
    timestamp: int = 0
    """Of the latest attachment known, ns since 1970."""
    sequence: int = 0
    """Of the latest PBU about that attachment."""
    phase: LmaPhase = LmaPhase.REMOVED
    prefix: IPv6Network | None = None
    """Its home network prefix, until the entry is removed."""
    lifetime: int = 0
    """Seconds granted."""
    installed: ForwardingState = forwarding_state.NOTHING
    """The forwarding state that was carried out."""

    def forwarding(self) -> ForwardingState:
        """The forwarding state that belongs to this state.

        Nothing is sent to a MAG that the mobile node has left (section 5.3.5).
        """
        if self.prefix is None or self.phase is not LmaPhase.BOUND:
            return forwarding_state.NOTHING
        return forwarding_state.anchoring(self.prefix, self.serving)


@dataclass(frozen=True)
class LmaBinding:
    """What an LMA shows of an entry."""

    prefix: IPv6Network | None
    serving: IPv6Address
    phase: LmaPhase
