"""Small i3 worlds for tests: a network, servers, a group that has grown."""

from __future__ import annotations

from random import Random

from agents.core import MILLISECOND, SECOND
from agents.i3.actions import Deliver
from agents.i3.config import GroupConfig
from agents.i3.member import Member, Phase
from agents.wire.i3 import Endpoint, Identifier, Target, is_endpoint
from emu.simulator.i3 import Host, Overlay
from emu.simulator.internet import Internet, TransitStub

SMALL = TransitStub(domains=2, routers=2, stubs=2, stub_nodes=8)
JOIN_INTERVAL = 300 * MILLISECOND


class Group:
    """A source and some members on a small network, in the tree or on their way there."""

    def __init__(
        self, members: int, config: GroupConfig, seed: int = 1, skew: int = 0, loss: float = 0.0
    ) -> None:
        random, self._skews = Random(seed), Random(seed)
        internet = Internet(SMALL, random)
        self.overlay = Overlay(internet, 20, seed, config, loss=loss)
        self.engine = self.overlay.engine
        self.got: dict[Endpoint, list[tuple[int, int]]] = {}
        self.overlay.delivered = self._delivered
        nodes = internet.stub_nodes
        self.root = self.overlay.root_near(nodes[0])
        self.source = self._add(nodes[0], skew)
        self.overlay.call(self.source[0], self.source[1].found)
        self.members: list[tuple[Host, Member]] = []
        self.engine.run(SECOND)
        for _ in range(members):
            one = self._add(random.choice(nodes), skew)
            self.members.append(one)
            self.overlay.call(one[0], one[1].join)
            self.run(JOIN_INTERVAL)

    def run(self, time: int) -> None:
        """Let time go on, a packet of the source every second."""
        end = self.engine.now + time
        while self.engine.now < end:
            step = min(end, (self.engine.now // SECOND + 1) * SECOND)
            self.engine.run(step)
            if step % SECOND == 0:
                self.send()

    def send(self) -> int:
        """Have the source send a packet; its number."""
        host, member = self.source
        self.overlay.call(host, lambda now: member.send(b"", now))
        return member.sent

    @property
    def in_tree(self) -> list[tuple[Host, Member]]:
        """The members that have a place."""
        return [one for one in self.members if one[1].phase is Phase.IN_TREE]

    def received(self, number: int) -> set[Endpoint]:
        """Who has got this packet."""
        return {who for who, got in self.got.items() if number in dict(got)}

    def triggers(self, identifier: Identifier) -> tuple[Target, ...]:
        """What is at an identifier."""
        server = self.overlay.server_of(identifier).core
        return server.triggers.at(identifier)  # type: ignore[attr-defined, no-any-return]

    def reached(self) -> list[Endpoint]:
        """The endpoints to which the triggers lead from the root; a loop would not end."""
        found: list[Endpoint] = []
        to_see = [self.root]
        while to_see:
            for target in self.triggers(to_see.pop()):
                if is_endpoint(target):
                    found.append(Endpoint(target))
                else:
                    to_see.append(Identifier(target))
        return found

    def _add(self, node: int, skew: int) -> tuple[Host, Member]:
        return self.overlay.add_member(self.root, node, self._skews.randint(-skew, skew))

    def _delivered(self, host: Host, packet: Deliver) -> None:
        times = self.got.setdefault(host.endpoint, [])
        times.append((packet.sequence, self.engine.now))
