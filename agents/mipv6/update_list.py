"""An entry of a mobile node's Binding Update List (RFC 6275 section 11.1)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv6Address

from agents.transitions import StateMachine, Transition, ways
from agents.wire.mobility import BindingUpdate, BindingUpdateFlag
from agents.wire.mobility_options import AlternateCareOfAddress
from agents.wire.sequence_numbers import is_between, next_sequence


class Phase(Enum):
    """Where a home address stands."""

    HOME = "home"
    """On the link, and not bound."""
    AWAY = "away"
    """Not on the link, and not bound: there is no care-of address, or the home agent refused."""
    UPDATING = "updating"
    """A binding to the present care-of address is asked for."""
    BOUND = "bound"
    """The home agent has acknowledged it."""
    RETURNING = "returning"
    """On the link again; the home agent is being told."""
    RELEASING = "releasing"
    """Not needed any more; the home agent is being told."""


LIFE: StateMachine[Phase] = StateMachine(
    (
        Transition(None, Phase.HOME, "on its link"),
        Transition(None, Phase.AWAY, "the node's own, wherever it is"),
        *ways((Phase.HOME, Phase.RETURNING), Phase.AWAY, "off the link"),
        Transition(Phase.UPDATING, Phase.AWAY, "BA, refused, untested, out of coverage"),
        Transition(Phase.BOUND, Phase.AWAY, "BA, refused, out of coverage"),
        Transition(Phase.RELEASING, Phase.AWAY, "needed again"),
        *ways((Phase.HOME, Phase.AWAY, Phase.RETURNING), Phase.UPDATING, "care-of address"),
        Transition(Phase.BOUND, Phase.UPDATING, "other care-of address, BE, expired"),
        Transition(Phase.UPDATING, Phase.BOUND, "BA"),
        *ways((Phase.AWAY, Phase.UPDATING), Phase.HOME, "on the link, never registered"),
        Transition(Phase.RETURNING, Phase.HOME, "BA, expired"),
        *ways(
            (Phase.AWAY, Phase.UPDATING, Phase.BOUND, Phase.RELEASING),
            Phase.RETURNING,
            "on the link",
        ),
        *ways(
            (Phase.AWAY, Phase.UPDATING, Phase.BOUND, Phase.RETURNING),
            Phase.RELEASING,
            "not needed",
        ),
        *ways((Phase.HOME, Phase.RETURNING), None, "not needed"),
        *ways(
            (Phase.AWAY, Phase.UPDATING, Phase.BOUND),
            None,
            "out of coverage, not registered and not needed",
        ),
        Transition(Phase.RELEASING, None, "BA, expired"),
    )
)
"""How a home address comes from one to another."""


class Timer(Enum):
    """What a binding may wait for."""

    RETRANSMIT = "retransmit"
    REFRESH = "refresh"
    EXPIRE = "expire"
    TEST = "test"


@dataclass
class Binding:
    """A home address, its home agent, and what that knows."""

    home_address: IPv6Address
    home_agent: IPv6Address
    phase: Phase = Phase.HOME
    permanent: bool = False
    """Whether it is the node's own, wherever it is, and not of an access router's prefix."""
    care_of: IPv6Address | None = None
    """What the last Binding Update said, or is going to say."""
    registered: bool = False
    """Whether the home agent may have a binding: one was asked for, and is not known to be over."""
    sequence: int = 0
    """Of the latest Binding Update."""
    first: int | None = None
    """Of the earliest one whose acknowledgement is waited for; None: of none."""
    timeout: int = 0
    """ns from the latest Binding Update to the next."""
    granted: int = 0
    """Seconds that the latest binding was granted for."""
    refused: bool = False
    """Whether the home agent will not have it."""
    blocked: bool = False
    """Whether a Binding Update has to wait for something that its authorization needs."""

    def enter(self, phase: Phase) -> None:
        """Go on to a phase, or stay in it; `NoSuchTransition` if there is no way."""
        self.phase = LIFE.follow(self.phase, phase)

    @property
    def deregisters(self) -> bool:
        """Whether its Binding Updates ask to remove the binding."""
        return self.phase in (Phase.RETURNING, Phase.RELEASING)

    @property
    def waits(self) -> bool:
        """Whether an answer is outstanding."""
        return self.blocked or self.first is not None

    def update(
        self, care_of: IPv6Address, lifetime: int, *, regional: bool = False
    ) -> BindingUpdate:
        """One more Binding Update, with the next sequence number; to a MAP if it is ``regional``.

        That has the care-of address as its source only (RFC 5380 section 6.1).
        """
        self.sequence = next_sequence(self.sequence)
        if self.first is None:
            self.first = self.sequence
        if regional:
            flags = BindingUpdateFlag.A | BindingUpdateFlag.M
            return BindingUpdate(self.sequence, lifetime, flags)
        flags = BindingUpdateFlag.A | BindingUpdateFlag.H
        if self.home_address.packed[8:] == care_of.packed[8:]:  # that of the link-local address
            flags |= BindingUpdateFlag.L
        return BindingUpdate(self.sequence, lifetime, flags, (AlternateCareOfAddress(care_of),))

    def waits_for(self, sequence: int) -> bool:
        """Whether an acknowledgement with this number answers any transmission."""
        return self.first is not None and is_between(sequence, self.first, self.sequence)
