"""Who may change a binding: the place of what authorizes Binding Updates.

RFC 6275 section 5.1 has IPsec between a mobile node and its home agent; a core without any of this
stands for that. ``authorizer`` and ``verifier`` are what the HDMM paper proposes instead.
"""

from __future__ import annotations

from ipaddress import IPv6Address
from typing import Protocol

from agents.wire.mobility import BindingAcknowledgement, BindingUpdate, Status
from agents.wire.routability_tests import Test, TestInit


class Authorization(Protocol):
    """A mobile node's means to show that it may send a Binding Update to an anchor.

    At home ``care_of`` is ``home``.
    """

    def tests(
        self,
        home: IPv6Address,
        care_of: IPv6Address,
        anchor: IPv6Address,
        now: int,
        *,
        deregistration: bool = False,
    ) -> list[tuple[TestInit, IPv6Address]]:
        """What the anchor has to be asked before an update can be sent: messages and sources."""

    def is_tested(
        self,
        home: IPv6Address,
        care_of: IPv6Address,
        anchor: IPv6Address,
        now: int,
        *,
        deregistration: bool = False,
    ) -> bool:
        """Whether an update can be sent: ``tests`` would ask nothing."""

    def receive(
        self, message: Test, source: IPv6Address, destination: IPv6Address, now: int
    ) -> bool:
        """An answer came; whether it is to a question of ours."""

    def authorize(
        self,
        update: BindingUpdate,
        home: IPv6Address,
        care_of: IPv6Address,
        anchor: IPv6Address,
        now: int,
    ) -> BindingUpdate:
        """The update with what shows it, about to be sent; there are no tests to be done."""

    def accept(
        self,
        answer: BindingAcknowledgement,
        home: IPv6Address,
        care_of: IPv6Address,
        anchor: IPv6Address,
    ) -> bool:
        """Whether an acknowledgement is authentic."""


class Verification(Protocol):
    """A home agent's or correspondent's means to check Binding Updates."""

    def answer(self, message: TestInit, source: IPv6Address, now: int) -> Test:
        """The answer to a test."""

    def verify(
        self, update: BindingUpdate, home: IPv6Address, care_of: IPv6Address, now: int
    ) -> Status | None:
        """Accepted, or the status to refuse with; None: drop it without a word."""

    def acknowledge(
        self,
        answer: BindingAcknowledgement,
        update: BindingUpdate,
        home: IPv6Address,
        care_of: IPv6Address,
        now: int,
    ) -> BindingAcknowledgement:
        """The answer to an update that is verified, with what belongs to it, about to be sent."""
