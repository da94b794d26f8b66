"""What a MAG knows about one mobile node: its binding update list entry (RFC 5213 section 6.1)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv6Address, IPv6Network

from agents.mobility import forwarding
from agents.mobility.actions import MobileNode
from agents.mobility.forwarding import Forwarding
from agents.mobility.retransmission import PendingUpdate


class MagPhase(Enum):
    """Where a session stands; docs/pmipv6.md draws the transitions."""

    REGISTERING = "registering"
    """The mobile node is attached here; the PBA of this attachment has not come yet."""
    SERVING = "serving"
    """It is attached and bound here."""
    DEREGISTERING = "deregistering"
    """It has left: the LMA is being told."""


class MagTimer(Enum):
    """What a session may wait for."""

    RETRANSMIT = "retransmit"
    REFRESH = "refresh"
    ADVERTISE = "advertise"
    EXPIRE = "expire"
    AGAIN = "again"


@dataclass
class MagSession:
    """The state of one mobile node at one MAG."""

    mobile_node: MobileNode
    phase: MagPhase = MagPhase.REGISTERING
    timestamp: int = 0
    """Of the latest attachment here, in ns since 1970."""
    sequence: int = 0
    """Of the latest PBU sent."""
    prefix: IPv6Network | None = None
    """The home network prefix, as long as there is a binding."""
    lifetime: int = 0
    """Seconds granted."""
    pending: PendingUpdate | None = None
    announced: bool = False
    """Whether ServingStarted was said, and ServingEnded not yet."""
    advertisements: int = 0
    """Router Advertisements sent since the attachment."""
    installed: Forwarding = forwarding.NOTHING
    """The forwarding state that was carried out."""

    @property
    def identifier(self) -> str:
        """The mobile node's identifier."""
        return self.mobile_node.identifier

    @property
    def is_attached(self) -> bool:
        """Whether the mobile node is on this MAG's access link."""
        return self.phase is not MagPhase.DEREGISTERING

    def forwarding(self, lma: IPv6Address) -> Forwarding:
        """The forwarding state that belongs to this state.

        What comes for a mobile node that has left still ends on the access link, until the LMA
        has stopped sending: a packet is not to go back to it, and to come again.
        """
        return forwarding.NOTHING if self.prefix is None else forwarding.visited(self.prefix, lma)


@dataclass(frozen=True)
class MagBinding:
    """What a MAG shows of a session."""

    prefix: IPv6Network | None
    phase: MagPhase
