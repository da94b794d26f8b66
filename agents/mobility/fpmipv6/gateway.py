"""A MAG with fast handovers (RFC 5949): the protocol machine around that of RFC 5213.

The *previous* MAG keeps what comes for a node that has left, or forwards it to the next one, before
the LMA knows; the *next* MAG serves a node with what the previous one has told. Predictive: the
previous MAG sends a Handover Initiate (HI) when the node is about to leave. Reactive, and where
that was not announced, or the HI got lost: the next MAG sends one when the node has come.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv6Address

from agents.core import Action
from agents.mobility.actions import MobileNode
from agents.mobility.fpmipv6.exchange import Exchange
from agents.mobility.fpmipv6.handover_mag import HandoverMag
from agents.mobility.fpmipv6.handovers import FastMagConfig, Timer
from agents.mobility.fpmipv6.next_mag import NextMag
from agents.mobility.fpmipv6.previous_mag import PreviousMag
from agents.mobility.mag_sessions import MagBinding
from agents.wire import fast_handover, mobility
from agents.wire.fast_handover import (
    AcknowledgeFlag,
    HandoverAcknowledge,
    InitiateCode,
    InitiateFlag,
)
from agents.wire.mobility_options import HomeNetworkPrefix, MobileNodeIdentifier


class FastMag:
    """One MAG's protocol machine."""

    def __init__(self, config: FastMagConfig, mag: HandoverMag) -> None:
        self.mag = mag
        self._exchange = Exchange(config)
        self.counters = self._exchange.counters
        """Of HIs and HAcks that were not acted upon."""
        self._previous = PreviousMag(config, mag, self._exchange)
        self._next = NextMag(config, mag, self._exchange, self._previous)

    # What the surroundings tell

    def going_down(self, identifier: str, to: IPv6Address, now: int) -> list[Action]:
        """A mobile node is about to be handed over to another MAG (a Link_Going_Down trigger)."""
        return self._previous.going_down(identifier, to, now)

    def detach(self, identifier: str, now: int) -> list[Action]:
        """A mobile node went off the access link: keep what comes for it, or forward it."""
        self._next.forget_question(identifier)
        return self._previous.detach(identifier, now)

    def attach(
        self, mobile_node: MobileNode, now: int, previous: IPv6Address | None = None
    ) -> list[Action]:
        """A mobile node came up on the access link, and was at another MAG before, if anywhere."""
        return self._next.attach(mobile_node, now, previous)

    def attach_from(
        self, mobile_node: MobileNode, previous: IPv6Address | None, now: int
    ) -> list[Action]:
        """A mobile node came up on the access link, and was at another MAG before, if anywhere."""
        return self.attach(mobile_node, now, previous)

    def solicit(self, identifier: str, now: int) -> list[Action]:
        """A mobile node sent a Router Solicitation."""
        return self.mag.solicit(identifier, now)

    def hold_tunnel(self, peer: IPv6Address, holder: str, now: int) -> list[Action]:
        """Another part of the router needs the tunnel to a peer."""
        return self.mag.hold_tunnel(peer, holder, now)

    def release_tunnel(self, peer: IPv6Address, holder: str, now: int) -> list[Action]:
        """Another part of the router no longer needs the tunnel to a peer."""
        return self.mag.release_tunnel(peer, holder, now)

    def receive(self, message: mobility.Message, source: IPv6Address, now: int) -> list[Action]:
        """A message of the LMA's came in."""
        return self.mag.receive(message, source, now)

    def receive_handover(
        self, message: fast_handover.Message, source: IPv6Address, now: int
    ) -> list[Action]:
        """A message of another MAG's came in."""
        if not self._exchange.is_peer(source):
            self.counters.unauthentic += 1
            return []
        identifier = message.option(MobileNodeIdentifier)
        if isinstance(message, HandoverAcknowledge):
            proxy = bool(message.flags & AcknowledgeFlag.P)
        else:
            proxy = bool(message.flags & InitiateFlag.P)
        if identifier is None or not proxy:
            self.counters.malformed += 1
            return []
        name = identifier.identifier
        if isinstance(message, HandoverAcknowledge):
            return self._acknowledged(message, name, source, now)
        if message.code == InitiateCode.FORWARDING_COMPLETED:
            return self._next.completed(message, name, source, now)
        if message.option(HomeNetworkPrefix) is not None:
            return self._next.announced(message, name, source, now)
        return self._previous.asked(message, name, source, now)

    def timer(self, now: int) -> list[Action]:
        """Act on every deadline that is not later than ``now``."""
        actions = self.mag.timer(now)
        for identifier, timer in self._exchange.deadlines.due(now):
            if timer is Timer.ANNOUNCE:
                actions += self._previous.announce(identifier, now)
            elif timer is Timer.ASK:
                # The node does not wait for a MAG that does not answer.
                actions += self._next.ask(identifier, now)
                actions += self.mag.register(identifier, now)
            elif timer is Timer.LEAVING:
                actions += self._previous.end(identifier, now)
            else:
                self._next.forget_question(identifier)
                actions += self.mag.register(identifier, now)
                actions += self._next.end(identifier, now)
        return actions

    def next_deadline(self) -> int | None:
        """When ``timer`` is due next."""
        times = (self.mag.next_deadline(), self._exchange.deadlines.next())
        return min([time for time in times if time is not None], default=None)

    # What it shows

    def bindings(self) -> dict[str, MagBinding]:
        """The mobile nodes that this MAG has sessions of."""
        return self.mag.bindings()

    def tunnels(self) -> Mapping[IPv6Address, frozenset[str]]:
        """The peers to which there is a tunnel, and who holds it."""
        return self.mag.tunnels()

    # Answers

    def _acknowledged(
        self, message: HandoverAcknowledge, identifier: str, source: IPv6Address, now: int
    ) -> list[Action]:
        if self._previous.is_answered(message, identifier, source):
            return self._previous.accepted(message, identifier)
        if self._next.is_answered(message, identifier, source):
            return self._next.told(message, identifier, now)
        self.counters.ignored += 1
        return []
