"""A network that carries messages between nodes, as badly as it is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address
from random import Random
from typing import Generic, TypeVar

from emu.simulator.engine import Engine

Message = TypeVar("Message")
Receiver = Callable[[Message, IPv6Address], None]


@dataclass(frozen=True)
class Quality:
    """How a path treats a message; times in ns, the rest are probabilities."""

    delay: int
    jitter: int = 0
    """Added to the delay, uniformly from 0 to this."""
    loss: float = 0.0
    duplication: float = 0.0
    reordering: float = 0.0
    """Of being held back by another 0 to ``hold`` ns."""
    hold: int = 0


class Network(Generic[Message]):
    """Any node reaches any other; every path has the same quality."""

    def __init__(self, engine: Engine, random: Random, quality: Quality) -> None:
        self._quality = quality
        self.carried = 0
        """Messages handed in so far."""
        self.delivered = 0
        """Copies of them that nodes have got, or will get, so far."""
        self._engine = engine
        self._random = random
        self._receivers: dict[IPv6Address, Receiver[Message]] = {}
        self._members: dict[IPv6Address, dict[IPv6Address, Receiver[Message]]] = {}

    def change(self, quality: Quality) -> None:
        """Treat messages another way from now on."""
        self._quality = quality

    def join(self, address: IPv6Address, receiver: Receiver[Message]) -> None:
        """Make a node reachable: ``receiver(message, source)`` is called for what reaches it."""
        self._receivers[address] = receiver

    def leave(self, address: IPv6Address) -> None:
        """Make a node unreachable; what is on its way to it is lost."""
        del self._receivers[address]

    def join_group(
        self, group: IPv6Address, member: IPv6Address, receiver: Receiver[Message]
    ) -> None:
        """Have a node get what others send to a multicast group."""
        self._members.setdefault(group, {})[member] = receiver

    def leave_group(self, group: IPv6Address, member: IPv6Address) -> None:
        """Have a node get no more of what is sent to a group."""
        del self._members[group][member]

    def send(self, message: Message, source: IPv6Address, destination: IPv6Address) -> None:
        """Carry a message; to an address that nobody has, it is lost."""
        self.carried += 1
        if destination.is_multicast:
            members = self._members.get(destination, {}).items()
            receivers = [receiver for member, receiver in members if member != source]
        else:
            receivers = [self._receivers[destination]] if destination in self._receivers else []
        for receiver in receivers:
            copies = 2 if self._chance(self._quality.duplication) else 1
            for _ in range(copies):
                if not self._chance(self._quality.loss):
                    self._deliver(message, source, receiver)

    def _deliver(self, message: Message, source: IPv6Address, receiver: Receiver[Message]) -> None:
        self.delivered += 1
        delay = self._quality.delay + int(self._random.random() * self._quality.jitter)
        if self._chance(self._quality.reordering):
            delay += int(self._random.random() * self._quality.hold)
        self._engine.after(delay, lambda: receiver(message, source))

    def _chance(self, probability: float) -> bool:
        return probability > 0 and self._random.random() < probability
