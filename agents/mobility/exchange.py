"""How a MAR makes its mobile nodes' bindings known, and is told of those of others.

With a CMD that is an exchange with it alone; without one, among the MARs. The sessions, and what
follows from a binding, are the same.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv6Address, IPv6Network
from typing import Protocol

from agents.core import Action
from agents.mobility.anchors import Anchor
from agents.mobility.messages import Acknowledgement, AnchorUpdate
from agents.mobility.sessions import Session
from agents.wire.mobility import BindingUpdate, Message, Status

WHATEVER = IPv6Network("::/0")
"""An anchored prefix that stands for the one that the receiver anchors, if it anchors any."""


Expected = Callable[[str], tuple[Anchor, ...]]
"""Gives the anchors of a mobile node whose arrival is prepared; of any other, none."""


def expects_nobody(identifier: str) -> tuple[Anchor, ...]:
    """Where no handover is prepared."""
    return ()


class Exchange(Protocol):
    """The PBUs and PBAs of a MAR; at most one PBU a session waits for its PBAs."""

    def request(self, session: Session, lifetime: int, now: int) -> list[Action]:
        """Ask for a binding of so many seconds; 0: for its removal."""

    def repeat(self, session: Session, now: int) -> list[Action]:
        """Ask again those that did not answer in time."""

    def give_up(self, session: Session, now: int) -> list[Action]:
        """The session's idle prefixes need not be anchored any more: have them released."""

    def departed(self, session: Session, now: int) -> list[Action]:
        """The mobile node has left; whoever has to know what it took along is told."""

    def settled(self, session: Session) -> None:
        """The session has its binding."""

    def stop(self, session: Session) -> None:
        """Ask no more, and wait for nothing."""

    def is_authentic(self, message: Message, source: IPv6Address) -> bool:
        """Whether the sender has a say in that."""

    def is_answer(self, session: Session, answer: Acknowledgement, source: IPv6Address) -> bool:
        """Whether this PBA is one that the session waits for."""

    def whole(
        self, session: Session, answer: Acknowledgement, source: IPv6Address
    ) -> Acknowledgement | None:
        """All that the PBU is answered with; None while others still have to answer."""

    def waited(self, session: Session) -> Acknowledgement | None:
        """The wait for the first answers is over: what there is counts as all there is."""

    def read_update(self, message: BindingUpdate, source: IPv6Address) -> AnchorUpdate | None:
        """What a PBU says to a previous MAR; None if it is malformed."""

    def follow(self, session: Session, update: AnchorUpdate) -> list[Action]:
        """The session is about to follow its mobile node to another MAR."""

    def answer(
        self,
        message: BindingUpdate,
        update: AnchorUpdate,
        session: Session | None,
        status: Status,
        source: IPv6Address,
        now: int,
    ) -> list[Action]:
        """Acknowledge a PBU to whom it concerns."""
