"""What a MAR knows about one mobile node: its mobility session (RFC 5213 section 2.2)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv6Address, IPv6Network

from agents.mobility import forwarding_state
from agents.mobility.actions import MobileNode
from agents.mobility.anchors import Anchor
from agents.mobility.context import Records
from agents.mobility.forwarding_state import ForwardingState
from agents.mobility.retransmission import PendingRegistration
from agents.transitions import StateMachine, Transition, ways
from agents.wire.sequence_numbers import is_newer


class Phase(Enum):
    """Where a session stands; `LIFE` has the ways between."""

    REGISTERING = "registering"
    """The mobile node is attached here; the PBA of this attachment has not come yet."""
    SERVING = "serving"
    """The mobile node is attached here and bound here."""
    LEAVING = "leaving"
    """It was detached a moment ago, and nobody has said where it is now."""
    DEREGISTERING = "deregistering"
    """It did not come back: the CMD, or the other MARs, are being told."""
    ANCHORING = "anchoring"
    """It is at another MAR, and keeps the prefix it has from here."""
    RELEASED = "released"
    """Over; only remembered, so that late messages are recognised as such."""


LIFE: StateMachine[Phase] = StateMachine(
    (
        Transition(None, Phase.REGISTERING, "attach"),
        Transition(None, Phase.ANCHORING, "PBU of the CMD"),
        Transition(Phase.REGISTERING, Phase.SERVING, "PBA"),
        *ways(
            (Phase.SERVING, Phase.LEAVING, Phase.DEREGISTERING, Phase.ANCHORING, Phase.RELEASED),
            Phase.REGISTERING,
            "attach",
        ),
        *ways((Phase.REGISTERING, Phase.SERVING), Phase.LEAVING, "detach"),
        Transition(Phase.LEAVING, Phase.SERVING, "represented from afar"),
        Transition(Phase.LEAVING, Phase.DEREGISTERING, "detachment delay"),
        *ways(
            (
                Phase.REGISTERING,
                Phase.SERVING,
                Phase.LEAVING,
                Phase.DEREGISTERING,
                Phase.RELEASED,
            ),
            Phase.ANCHORING,
            "newer PBU of the CMD",
        ),
        *ways((Phase.REGISTERING, Phase.SERVING), Phase.RELEASED, "PBA, refused"),
        Transition(Phase.DEREGISTERING, Phase.RELEASED, "PBA"),
        *ways((Phase.LEAVING, Phase.ANCHORING), Phase.RELEASED, "newer PBU, lifetime 0"),
        Transition(Phase.RELEASED, None, "10 s"),
    )
)
"""The life of a session."""
_HERE = frozenset((Phase.REGISTERING, Phase.SERVING, Phase.LEAVING, Phase.DEREGISTERING))


class Timer(Enum):
    """What a session may wait for."""

    RETRANSMIT = "retransmit"
    WAIT = "wait"
    REFRESH = "refresh"
    ADVERTISE = "advertise"
    LEAVE = "leave"
    EXPIRE = "expire"
    FORGET = "forget"
    ASSERT = "assert"


@dataclass
class Session:
    """The state of one mobile node at one MAR."""

    mobile_node: MobileNode
    prefix: IPv6Network
    """What this MAR gave to the mobile node."""
    phase: Phase
    timestamp: int = 0
    """Of the latest attachment known, here or elsewhere, in ns since 1970."""
    sequence: int = 0
    """Of the latest PBU sent."""
    update_sequence: int | None = None
    """Of the latest PBU that came about this attachment."""
    anchors: tuple[Anchor, ...] = ()
    """While here: the previous MARs, latest left last."""
    prepared: bool = False
    """Whether the previous MARs were known when the mobile node came (IEEE 802.21)."""
    serving: IPv6Address | None = None
    """While anchoring: the MAR where the mobile node is."""
    successor: Anchor | None = None
    """While anchoring without a CMD: the same MAR, with its own prefix."""
    known: tuple[Anchor, ...] = ()
    """While anchoring without a CMD: whom to name to that MAR, itself included."""
    lifetime: int = 0
    """Seconds granted."""
    pending: PendingRegistration | None = None
    announced: bool = False
    """Whether ServingStarted was said, and ServingEnded not yet."""
    alone: bool = False
    """Whether it is served without a binding, since the CMD does not answer."""
    advertisements: int = 0
    """Router Advertisements sent since the attachment."""
    informed: bool = False
    """Whether the context that it brought is known, as far as anybody knows it."""
    idle: tuple[IPv6Network, ...] = ()
    """While here: anchored prefixes whose last flow is over, until their release is known."""
    listened: Records = ()
    """What it listened to when it left."""
    subscriptions: Records = ()
    """The same, as the context that goes with the binding."""
    installed: ForwardingState = forwarding_state.NOTHING
    """The forwarding state that was carried out."""

    def begin(self, mobile_node: MobileNode, previous: tuple[Anchor, ...]) -> None:
        """The mobile node is here, anew; ``previous`` are its anchors if that was prepared."""
        self.mobile_node = mobile_node
        self.enter(Phase.REGISTERING)
        self.alone = False
        self.update_sequence = None
        self.subscriptions = ()
        self.idle = ()
        self.prepared = bool(previous)
        if previous:
            self.anchors = previous
            self.successor = None

    def enter(self, phase: Phase) -> None:
        """Go on to a phase that there is a way to."""
        self.phase = LIFE.follow(self.phase, phase)

    @property
    def identifier(self) -> str:
        """The mobile node's identifier."""
        return self.mobile_node.identifier

    @property
    def holder(self) -> str:
        """The name under which this session holds tunnels."""
        return f"unicast:{self.identifier}"

    @property
    def is_here(self) -> bool:
        """Whether, as far as this MAR knows, its access link is where the mobile node was last."""
        return self.phase in _HERE

    @property
    def is_attached(self) -> bool:
        """Whether the mobile node is on this MAR's access link."""
        return self.phase in (Phase.REGISTERING, Phase.SERVING)

    @property
    def is_served(self) -> bool:
        """Whether it is attached here and has its own prefix, by a binding or without."""
        return self.phase is Phase.SERVING or (self.phase is Phase.REGISTERING and self.alone)

    def forwarding(self) -> ForwardingState:
        """The forwarding state that belongs to this state."""
        if self.is_here:
            return forwarding_state.serving(self.prefix, self.anchors)
        if self.serving is not None:
            return forwarding_state.anchoring(self.prefix, self.serving)
        return forwarding_state.NOTHING

    def is_outdated(self, timestamp: int, sequence: int) -> bool:
        """Whether a PBU that came tells nothing new.

        An attachment here is only overruled by a later one; updates about one attachment are
        ordered by their sequence numbers.
        """
        if timestamp != self.timestamp:
            return timestamp < self.timestamp
        return self.update_sequence is None or not is_newer(sequence, self.update_sequence)


@dataclass(frozen=True)
class MarBinding:
    """What a MAR shows of a session."""

    prefix: IPv6Network
    phase: Phase
    serving: IPv6Address | None
    anchors: tuple[Anchor, ...]
