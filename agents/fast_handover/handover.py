"""Predictive fast handovers between access routers, both ends of them.

The *previous* router is told that a node will go, and where. It sends the *next* one a Handover
Initiate (HI) with what the node listens to, again and again until it is acknowledged (HAck). The
next router prepares until the node is there. An announcement that nothing follows ends by itself.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv6Address

from agents.core import MILLISECOND, Action, Log
from agents.deadlines import Deadlines
from agents.fast_handover.actions import (
    Arrived,
    Expect,
    HoldTunnel,
    Leaving,
    NotExpected,
    ReleaseTunnel,
    SendHandover,
    Staying,
)
from agents.wire.errors import MalformedPacket
from agents.wire.fast_handover import (
    AcknowledgeFlag,
    Code,
    HandoverAcknowledge,
    HandoverInitiate,
    InitiateCode,
    InitiateFlag,
    Message,
)
from agents.wire.mld import AddressRecord
from agents.wire.mobility_options import (
    MobileNodeIdentifier,
    MobileNodeLinkLayerIdentifier,
    MobilityOption,
    MulticastAcknowledgement,
    MulticastMobility,
    MulticastStatus,
)

RETRANSMISSION = 100 * MILLISECOND
"""After which an HI is sent again, then after twice that, and so on; ns."""

_SEQUENCES = 1 << 16
_LINK_LAYER_ADDRESS_LENGTH = 6


@dataclass
class Counters:
    """Messages that were not acted upon."""

    unauthentic: int = 0
    malformed: int = 0
    ignored: int = 0


class _Timer(Enum):
    RETRANSMIT = "retransmit"
    LEAVING = "leaving"
    EXPECTED = "expected"


@dataclass
class _Departure:
    """A node that was announced to leave."""

    peer: IPv6Address
    message: HandoverInitiate
    timeout: int = RETRANSMISSION


@dataclass
class _Expectation:
    """A node that was announced to come."""

    previous: IPv6Address
    sequence: int
    arrived: bool = False


@dataclass(frozen=True)
class FastHandoverConfig:
    """``peers`` are the routers whose word counts, ``lifetime`` (ns) is how long it holds."""

    peers: Collection[IPv6Address]
    lifetime: int
    buffers: bool
    """Whether the next router is asked to buffer (flag U)."""


class FastHandover:
    """One router's protocol machine."""

    def __init__(self, config: FastHandoverConfig) -> None:
        self.counters = Counters()
        self._config = config
        self._departures: dict[str, _Departure] = {}
        self._expectations: dict[str, _Expectation] = {}
        self._sequence = 0
        self._deadlines: Deadlines[tuple[str, _Timer]] = Deadlines()

    # As previous router

    def announce(
        self,
        identifier: str,
        link_layer_address: bytes,
        to: IPv6Address,
        records: tuple[AddressRecord, ...],
        now: int,
    ) -> list[Action]:
        """A node that is here, and listens to these, is going to another router."""
        before = self.ended(identifier, now)
        if not records:
            return before
        self._sequence = (self._sequence + 1) % _SEQUENCES
        flags = InitiateFlag.P | InitiateFlag.U if self._config.buffers else InitiateFlag.P
        context = MulticastMobility.of(records)
        options: tuple[MobilityOption, ...] = (
            MobileNodeIdentifier(identifier),
            MobileNodeLinkLayerIdentifier(link_layer_address),
            context,
        )
        whole = context.records() == records
        code = InitiateCode.ALL_CONTEXT_TRANSFERRED if whole else InitiateCode.DEFAULT
        departure = _Departure(to, HandoverInitiate(self._sequence, flags, code, options))
        self._departures[identifier] = departure
        self._deadlines.set((identifier, _Timer.LEAVING), now + self._config.lifetime)
        actions = [*before, HoldTunnel(to, identifier), Leaving(identifier, to)]
        return actions + self._initiate(identifier, departure, now)

    def ended(self, identifier: str, now: int) -> list[Action]:
        """The node is somewhere else for certain, or back here: what was announced is over."""
        departure = self._departures.pop(identifier, None)
        if departure is None:
            return []
        for timer in (_Timer.RETRANSMIT, _Timer.LEAVING):
            self._deadlines.cancel((identifier, timer))
        return [Staying(identifier, departure.peer), ReleaseTunnel(departure.peer, identifier)]

    # As next router

    def arrived(self, identifier: str, now: int) -> list[Action]:
        """A node is on the access link."""
        actions = self.ended(identifier, now)
        expectation = self._expectations.get(identifier)
        if expectation is None or expectation.arrived:
            return actions
        expectation.arrived = True
        return [*actions, Arrived(identifier), Log("arrived", {"mn": identifier})]

    # As either

    def receive(self, message: Message, source: IPv6Address, now: int) -> list[Action]:
        """A message of another router."""
        if source not in self._config.peers:
            self.counters.unauthentic += 1
            return []
        if isinstance(message, HandoverInitiate):
            return self._initiated(message, source, now)
        return self._acknowledged(message, source, now)

    def timer(self, now: int) -> list[Action]:
        """Act on every deadline that is not later than ``now``."""
        actions: list[Action] = []
        for identifier, timer in self._deadlines.due(now):
            if timer is _Timer.RETRANSMIT:
                actions += self._initiate(identifier, self._departures[identifier], now)
            elif timer is _Timer.LEAVING:
                actions += self.ended(identifier, now)
            else:
                actions += self._forget(identifier)
        return actions

    def next_deadline(self) -> int | None:
        """When ``timer`` is due next."""
        return self._deadlines.next()

    def _initiate(self, identifier: str, departure: _Departure, now: int) -> list[Action]:
        self._deadlines.set((identifier, _Timer.RETRANSMIT), now + departure.timeout)
        departure.timeout *= 2
        return _send(departure.message, identifier, departure.peer)

    def _initiated(self, message: HandoverInitiate, source: IPv6Address, now: int) -> list[Action]:
        identifier = message.option(MobileNodeIdentifier)
        link_layer = message.option(MobileNodeLinkLayerIdentifier)
        context = message.option(MulticastMobility)
        if not (identifier and link_layer and context and message.flags & InitiateFlag.P):
            self.counters.malformed += 1
            return []
        try:
            records = context.records()
        except MalformedPacket:
            self.counters.malformed += 1
            return []
        if len(link_layer.address) != _LINK_LAYER_ADDRESS_LENGTH:
            self.counters.malformed += 1
            return []
        name = identifier.identifier
        if not context.is_of_mld:
            return self._answer(message, identifier, source, MulticastStatus.TYPE_UNSUPPORTED)
        known = self._expectations.get(name)
        actions: list[Action] = []
        if known is None or (known.previous, known.sequence) != (source, message.sequence):
            actions += self._forget(name)
            self._expectations[name] = _Expectation(source, message.sequence)
            self._deadlines.set((name, _Timer.EXPECTED), now + self._config.lifetime)
            fields = {"mn": name, "groups": [str(record.group) for record in records]}
            actions += [HoldTunnel(source, name), Log("expected", fields)]
            actions.append(Expect(name, link_layer.address, source, records))
        return actions + self._answer(message, identifier, source, MulticastStatus.TAKEN)

    def _answer(
        self,
        message: HandoverInitiate,
        identifier: MobileNodeIdentifier,
        source: IPv6Address,
        status: MulticastStatus,
    ) -> list[Action]:
        """Acknowledge an HI: that it has come, and what became of the context in it."""
        taken = status is MulticastStatus.TAKEN
        buffers = taken and bool(message.flags & InitiateFlag.U) and self._config.buffers
        flags = AcknowledgeFlag.P | AcknowledgeFlag.U if buffers else AcknowledgeFlag.P
        code = Code.CONTEXT_ACCEPTED if taken else Code.ACCEPTED
        options = (identifier, MulticastAcknowledgement.of(status))
        answer = HandoverAcknowledge(message.sequence, flags, code, options)
        return _send(answer, identifier.identifier, source)

    def _acknowledged(
        self, message: HandoverAcknowledge, source: IPv6Address, now: int
    ) -> list[Action]:
        identifier = message.option(MobileNodeIdentifier)
        departure = self._departures.get(identifier.identifier) if identifier else None
        if (
            identifier is None
            or departure is None
            or (departure.peer, departure.message.sequence) != (source, message.sequence)
        ):
            self.counters.ignored += 1
            return []
        name = identifier.identifier
        self._deadlines.cancel((name, _Timer.RETRANSMIT))
        context = message.option(MulticastAcknowledgement)
        refused = context is not None and context.code == MulticastStatus.TYPE_UNSUPPORTED
        return self.ended(name, now) if refused or not message.accepted else []

    def _forget(self, identifier: str) -> list[Action]:
        """A node did not come in time, or all that its coming needed is done."""
        expectation = self._expectations.pop(identifier, None)
        if expectation is None:
            return []
        self._deadlines.cancel((identifier, _Timer.EXPECTED))
        actions: list[Action] = [] if expectation.arrived else [NotExpected(identifier)]
        return [*actions, ReleaseTunnel(expectation.previous, identifier)]


def _send(message: Message, identifier: str, destination: IPv6Address) -> list[Action]:
    kind = "HI" if isinstance(message, HandoverInitiate) else "HAck"
    fields = {"message": kind, "mn": identifier, "sequence": message.sequence}
    return [
        SendHandover(message, destination),
        Log("sent", {**fields, "destination": str(destination)}),
    ]
