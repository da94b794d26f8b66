"""A multicast session on i3 in virtual time: one source, receivers that come one after another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from agents.core import MILLISECOND, SECOND
from agents.i3.actions import Deliver
from agents.i3.config import GroupConfig, ServerConfig
from agents.i3.member import Member, Phase
from agents.wire.i3 import Endpoint
from emu.simulator.engine import no_search_for_cycles
from emu.simulator.i3 import Host, Overlay
from emu.simulator.internet import TransitStub
from emu.simulator.underlay import Shape


@dataclass(frozen=True)
class SessionConfig:
    """What a session is made of."""

    receivers: int
    servers: int = 8192
    group: GroupConfig = field(default_factory=GroupConfig)
    shape: Shape = field(default_factory=TransitStub)
    join_interval: int = 300 * MILLISECOND
    """Between one receiver that begins to join and the next one, ns."""
    data_interval: int = 1 * SECOND
    """Between two packets of the source, ns."""
    skew: int = 0
    """The receivers' clocks differ from the true time by up to this, ns."""
    lifetime: int = 30 * SECOND
    """Of a trigger that nobody refreshes, ns."""


class Session:
    """The source and the receivers. ``got`` has what each got of the source: numbers, and when."""

    def __init__(self, config: SessionConfig, seed: int, overlay: type[Overlay] = Overlay) -> None:
        self._config = config
        self._random, self._skews = Random(seed), Random(seed)
        internet = config.shape.draw(self._random)
        limits = ServerConfig(config.group.degree + 1, lifetime=config.lifetime)
        self.overlay = overlay(internet, config.servers, seed, config.group, limits)
        self.engine = self.overlay.engine
        self.got: dict[Endpoint, dict[int, int]] = {}
        self.repeated = 0
        """Packets that a receiver's application got again; there must be none."""
        self.overlay.delivered = self._delivered
        node = self._random.choice(internet.sites)
        self.root = self.overlay.root_near(node)
        self.source = self._add(node)
        self._added = 0
        self.members: list[tuple[Host, Member]] = []
        self.overlay.call(self.source[0], self.source[1].found)
        self.engine.run(SECOND)
        self._next_packet = self.engine.now

    def grow(self, progress: Callable[[int], None] = lambda number: None) -> None:
        """Have all receivers join, and wait until they have, or as long as one may need."""
        with no_search_for_cycles():
            for number in range(self._config.receivers):
                self.add()
                self.run(self._config.join_interval)
                progress(number + 1)
            for _ in range(60):
                if len(self.in_tree) == len(self.members):
                    break
                self.run(SECOND)

    def run(self, time: int) -> None:
        """Let time go on, with the source's packets as they are due."""
        end = self.engine.now + time
        while self._next_packet <= end:
            self.engine.run(self._next_packet)
            self.send()
            self._next_packet += self._config.data_interval
        self.engine.run(end)

    def add(self) -> tuple[Host, Member]:
        """Have one more receiver join, at a node drawn at random."""
        host, member = self._add(self._random.choice(self.overlay.internet.sites))
        self._added += 1
        if self._added < self._config.group.roots:
            member.root_number = self._added
        self.members.append((host, member))
        self.overlay.call(host, member.join)
        return host, member

    def send(self, payload: bytes = b"") -> int:
        """Have the source send a packet; its number."""
        host, member = self.source
        self.overlay.call(host, lambda now: member.send(payload, now))
        return member.sent

    @property
    def in_tree(self) -> list[tuple[Host, Member]]:
        """The receivers that have a place."""
        return [one for one in self.members if one[1].phase is Phase.IN_TREE]

    @property
    def hosts(self) -> list[Host]:
        """The receivers' hosts."""
        return [host for host, _ in self.members]

    def received(self, number: int) -> set[Endpoint]:
        """Who has got a packet."""
        return {who for who, got in self.got.items() if number in got}

    def _add(self, node: int) -> tuple[Host, Member]:
        skew = self._config.skew
        return self.overlay.add_member(self.root, node, self._skews.randint(-skew, skew))

    def _delivered(self, host: Host, packet: Deliver) -> None:
        if packet.source:
            return
        got = self.got.setdefault(host.endpoint, {})
        self.repeated += packet.sequence in got
        got[packet.sequence] = self.engine.now
