"""One i3 server on a Chord ring: the ring says which identifiers are this server's."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from agents.core import Action
from agents.i3.asking import Seal
from agents.i3.chord import Chord
from agents.i3.config import ServerConfig
from agents.i3.positions import position
from agents.i3.ranges import Ranges
from agents.i3.routes import Routes
from agents.i3.server import Server
from agents.wire.chord import Ask, Seek
from agents.wire.errors import MalformedPacket, Unauthentic
from agents.wire.i3 import HOP_LIMIT, Endpoint, Locate, Message, Packet, Ring

MAXIMUM_RANGES = 4096
"""Of other servers that one knows."""


class RingServer(Server):
    """The protocol machine.

    ``key`` is what all servers of the infrastructure have, ``known`` some of them, by which this
    one joins; none: it is the first. Who leaves calls ``chord.leave``, and goes on for a while.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        key: bytes,
        known: Sequence[Endpoint],
        secret: bytes,
        random: Random,
        config: ServerConfig,
    ) -> None:
        self._seal = Seal(endpoint, key)
        ranges = Ranges(MAXIMUM_RANGES)
        self.chord = Chord(endpoint, known, self._seal, ranges, random)
        self.routes = Routes(endpoint, self.chord, ranges, self._seal)
        super().__init__(endpoint, self.routes, secret, config)

    def receive(self, message: Message, source: Endpoint, now: int) -> list[Action]:
        """A datagram came from an endpoint, which may be anybody's."""
        if isinstance(message, Ring):
            return self._ring(message, source, now)
        if isinstance(message, Locate):
            return self.routes.seek(Seek(message.nonce, message.position, source, HOP_LIMIT))
        if isinstance(message, Packet):
            self.routes.passed_here(position(message.identifier), source)
        return super().receive(message, source, now)

    def timer(self, now: int) -> list[Action]:
        """Act on every deadline that is not later than ``now``."""
        return super().timer(now) + self.chord.timer(now) + self.routes.timer(now)

    def next_deadline(self) -> int | None:
        """When ``timer`` is due next."""
        parts = super().next_deadline(), self.chord.next_deadline(), self.routes.next_deadline()
        return min((when for when in parts if when is not None), default=None)

    def _ring(self, message: Ring, source: Endpoint, now: int) -> list[Action]:
        try:
            opened = self._seal.open(message, source)
        except Unauthentic:
            self.refused["unauthentic"] += 1
            return []
        except MalformedPacket:
            self.refused["malformed"] += 1
            return []
        if isinstance(opened, Seek):
            if not opened.hops:
                self.refused["hop limit"] += 1
                return []
            self.routes.passed_here(opened.position, source)
            return self.routes.seek(opened)
        if isinstance(opened, Ask):
            return self.chord.asked(opened, source, now)
        actions = self.chord.answered(opened, source, now)
        if actions is None:
            self.refused["not asked for"] += 1
            return []
        return actions
