"""Random schedules of a ring of i3 servers in virtual time: joins, leaves, crashes, losses."""

from __future__ import annotations

from functools import partial
from random import Random

from agents.core import MILLISECOND, SECOND, Action
from agents.i3.actions import SendDatagram
from agents.i3.chord import LEAVING_TIME
from agents.i3.config import ServerConfig
from agents.i3.identifiers import PREFIX
from agents.i3.positions import position_of
from agents.i3.ring import Ring
from agents.i3.ring_server import RingServer
from agents.wire.i3 import HOP_LIMIT, IDENTIFIER_LENGTH, Endpoint, Identifier, Message
from emu.simulator.engine import Engine

WELL_KNOWN = [Endpoint(number.to_bytes(18, "big")) for number in (1, 2)]
"""Servers that every other knows; when all is over, both are there."""
KEY = b"the infrastructure's"
QUICKEST, SLOWEST = 1 * MILLISECOND, 150 * MILLISECOND
"""A datagram's delay, ns."""
FAULTS = 60 * SECOND
"""How long servers join, leave and crash, ns."""
SETTLING = 120 * SECOND
"""After which a ring is settled at the latest, ns."""


class RingWorld:
    """Servers, and what happens to them."""

    def __init__(self, seed: int) -> None:
        self.engine = Engine()
        self.random = Random(seed)
        self.servers: dict[Endpoint, RingServer] = {}
        self.loss = 0.0
        self.apart: set[Endpoint] = set()
        """Servers that nobody else reaches, but they each other."""
        self.sent = 0
        self._armed: dict[Endpoint, int] = {}
        self._made = 0

    def add(self, endpoint: Endpoint | None = None) -> Endpoint:
        """A server joins by the well-known ones and another one; the first one begins."""
        self._made += 1
        endpoint = endpoint or Endpoint(self._made.to_bytes(18, "big"))
        there = self.members
        known = [*WELL_KNOWN, self.random.choice(there)] if there else []
        server = RingServer(endpoint, KEY, known, b"secret", self.random, ServerConfig())
        self.servers[endpoint] = server
        self.apply(endpoint, server.chord.start(self.engine.now))
        return endpoint

    @property
    def members(self) -> list[Endpoint]:
        """Those that are in the ring, and do not leave."""
        chords = {one: server.chord for one, server in self.servers.items()}
        return sorted(one for one, its in chords.items() if its.is_in and not its.leaving)

    def crash(self, endpoint: Endpoint) -> None:
        """A server is gone."""
        self.servers.pop(endpoint, None)
        self._armed.pop(endpoint, None)

    def leave(self, endpoint: Endpoint) -> None:
        """A server says that it leaves, and is gone after a while."""
        server = self.servers[endpoint]
        server.chord.leave()

        def gone() -> None:
            if self.servers.get(endpoint) is server:
                self.crash(endpoint)

        self.engine.after(LEAVING_TIME, gone)

    def apply(self, endpoint: Endpoint, actions: list[Action]) -> None:
        """Send what a server sends, and wake it when it is due."""
        for action in actions:
            assert isinstance(action, SendDatagram)
            self.sent += 1
            parted = (endpoint in self.apart) != (action.destination in self.apart)
            if self.random.random() >= self.loss and not parted:
                delay = self.random.randint(QUICKEST, SLOWEST)
                arrive = partial(self._arrive, action.destination, action.message, endpoint)
                self.engine.after(delay, arrive)
        when = self.servers[endpoint].next_deadline()
        if when is not None and when < self._armed.get(endpoint, when + 1):
            self._armed[endpoint] = when
            self.engine.at(when, partial(self._wake, endpoint, when))

    def _arrive(self, endpoint: Endpoint, message: Message, source: Endpoint) -> None:
        if endpoint in self.servers:
            actions = self.servers[endpoint].receive(message, source, self.engine.now)
            self.apply(endpoint, actions)

    def _wake(self, endpoint: Endpoint, when: int) -> None:
        if self._armed.get(endpoint) == when:
            del self._armed[endpoint]
            self.apply(endpoint, self.servers[endpoint].timer(self.engine.now))

    # What is to be so

    def faults(self) -> list[str]:
        """What is not as in a ring that is settled."""
        ring = sorted(self.servers, key=position_of)
        found = []
        for number, endpoint in enumerate(ring):
            near = self.servers[endpoint].chord.neighbours
            after = [*ring[number + 1 :], *ring[:number]]
            if near.successors != after[: len(near.successors)]:
                found.append(f"{number} has wrong successors")
            if len(near.successors) < min(8, len(after)):
                found.append(f"{number} has {len(near.successors)} successors")
            if near.predecessor != (after[-1] if after else None):
                found.append(f"{number} has a wrong predecessor")
        return found + self._disagreements(Ring({position_of(one): one for one in ring}))

    def _disagreements(self, ring: Ring) -> list[str]:
        """From each server, identifiers are followed to where they end."""
        found = []
        for start in sorted(self.servers):
            prefix = self.random.randbytes(PREFIX)
            identifier = Identifier(prefix + bytes(IDENTIFIER_LENGTH - PREFIX))
            at, hops = start, 0
            while (
                onward := self.servers[at].routes.next_hop(identifier)
            ) != at and hops < HOP_LIMIT:
                at, hops = onward, hops + 1
                if at not in self.servers:
                    break
            if at != ring.server_of(identifier):
                found.append(f"{identifier[:PREFIX].hex()} ends at another server after {hops}")
        return found


def run_schedule(seed: int, most: int = 12) -> list[str]:
    """Play one; what is wrong when it has settled."""
    world = RingWorld(seed)
    random = Random(seed)
    world.loss = random.choice([0.0, 0.1, 0.3])
    gone: list[Endpoint] = []
    world.add()
    for _ in range(random.randint(2, most)):
        world.engine.run(world.engine.now + random.randint(0, 4 * SECOND))
        world.add()
    end = world.engine.now + FAULTS
    while world.engine.now < end:
        world.engine.run(world.engine.now + random.randint(0, 8 * SECOND))
        _happen(world, random, gone, most)
    world.loss = 0.0
    for one in WELL_KNOWN:
        if one not in world.members:
            world.crash(one)
            world.add(one)
    world.engine.run(world.engine.now + SETTLING)
    return world.faults()


def _happen(world: RingWorld, random: Random, gone: list[Endpoint], most: int) -> None:
    """One event, or several crashes at once; somebody in the ring is always left."""
    there = world.members
    event = random.choice(["join", "return", "leave", "crash", "crashes"])
    if event == "join" and len(world.servers) < most:
        world.add()
    elif event == "return" and gone:
        world.add(gone.pop())
    elif event == "leave" and len(there) > 1:
        world.leave(random.choice(there))
    elif event.startswith("crash") and len(there) > 1:
        number = random.randint(1, len(there) - 1) if event == "crashes" else 1
        for one in random.sample(there, number):
            world.crash(one)
            gone.append(one)
