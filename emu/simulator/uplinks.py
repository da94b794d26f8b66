"""Members of an overlay in virtual time, whose hosts have slow uplinks, and a network that loses.

Hosts are drawn in a square; the delay between two is their distance. What a host sends waits for
its uplink, behind what it has sent before; what would wait for too long is lost there. Downlinks
and the network between are fast, and lose datagrams by lot.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv6Address
from random import Random

from agents.core import MILLISECOND, SECOND, Action
from agents.overlay.actions import Deliver, SendDatagram
from agents.overlay.interface import Overlay, Place
from agents.wire.i3 import Endpoint, endpoint
from agents.wire.overlay import PORT
from emu.simulator.engine import Engine

_AROUND = 28
"""Octets of IPv4 and UDP headers around a datagram."""
_SIDE_MS = 30.0
_LEAST_MS = 1.0
_ELSEWHERE = IPv6Address("2001:db8:f::")
KEYS = {1: b"a key that all members share"}


@dataclass(frozen=True)
class Network:
    """What hosts are connected by."""

    uplink: int
    """Of each host, bit/s."""
    loss: float = 0.0
    queue: int = 100 * MILLISECOND
    """What would wait longer at an uplink is lost, ns."""


@dataclass
class Host:
    """A host with a member."""

    endpoint: Endpoint
    place: tuple[float, float]
    core: Overlay
    sent: int = 0
    """Octets that it has put on its uplink."""
    overflown: int = 0
    """Datagrams for which its uplink had no room."""
    came: list[tuple[int, bytes]] = field(default_factory=list)
    """What its programs got, and when."""
    free: int = 0
    """When its uplink is free, ns."""
    wakes: int | None = None


class Hosts:
    """Hosts whose members all speak one protocol; the first is known to all."""

    def __init__(
        self, seed: int, number: int, network: Network, make: Callable[[Place], Overlay]
    ) -> None:
        self.engine, self._random, self._network = Engine(), Random(seed), network
        self.hosts: list[Host] = []
        self._at: dict[Endpoint, Host] = {}
        self._moves = 0
        first = endpoint(IPv6Address("2001:db8::1"), PORT)
        for index in range(number):
            at = endpoint(IPv6Address("2001:db8::1") + index, PORT)
            random = Random(self._random.random())
            place = Place(f"h{index}", (at,), (first,), KEYS, 1, random, 0)
            where = self._random.uniform(0, _SIDE_MS), self._random.uniform(0, _SIDE_MS)
            host = Host(at, where, make(place))
            self.hosts.append(host)
            self._at[at] = host
            self._wake(host)

    def act(self, host: Host, call: Callable[[Overlay, int], list[Action]]) -> None:
        """Have a member do something, and carry out what it asks for."""
        for action in call(host.core, self.engine.now):
            if isinstance(action, SendDatagram):
                for destination in action.destinations:
                    self._send(host, action.datagram, destination)
            elif isinstance(action, Deliver):
                host.came.append((self.engine.now, action.packet))
        self._wake(host)

    def move(self, host: Host) -> None:
        """A host gets another address, and its member is told."""
        del self._at[host.endpoint]
        self._moves += 1
        host.endpoint = endpoint(_ELSEWHERE + self._moves, PORT)
        self._at[host.endpoint] = host
        self.act(host, lambda core, now: core.set_endpoints((host.endpoint,), now))

    def run(self, duration: int) -> None:
        """Let time go on by so many ns."""
        self.engine.run(self.engine.now + duration)

    def _send(self, host: Host, datagram: bytes, destination: Endpoint) -> None:
        now, octets = self.engine.now, len(datagram) + _AROUND
        start = max(now, host.free)
        if start - now > self._network.queue:
            host.overflown += 1
            return
        host.free = start + octets * 8 * SECOND // self._network.uplink
        host.sent += octets
        target = self._at.get(destination)
        if target is not None and self._random.random() >= self._network.loss:
            (a, b), (c, d) = host.place, target.place
            delay = _LEAST_MS + ((a - c) ** 2 + (b - d) ** 2) ** 0.5
            arrival = host.free + int(delay * MILLISECOND)
            self.engine.at(arrival, self._arrive, target, datagram, host.endpoint)

    def _arrive(self, host: Host, datagram: bytes, sender: Endpoint) -> None:
        self.act(host, lambda core, now: core.receive(datagram, sender, now))

    def _wake(self, host: Host) -> None:
        due = host.core.next_deadline()
        if due is not None and (host.wakes is None or due < host.wakes):
            host.wakes = due
            self.engine.at(due, self._timer, host, due)

    def _timer(self, host: Host, due: int) -> None:
        if host.wakes == due:
            host.wakes = None
            self.act(host, lambda core, now: core.timer(now))
