"""AMT gateways and relays over a network in virtual time: loss, disorder, NATs that rebind."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from ipaddress import IPv4Address, IPv6Address
from random import Random

from agents.core import MILLISECOND, SECOND, Log
from agents.multicast.filters import NOTHING, Filter
from agents.multicast.link_router import SetWanted
from agents.overlay.actions import Deliver, SendDatagram
from agents.overlay.amt.config import GatewayConfig, RelayConfig
from agents.roles.amt_gateway import AmtGateway
from agents.roles.amt_relay import AmtRelay
from agents.wire import amt
from agents.wire.addresses import mapped
from agents.wire.i3 import Endpoint, endpoint
from agents.wire.overlay_items import Interest

RELAY, OTHER_RELAY = (endpoint(mapped(IPv4Address(f"192.0.2.{n}")), amt.PORT) for n in (1, 2))
ANYCAST = endpoint(mapped(IPv4Address("192.52.193.1")), amt.PORT)
SOURCE = mapped(IPv4Address("198.51.100.1"))
SOURCE_V6 = IPv6Address("2001:db8::5")
GROUP, ONE_SOURCE = (mapped(IPv4Address(text)) for text in ("239.1.1.1", "232.1.1.1"))
GROUP_V6 = IPv6Address("ff3e::c1")
RELAY_DELAY = 10 * MILLISECOND
SMALL = RelayConfig(query_interval=20 * SECOND)


def outside(number: int, port: int = 40000) -> Endpoint:
    """Where a gateway is seen."""
    return endpoint(mapped(IPv4Address(f"203.0.113.{number + 1}")), port)


def packet(number: int, group: IPv6Address = GROUP, source: IPv6Address = SOURCE) -> bytes:
    """A packet to a group, as far as anybody looks at it."""
    payload = number.to_bytes(4, "big")
    if group.ipv4_mapped is None:
        head = b"\x60\0\0\0" + len(payload).to_bytes(2, "big") + bytes((17, 5))
        return head + source.packed + group.packed + payload
    head = b"\x45\0" + (20 + len(payload)).to_bytes(2, "big") + bytes(4) + bytes((5, 17, 0, 0))
    return head + source.packed[12:] + group.packed[12:] + payload


class World:
    """Relays by endpoint, gateways by number. A gateway is seen where its NAT has it."""

    def __init__(self, seed: int, *, loss: float = 0.0, jitter: int = 0) -> None:
        self.random = Random(seed)
        self.loss, self.jitter = loss, jitter
        self.now = 0
        self.relays: dict[Endpoint, AmtRelay] = {}
        self.joined: dict[Endpoint, dict[IPv6Address, Filter]] = defaultdict(dict)
        """What each relay has joined."""
        self.anycast: Endpoint | None = None
        """To which relay the discovery address leads."""
        self.gateways: list[AmtGateway] = []
        self.seen: list[Endpoint] = []
        self.got: list[Counter[bytes]] = []
        self.sent: Counter[tuple[Endpoint, int]] = Counter()
        """Datagrams by destination and type."""
        self.logs: Counter[str] = Counter()
        self._queue: list[tuple[int, int, Endpoint, Endpoint, bytes]] = []
        self._order = 0

    def relay(self, where: Endpoint = RELAY, config: RelayConfig = SMALL) -> AmtRelay:
        """Start a relay, perhaps in the place of one that was there."""
        address = IPv4Address(where[12:16])
        random = Random(self.random.random())
        self.relays[where] = AmtRelay(config, (address,), random, self.now)
        self.joined[where] = {}
        self.anycast = self.anycast or where
        return self.relays[where]

    def gateway(
        self,
        relay: Endpoint | None = RELAY,
        discovery: Endpoint | None = None,
    ) -> AmtGateway:
        core = AmtGateway(GatewayConfig(), relay, discovery, Random(self.random.random()))
        self.seen.append(outside(len(self.gateways)))
        self.gateways.append(core)
        self.got.append(Counter())
        return core

    def want(self, number: int, group: IPv6Address, *sources: IPv6Address) -> None:
        """A gateway wants a group: of these sources, or of all."""
        interest = Interest(group, not sources, frozenset(sources))
        self._act(number, self.gateways[number].want(group, interest, self.now))

    def leave(self, number: int, group: IPv6Address) -> None:
        self._act(number, self.gateways[number].want(group, None, self.now))

    def end(self, number: int) -> None:
        self._act(number, self.gateways[number].leave(self.now))

    def native(self, data: bytes, source: IPv6Address = SOURCE, group: IPv6Address = GROUP) -> None:
        """A packet comes to every relay that has joined."""
        for where, relay in self.relays.items():
            if self.joined[where].get(group, NOTHING).accepts(source):
                self._act(where, relay.send(data, source, group, self.now))

    def inject(self, datagram: bytes, sender: Endpoint, to: Endpoint = RELAY) -> None:
        """A datagram of somebody else."""
        self._act(to, self.relays[to].receive(datagram, sender, self.now))

    def run(self, until: int) -> None:
        """Let time pass."""
        while True:
            due = [self._queue[0][0]] if self._queue else []
            cores = [*self.relays.values(), *self.gateways]
            due += [when for core in cores if (when := core.next_deadline()) is not None]
            when = min(due, default=until + 1)
            if when > until:
                self.now = until
                return
            self.now = max(self.now, when)
            self._step()

    def _step(self) -> None:
        for where, relay in self.relays.items():
            if (relay.next_deadline() or self.now + 1) <= self.now:
                self._act(where, relay.timer(self.now))
        for number, gateway in enumerate(self.gateways):
            if (gateway.next_deadline() or self.now + 1) <= self.now:
                self._act(number, gateway.timer(self.now))
        while self._queue and self._queue[0][0] <= self.now:
            _, _, sender, destination, datagram = heapq.heappop(self._queue)
            self._deliver(datagram, sender, destination)

    def _deliver(self, datagram: bytes, sender: Endpoint, destination: Endpoint) -> None:
        if destination in self.seen:
            number = self.seen.index(destination)
            core = self.gateways[number]
            self._act(number, core.receive(datagram, sender, self.now))
        where = self.anycast if destination == ANYCAST else destination
        if where in self.relays:
            # An answer to the discovery address comes from there (section 5.3.3.2).
            came_to = ANYCAST if destination == ANYCAST else where
            actions = self.relays[where].receive(datagram, sender, self.now)
            self._act(where, actions, answers_from=came_to)

    def _act(self, who: Endpoint | int, actions, answers_from: Endpoint | None = None) -> None:
        for action in actions:
            match action:
                case SendDatagram(datagram, destinations, _):
                    me = self.seen[who] if isinstance(who, int) else answers_from or who
                    for destination in destinations:
                        self._send(datagram, me, destination)
                case Deliver(data):
                    self.got[who][data] += 1
                case SetWanted(group, wanted):
                    self.joined[who][group] = wanted
                case Log(kind, _):
                    self.logs[kind] += 1
                case _:
                    raise AssertionError(action)

    def _send(self, datagram: bytes, sender: Endpoint, destination: Endpoint) -> None:
        self.sent[destination, datagram[0]] += 1
        if self.random.random() < self.loss:
            return
        self._order += 1
        when = self.now + RELAY_DELAY + (self.random.randint(0, self.jitter) if self.jitter else 0)
        heapq.heappush(self._queue, (when, self._order, sender, destination, datagram))
