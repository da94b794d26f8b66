"""What a MAG knows about one mobile node: its binding update list entry (RFC 5213 section 6.1)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv6Address, IPv6Network

from agents.mobility import forwarding_state
from agents.mobility.actions import MobileNode
from agents.mobility.forwarding_state import ForwardingState
from agents.mobility.retransmission import PendingUpdate
from agents.transitions import StateMachine, Transition, ways
from agents.wire.mobility_options import Handoff


class MagPhase(Enum):
    """Where a session stands; `LIFE` has the ways between."""

    REGISTERING = "registering"
    """The mobile node is attached here; the PBA of this attachment has not come yet."""
    SERVING = "serving"
    """It is attached and bound here."""
    DEREGISTERING = "deregistering"
    """It has left: the LMA is being told."""
    EXPECTED = "expected"
    """It is at another MAG, which has announced that it will come here (RFC 5949)."""
    FORWARDING = "forwarding"
    """It has left, and the LMA is not told yet: what comes for it is kept, or forwarded."""


LIFE: StateMachine[MagPhase] = StateMachine(
    (
        Transition(None, MagPhase.REGISTERING, "attach"),
        Transition(MagPhase.REGISTERING, MagPhase.SERVING, "PBA"),
        Transition(MagPhase.SERVING, MagPhase.REGISTERING, "attach, expired, PBA 130 155 157 159"),
        *ways(
            (MagPhase.DEREGISTERING, MagPhase.EXPECTED, MagPhase.FORWARDING),
            MagPhase.REGISTERING,
            "attach",
        ),
        *ways((MagPhase.REGISTERING, MagPhase.SERVING), MagPhase.DEREGISTERING, "detach"),
        *ways((MagPhase.REGISTERING, MagPhase.SERVING), None, "PBA, refused for good"),
        Transition(MagPhase.DEREGISTERING, None, "PBA, expired"),
        *ways((MagPhase.REGISTERING, MagPhase.SERVING), MagPhase.FORWARDING, "detach, RFC 5949"),
        Transition(MagPhase.FORWARDING, MagPhase.DEREGISTERING, "forwarding ends"),
        Transition(MagPhase.FORWARDING, None, "expired"),
        Transition(None, MagPhase.EXPECTED, "HI of the previous MAG"),
        *ways(
            (MagPhase.DEREGISTERING, MagPhase.FORWARDING),
            MagPhase.EXPECTED,
            "HI of the previous MAG",
        ),
        Transition(MagPhase.EXPECTED, None, "it does not come"),
    )
)
"""The life of a session."""


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
    previous: IPv6Address | None = None
    """The MAG that has said what its prefix is, until it is bound here (RFC 5949)."""
    next: IPv6Address | None = None
    """The MAG where it will be, or is."""
    forwards: bool = False
    """Whether what comes for it is forwarded there."""
    installed: ForwardingState = forwarding_state.NOTHING
    """The forwarding state that was carried out."""

    def enter(self, phase: MagPhase) -> None:
        """Go on to a phase that there is a way to."""
        self.phase = LIFE.follow(self.phase, phase)

    @property
    def identifier(self) -> str:
        """The mobile node's identifier."""
        return self.mobile_node.identifier

    @property
    def is_attached(self) -> bool:
        """Whether the mobile node is on this MAG's access link."""
        return self.phase in (MagPhase.REGISTERING, MagPhase.SERVING)

    @property
    def is_shown(self) -> bool:
        """Whether the mobile node is told its prefix: it is bound, or another MAG has said it."""
        known = self.phase is MagPhase.REGISTERING and self.previous is not None
        return known or self.phase is MagPhase.SERVING

    @property
    def handoff(self) -> Handoff:
        """Why a PBU is sent (RFC 5213 section 8.4, RFC 5949 appendix A.1)."""
        if self.phase is MagPhase.SERVING:
            return Handoff.NOT_CHANGED
        return Handoff.UNKNOWN if self.previous is None else Handoff.BETWEEN_ROUTERS

    def forwarding(self, lma: IPv6Address) -> ForwardingState:
        """The forwarding state that belongs to this state.

        What comes for a mobile node that has left still ends on the access link, until the LMA
        has stopped sending: a packet is not to go back to it, and to come again.
        """
        if self.prefix is None:
            return forwarding_state.NOTHING
        anchor = self.previous or lma
        if self.next is not None and self.forwards:
            return forwarding_state.handed_over(self.prefix, self.next, anchor)
        if self.phase in (MagPhase.EXPECTED, MagPhase.FORWARDING):
            return forwarding_state.waiting(self.prefix, self.mobile_node, anchor, self.next)
        return forwarding_state.visited(self.prefix, anchor)


@dataclass(frozen=True)
class MagBinding:
    """What a MAG shows of a session."""

    prefix: IPv6Network | None
    phase: MagPhase
