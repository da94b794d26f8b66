"""Two SCTP endpoints, and the network between them."""

from ipaddress import IPv6Address
from random import Random

from agents.core import MILLISECOND, SECOND
from agents.sctp.actions import Deliver, SendPacket
from agents.sctp.endpoint import Endpoint, EndpointConfig
from agents.wire import sctp
from emu.simulator.engine import Engine

A, B, STRANGER = (IPv6Address(f"2001:db8::{n}") for n in (0xA, 0xB, 0xC))
PORT = 5091


class Net:
    """Two endpoints, and a network that loses, delays and duplicates as it is told."""

    def __init__(self, seed=0, loss=0.0, copies=0.0, spread=0, keys=(None, None)):
        self.random = Random(seed)
        self.loss, self.copies, self.spread = loss, copies, spread
        self.engine = Engine()
        self.keys = dict(zip((A, B), keys, strict=True))
        self.ends = {A: self.endpoint(A, seed), B: self.endpoint(B, seed)}
        self.got = {A: [], B: []}
        self.packets = []
        self.last = 0

    def endpoint(self, address, seed):
        secret = bytes((seed % 256, address.packed[-1])) * 16
        return Endpoint(
            EndpointConfig(PORT, {A, B} - {address}, secret, self.keys[address]),
            Random(f"{address}{seed}"),
        )

    def do(self, at, actions):
        for action in actions:
            if isinstance(action, Deliver):
                self.got[at].append(action.message)
            elif isinstance(action, SendPacket):
                self.packets.append((at, action.packet))
                self.carry(at, action.destination, sctp.encode(action.packet))
        deadline = self.ends[at].next_deadline()
        if deadline is not None:
            self.engine.at(deadline, lambda: self.ring(at, deadline))

    def carry(self, source, destination, data):
        for _ in range(2 if self.random.random() < self.copies else 1):
            if self.random.random() >= self.loss:
                delay = 5 * MILLISECOND + self.random.randint(0, self.spread)
                self.engine.at(
                    self.engine.now + delay, lambda: self.arrive(source, destination, data)
                )

    def arrive(self, source, destination, data):
        self.last = self.engine.now
        packet = sctp.decode(data)
        self.do(destination, self.ends[destination].receive(packet, source, self.engine.now))

    def ring(self, at, deadline):
        if self.ends[at].next_deadline() == deadline:
            self.do(at, self.ends[at].timer(self.engine.now))

    def send(self, at, to, message):
        self.do(at, self.ends[at].send(to, message, self.engine.now))

    def run_for(self, time):
        self.engine.run(self.engine.now + time)

    def run(self):
        self.engine.run(self.engine.now + 10_000 * SECOND)


def kinds(net):
    return [type(chunk).__name__ for _, packet in net.packets for chunk in packet.chunks]
