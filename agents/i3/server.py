"""One i3 server: it keeps triggers, and forwards packets along them (section 2)."""

from __future__ import annotations

from collections import Counter
from typing import Any

from agents.core import SECOND, Action
from agents.i3.actions import SendDatagram
from agents.i3.config import ServerConfig
from agents.i3.identifiers import may_chain
from agents.i3.ring import ServerDirectory
from agents.i3.tokens import Tokens
from agents.i3.triggers import TriggerTable
from agents.wire.i3 import (
    ENDPOINT_LENGTH,
    NO_TOKEN,
    Accepted,
    Challenge,
    Endpoint,
    Identifier,
    Insert,
    Message,
    Packet,
    Reason,
    Refused,
    Remove,
    Target,
    is_endpoint,
)


class Server:
    """The protocol machine. ``refused`` counts, by reason, what was not done.

    ``arrived`` counts packets for this server's own identifiers, ``passed_on`` those that came for
    another's: hops that none would need who knows where to send.

    A trigger to an endpoint counts once that endpoint has answered a challenge, so that nobody can
    have packets sent to another. A trigger to an identifier counts if it cannot be part of a loop
    (``may_chain``) and if whoever asks has answered a challenge, so that the bound on what one may
    have holds.
    """

    def __init__(
        self, endpoint: Endpoint, directory: ServerDirectory, secret: bytes, config: ServerConfig
    ) -> None:
        self._endpoint = endpoint
        self._directory = directory
        self._tokens = Tokens(secret)
        self._config = config
        self.triggers = TriggerTable(config)
        self.refused: Counter[str] = Counter()
        self.arrived = 0
        self.passed_on = 0

    def receive(self, message: Message, source: Endpoint, now: int) -> list[Action]:
        """A datagram came from an endpoint, which may be anybody's."""
        if isinstance(message, Packet):
            return self._packet(message)
        if isinstance(message, Insert | Remove):
            return self._request(message, source, now)
        self.refused["not for a server"] += 1
        return []

    def timer(self, now: int) -> list[Action]:
        """Drop triggers that nobody has refreshed."""
        self.triggers.expire(now)
        return []

    def next_deadline(self) -> int | None:
        """When ``timer`` is due next."""
        return self.triggers.next_expiry()

    def _packet(self, packet: Packet) -> list[Action]:
        hop = self._directory.next_hop(packet.identifier)
        actions: list[Action] = []
        if hop == self._endpoint:
            self.arrived += 1
            self._follow(packet, actions)
        else:
            self.passed_on += 1
            self._send_on(packet.identifier, packet.data, packet.hops, hop, actions)
        return actions

    def _follow(self, packet: Packet, actions: list[Action]) -> None:
        """Send a packet along the triggers of its identifier, which is one of this server's."""
        # Of no type, as to say which it is, Endpoint() or Identifier(), would be a call each.
        targets: tuple[Any, ...] = self.triggers.match(packet.identifier)
        if not targets:
            self.refused["no trigger"] += 1
        for target in targets:
            if len(target) == ENDPOINT_LENGTH:  # is_endpoint, in the one place where it counts
                actions.append(SendDatagram(packet, target))
            elif packet.hops <= 1:
                self.refused["hop limit"] += 1
            else:
                hops, server = packet.hops - 1, self._directory.server_of(target)
                if server == self._endpoint:
                    self._follow(Packet(target, packet.data, hops), actions)
                else:
                    self._send_on(target, packet.data, hops, server, actions)

    def _send_on(
        self,
        identifier: Identifier,
        data: bytes,
        hops: int,
        server: Endpoint,
        actions: list[Action],
    ) -> None:
        if hops <= 1:
            self.refused["hop limit"] += 1
        else:
            actions.append(SendDatagram(Packet(identifier, data, hops - 1), server))

    def _request(self, request: Insert | Remove, source: Endpoint, now: int) -> list[Action]:
        """Insert, refresh or remove a trigger, if whom it is about has proved to receive."""
        identifier, target = request.identifier, request.target
        if self._directory.next_hop(identifier) != self._endpoint:
            return self._refuse(request, Reason.ELSEWHERE, source)
        proven = Endpoint(target) if is_endpoint(target) else source
        token = request.token
        if token == NO_TOKEN or not self._tokens.is_good(token, proven, now):
            if token != NO_TOKEN:
                self.refused["not proven"] += 1
            token = self._tokens.token(proven, now)
            return [SendDatagram(Challenge(identifier, target, token), proven)]
        if isinstance(request, Remove):
            if not self.triggers.remove(identifier, target, proven):
                self.refused["not the owner"] += 1
            return []
        reason = self._insert(identifier, target, proven, now)
        if reason is not None:
            return self._refuse(request, reason, source)
        lifetime = self._config.lifetime // SECOND
        return [SendDatagram(Accepted(identifier, target, lifetime), source)]

    def _refuse(self, request: Insert | Remove, reason: Reason, source: Endpoint) -> list[Action]:
        self.refused[reason.name.lower().replace("_", " ")] += 1
        return [SendDatagram(Refused(request.identifier, request.target, reason), source)]

    def _insert(
        self, identifier: Identifier, target: Target, owner: Endpoint, now: int
    ) -> Reason | None:
        if not is_endpoint(target) and not may_chain(identifier, Identifier(target)):
            return Reason.UNCONSTRAINED
        return self.triggers.insert(identifier, target, owner, now)
