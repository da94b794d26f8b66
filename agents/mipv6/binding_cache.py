"""The binding cache of a home agent or a correspondent: it says where each home address is.

RFC 6275 sections 9.1 and 9.5.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import ClassVar

from agents.core import SECOND, Action, refused
from agents.deadlines import Deadlines
from agents.mipv6.actions import Bind, Send, Unbind
from agents.mipv6.authorization import Verification
from agents.mipv6.binding_table import BindingTable
from agents.mipv6.config import Counters
from agents.mipv6.packets import Packet
from agents.mipv6.return_routability import MAX_NONCE_LIFETIME
from agents.mipv6.sending import received, send
from agents.wire.addresses import is_routable_unicast
from agents.wire.mobility import (
    BindingAcknowledgement,
    BindingAcknowledgementFlag,
    BindingUpdate,
    BindingUpdateFlag,
    Status,
)
from agents.wire.mobility_options import AlternateCareOfAddress
from agents.wire.routability_tests import TestInit
from agents.wire.sequence_numbers import is_newer


@dataclass(frozen=True)
class _Claim:
    """What a Binding Update says: the home address is at the care-of address."""

    packet: Packet
    update: BindingUpdate
    home: IPv6Address
    care_of: IPv6Address

    @property
    def deregisters(self) -> bool:
        """Whether the binding is to be removed (RFC 6275 section 6.1.7)."""
        return self.update.lifetime == 0 or self.care_of == self.home


class BindingCache(ABC):
    """What home agents and correspondents do alike with Binding Updates.

    ``maximum_lifetime_s`` is the most that is granted.
    """

    def __init__(
        self,
        address: IPv6Address,
        maximum_lifetime_s: int,
        verification: Verification | None,
    ) -> None:
        self._address = address
        self._maximum_lifetime_s = maximum_lifetime_s
        self._verification = verification
        self.counters = Counters()
        self._cache = BindingTable()
        self._deadlines: Deadlines[IPv6Address] = Deadlines()

    _binds_first: ClassVar[bool] = False
    """Whether the tunnel is there before the answer says so. Else that is on its way meanwhile: a
    tunnel takes the kernel some ms."""

    @abstractmethod
    def _concerns(self, update: BindingUpdate) -> bool:
        """Whether an update is of the kind that this node keeps bindings for."""

    def _may_bind(self, home_address: IPv6Address) -> bool:
        """Whether this is the node to keep a binding of the home address."""
        return True

    def _may_be_at(self, care_of: IPv6Address) -> bool:
        """Whether a mobile node may be there."""
        return True

    def _answers(self, update: BindingUpdate) -> bool:
        """Whether an update that is accepted is acknowledged."""
        return True

    def bindings(self) -> dict[IPv6Address, IPv6Address]:
        """The care-of address of each home address that is bound."""
        return self._cache.bindings()

    def receive(self, packet: Packet, now: int) -> list[Action]:
        """A Mobility Header message came."""
        message = packet.message
        if packet.destination != self._address:  # it only passes by
            return []
        if isinstance(message, TestInit) and self._verification is not None:
            answer = self._verification.answer(message, packet.source, now)
            return [Send(Packet(answer, packet.destination, packet.source))]
        if not isinstance(message, BindingUpdate):
            self.counters.ignored += 1
            return []
        if message.flags & BindingUpdateFlag.P or not self._concerns(message):
            self.counters.ignored += 1
            return []
        alternate = message.option(AlternateCareOfAddress)
        care_of = packet.source if alternate is None else alternate.address
        if not (is_routable_unicast(packet.sender) and is_routable_unicast(care_of)):
            self.counters.malformed += 1
            return []
        claim = _Claim(packet, message, packet.sender, care_of)
        return [received(packet, claim.home), *self._update(claim, now)]

    def timer(self, now: int) -> list[Action]:
        """Act on every deadline that is not later than ``now``."""
        actions: list[Action] = []
        for home_address in self._deadlines.due(now):
            entry = self._cache.get(home_address)
            if entry is not None and entry.care_of:
                actions += self._unbind(home_address, now)
            else:
                self._cache.remove(home_address)
        return actions

    def next_deadline(self) -> int | None:
        """When ``timer`` is due next."""
        return self._deadlines.next()

    def _update(self, claim: _Claim, now: int) -> list[Action]:
        home, update = claim.home, claim.update
        status = self._verify(claim, now)
        if status is not Status.ACCEPTED:
            self.counters.unauthentic += 1
            return [] if status is None else self._answer(claim, _refusal(claim, status))
        if not self._may_bind(home):
            return self._refuse(claim, Status.NOT_HOME_SUBNET, now)
        if not (claim.deregisters or self._may_be_at(claim.care_of)):
            return self._refuse(claim, Status.ADMINISTRATIVELY_PROHIBITED, now)
        entry = self._cache.get(home)
        if entry is not None and not is_newer(update.sequence, entry.sequence):
            said = None if claim.deregisters else claim.care_of
            if update.sequence == entry.sequence and entry.care_of == said:
                return self._accept(claim, entry.lifetime, now)
            self.counters.ignored += 1
            return self._refuse(claim, Status.SEQUENCE_NUMBER_OUT_OF_WINDOW, now, entry.sequence)
        lifetime = 0 if claim.deregisters else update.lifetime
        lifetime = min(lifetime, self._maximum_lifetime_s)
        if not self._cache.has_room(home, claim.care_of):
            return self._without_room(claim, now)
        before = None if entry is None else entry.care_of
        self._cache.put(home, claim.care_of, update.sequence, lifetime)
        answer = self._accept(claim, lifetime, now)
        if lifetime == 0:  # at home it is to be answered there, and not through the tunnel
            return self._unbind(home, now, bound=before is not None) + answer
        self._deadlines.set(home, now + lifetime * SECOND)
        bind: list[Action] = [Bind(home, claim.care_of)] if before != claim.care_of else []
        return bind + answer if self._binds_first else answer + bind

    def _without_room(self, claim: _Claim, now: int) -> list[Action]:
        """Refuse one more binding (RFC 6275 section 9.5.2); there is none to be removed."""
        if claim.deregisters:
            return self._accept(claim, 0, now)
        self.counters.full += 1
        told = refused(claim.care_of, claim.home, "there is no room for one more binding")
        return [told, *self._refuse(claim, Status.INSUFFICIENT_RESOURCES, now)]

    def _verify(self, claim: _Claim, now: int) -> Status | None:
        if self._verification is None:
            return Status.ACCEPTED
        return self._verification.verify(claim.update, claim.home, claim.care_of, now)

    def _unbind(self, home_address: IPv6Address, now: int, *, bound: bool = True) -> list[Action]:
        """The binding is over; its sequence number stays, or what was recorded could be replayed.

        That is as long as the nonces of any update so far are good (RFC 6275 section 9.5.1).
        """
        self._cache.end(home_address)
        self._deadlines.set(home_address, now + MAX_NONCE_LIFETIME)
        return [Unbind(home_address)] if bound else []

    def _accept(self, claim: _Claim, lifetime: int, now: int) -> list[Action]:
        if not self._answers(claim.update):
            return []
        answer = BindingAcknowledgement(
            Status.ACCEPTED, claim.update.sequence, lifetime, BindingAcknowledgementFlag(0)
        )
        return self._answer(claim, self._authenticated(answer, claim, now))

    def _refuse(
        self, claim: _Claim, status: Status, now: int, sequence: int | None = None
    ) -> list[Action]:
        """Refuse an update that is verified: its sender can tell that the answer is true."""
        answer = _refusal(claim, status, sequence)
        return self._answer(claim, self._authenticated(answer, claim, now))

    def _authenticated(
        self, answer: BindingAcknowledgement, claim: _Claim, now: int
    ) -> BindingAcknowledgement:
        """RFC 6275 section 9.5.4."""
        if self._verification is None:
            return answer
        return self._verification.acknowledge(answer, claim.update, claim.home, claim.care_of, now)

    def _answer(self, claim: _Claim, answer: BindingAcknowledgement) -> list[Action]:
        """To a mobile node that is away, at its care-of address (RFC 6275 section 9.5.4)."""
        packet = claim.packet
        routed_to = claim.home if packet.home_address is not None else None
        back = Packet(answer, self._address, packet.source, routed_to=routed_to)
        return send(back, claim.home)


def _refusal(claim: _Claim, status: Status, sequence: int | None = None) -> BindingAcknowledgement:
    number = claim.update.sequence if sequence is None else sequence
    return BindingAcknowledgement(status, number, 0, BindingAcknowledgementFlag(0))
