"""Overlay members over a network in virtual time: loss, repeats, disorder, partitions, NATs.

Every datagram of data is looked at as it is sent: no member may send one packet on twice in one
version of a tree, nor to more children than its degree, and nobody may be given a packet twice.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from ipaddress import IPv6Address
from random import Random

from agents.core import MILLISECOND, SECOND, Log
from agents.overlay.actions import Deliver, DeliverPackets, SendDatagram, SendDatagrams
from agents.overlay.config import OverlayConfig
from agents.overlay.interface import ROOM
from agents.overlay.member import Member, Self
from agents.overlay.sealing import Sealer
from agents.wire.i3 import endpoint
from agents.wire.overlay import HEADER, Data, MemberId, decode
from agents.wire.overlay_items import Interest

PORT = 4754
SEEDS = 2
"""The first members are known to all from the beginning, and stay where they are."""
GROUP = IPv6Address("ff0e::1")
EVERY = Interest(GROUP, True)
_MAPPING = 30 * SECOND


def source_of(number: int) -> IPv6Address:
    return IPv6Address(f"2001:db8:5::{number + 1:x}")


def public(number: int, port: int = PORT):
    return endpoint(IPv6Address(f"2001:db8::{number + 1:x}"), port)


@dataclass
class Nat:
    """Endpoint-independent mapping, address- and port-dependent filtering (RFC 4787)."""

    outside: bytes
    sent_to: dict[bytes, int] = field(default_factory=dict)

    def lets_in(self, sender: bytes, now: int) -> bool:
        return now - self.sent_to.get(sender, -_MAPPING) < _MAPPING


@dataclass
class Node:
    number: int
    core: Member
    member: MemberId
    inside: bytes
    place: tuple[float, float]
    nat: Nat | None = None
    alive: bool = True
    side: int = 0
    wants: bool = False
    delivered: Counter = field(default_factory=Counter)
    logs: Counter = field(default_factory=Counter)

    @property
    def outside(self) -> bytes:
        return self.nat.outside if self.nat else self.inside


@dataclass(frozen=True)
class Impairment:
    loss: float = 0.0
    repeat: float = 0.0
    jitter_ms: float = 0.0


PERFECT = Impairment()
DEFAULT = OverlayConfig()


class World:
    """The members, and a clock that they share. ``wrong`` collects what must never be.

    Every other one takes and sends packets as runs, if of one only.
    """

    def __init__(
        self,
        seed: int,
        size: int,
        impairment: Impairment = PERFECT,
        config: OverlayConfig = DEFAULT,
        nats: float = 0.0,
        keys: dict[int, bytes] | None = None,
    ) -> None:
        self.random = Random(seed)
        self.impairment = impairment
        self.config = config
        self.keys = keys or {}
        self.now = 0
        self.wrong: list[str] = []
        self.sent: Counter = Counter()
        self.nodes: list[Node] = []
        self._at: dict[bytes, Node] = {}
        self._queue: list[tuple[int, int, object]] = []
        self._order = 0
        self._wakes: dict[int, int] = {}
        self._forwarded: dict[tuple, set[bytes]] = defaultdict(set)
        self._starts = 0
        for number in range(size):
            self.start(behind_nat=number >= SEEDS and self.random.random() < nats)

    def start(self, *, behind_nat: bool = False, endpoint=None) -> Node:
        number = len(self.nodes)
        self._starts += 1
        inside = endpoint or (public(5000 + number) if behind_nat else public(number))
        member, core = self._make(number, inside)
        place = (self.random.uniform(0, 30), self.random.uniform(0, 30))
        nat = Nat(public(9000 + number)) if behind_nat else None
        node = Node(number, core, member, inside, place, nat)
        self.nodes.append(node)
        self._at[node.outside] = node
        self._wake(node)
        return node

    def _make(self, number: int, inside: bytes):
        """The core of a new node, with its number of this start."""
        member = MemberId(self.random.randbytes(8))
        me = Self(member, f"n{number}", (inside,))
        sealer = Sealer(member, self.keys, min(self.keys, default=0))
        random = Random(self.random.random())
        seeds = tuple(public(i) for i in range(SEEDS))
        return member, Member(me, seeds, sealer, self.config, random, self.now)

    def crash(self, node: Node) -> None:
        node.alive = False
        self._at.pop(node.outside, None)

    def leave(self, node: Node) -> None:
        self._carry_out(node, node.core.leave(self.now))
        self.crash(node)

    def rebind(self, node: Node) -> None:
        """The NAT takes another port, and lets nobody in until it is used."""
        del self._at[node.outside]
        self._starts += 1
        node.nat = Nat(public(9000 + node.number, PORT + self._starts))
        self._at[node.outside] = node

    def move(self, node: Node, told: bool = True) -> None:
        """The member gets another address; it may know that, or not."""
        del self._at[node.outside]
        self._starts += 1
        node.inside = public(20000 + self._starts)
        self._at[node.inside] = node
        if told:
            self._carry_out(node, node.core.set_endpoints((node.inside,), self.now))

    def want(self, node: Node, interest: Interest | None = EVERY, group=GROUP) -> None:
        node.wants = interest is not None
        self._carry_out(node, node.core.want(group, interest, self.now))

    def send(self, node: Node, packet: bytes, group=GROUP) -> None:
        ends = source_of(node.number), group, self.now
        if node.number % 2:
            self._carry_out(node, node.core.send(packet, *ends))
        else:
            self._carry_out(node, node.core.send_run([framed(packet)], *ends))

    def run(self, seconds: float) -> None:
        end = self.now + int(seconds * SECOND)
        while self._queue and self._queue[0][0] <= end:
            self.now, _, what = heapq.heappop(self._queue)
            if isinstance(what, Node):
                if what.alive and self._wakes.get(what.number) == self.now:
                    del self._wakes[what.number]
                    self._carry_out(what, what.core.timer(self.now))
            else:
                self._arrive(*what)
        self.now = end

    def delay(self, one: Node, other: Node) -> float:
        (a, b), (c, d) = one.place, other.place
        return ((a - c) ** 2 + (b - d) ** 2) ** 0.5 + 1

    def _carry_out(self, node: Node, actions) -> None:
        for action in one_by_one(actions):
            if isinstance(action, SendDatagram):
                self._look_at(node, action)
                for destination in action.destinations:
                    self._transmit(node, action.datagram, destination)
            elif isinstance(action, Deliver):
                self._deliver(node, action.packet)
            elif isinstance(action, Log):
                node.logs[action.kind] += 1
        self._wake(node)

    def _deliver(self, node: Node, packet: bytes) -> None:
        node.delivered[packet] += 1
        if node.delivered[packet] > 1:
            self.wrong.append(f"{self.now}: {node.number} got {packet!r} twice")

    def _look_at(self, node: Node, action: SendDatagram) -> None:
        if self.keys:
            return
        message = decode(action.datagram[HEADER.size :])
        self.sent[type(message).__name__] += len(action.destinations)
        if not isinstance(message, Data):
            return
        key = (node.number, message.root, message.tree, message.version, message.sequence)
        targets = self._forwarded[key]
        if targets & set(action.destinations):
            self.wrong.append(f"{self.now}: {node.number} sent a packet on twice")
        targets.update(action.destinations)
        if len(targets) > self.config.degree:
            self.wrong.append(f"{self.now}: {node.number} has {len(targets)} children")

    def _transmit(self, node: Node, datagram: bytes, destination: bytes) -> None:
        if node.nat:
            node.nat.sent_to[destination] = self.now
        copies = 1 + (self.random.random() < self.impairment.repeat)
        for _ in range(copies):
            if self.random.random() < self.impairment.loss:
                continue
            self._order += 1
            target = self._at.get(destination)
            delay = self.delay(node, target) if target else 10
            delay += self.random.uniform(0, self.impairment.jitter_ms)
            arrival = self.now + int(delay * MILLISECOND)
            what = (node, node.outside, datagram, destination)
            heapq.heappush(self._queue, (arrival, self._order, what))

    def _arrive(self, sender: Node, origin: bytes, datagram: bytes, destination: bytes) -> None:
        node = self._at.get(destination)
        if node is None or not node.alive or node.side != sender.side:
            return
        if node.nat and not node.nat.lets_in(origin, self.now):
            return
        if node.number % 2:
            self._carry_out(node, node.core.receive(datagram, origin, self.now))
        else:
            came = [memoryview(bytearray(datagram))]
            self._carry_out(node, node.core.receive_run(came, origin, self.now))

    def _wake(self, node: Node) -> None:
        due = node.core.next_deadline()
        if due is not None and node.alive:
            due = max(due, self.now)
            if self._wakes.get(node.number) != due:
                self._wakes[node.number] = due
                self._order += 1
                heapq.heappush(self._queue, (due, self._order, node))


def framed(packet: bytes) -> memoryview:
    """A packet as a run has it."""
    return memoryview(bytearray(ROOM) + packet)


def one_by_one(actions):
    """The actions of a run as those of its packets, each of which is sent at once."""
    for action in actions:
        if isinstance(action, SendDatagrams):
            for datagram in action.datagrams:
                yield SendDatagram(bytes(datagram), action.destinations, action.traffic_class)
        elif isinstance(action, DeliverPackets):
            for packet in action.packets:
                yield Deliver(bytes(packet))
        else:
            yield action


def spanned(world: World, root: Node, group=GROUP) -> set[int]:
    """Whom a root's tree spans."""
    numbers = {node.member: node.number for node in world.nodes}
    parents = root.core.trees().get((source_of(root.number), group), {})
    return {numbers[member] for member in parents}
