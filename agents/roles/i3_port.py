"""What an i3 server and an i3 client have in common: a core at a UDP port, and its log."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from ipaddress import IPv6Address
from random import Random, SystemRandom
from typing import Any, Protocol

from agents.core import Action, Core, Log
from agents.i3.actions import SendDatagram
from agents.kernel.endpoint_socket import EndpointSocket
from agents.roles.daemon import BUDGET, Daemon
from agents.wire import i3
from agents.wire.errors import MalformedPacket
from agents.wire.i3 import Endpoint, Message, address_and_port

PORT = 5610
"""Where servers and clients receive, unless they are told otherwise."""


def random_of(seed: str | None) -> Random:
    """A node's own draws: those of its seed, or without one such as nobody can foresee."""
    return SystemRandom() if seed is None else Random(seed)


class I3Core(Core, Protocol):
    """A server or an end host."""

    def receive(self, message: Message, source: Endpoint, now: int) -> list[Action]:
        """A datagram came from an endpoint, which may be anybody's."""


class Reporting:
    """A core that logs, as events of ``kind``, how it is, whenever that has changed."""

    def __init__(self, core: I3Core, kind: str, describe: Callable[[], dict[str, Any]]) -> None:
        self._core = core
        self._kind = kind
        self._describe = describe
        self._told: dict[str, Any] = {}

    def receive(self, message: Message, source: Endpoint, now: int) -> list[Action]:
        """A datagram came from an endpoint."""
        return self.told(self._core.receive(message, source, now))

    def timer(self, now: int) -> list[Action]:
        """Act on every deadline that is not later than ``now``."""
        return self.told(self._core.timer(now))

    def next_deadline(self) -> int | None:
        """When ``timer`` is due next."""
        return self._core.next_deadline()

    def told(self, actions: list[Action]) -> list[Action]:
        """The actions, and a line of the log if they come with a change."""
        described = self._describe()
        if described == self._told:
            return actions
        self._told = described
        return [*actions, Log(self._kind, described)]


class I3Port:
    """Feeds a core what comes to its UDP port, and sends what it says."""

    def __init__(self, daemon: Daemon, core: Reporting, port: int) -> None:
        self._daemon = daemon
        self._core = core
        self._port = port
        self._socket: EndpointSocket | None = None
        self.sent: Counter[str] = Counter()
        """How many messages of each type, by the names of the types."""
        self.received: Counter[str] = Counter()
        self.unsendable = 0
        daemon.on(SendDatagram, self._send)

    def bind(self, address: IPv6Address) -> Endpoint:
        """Receive at an address, and no longer at the last one; the endpoint."""
        if self._socket is not None:
            self._daemon.unwatch(self._socket.fileno())
            self._socket.close()
        self._socket = EndpointSocket(self._port, address)
        self._daemon.watch(self._socket.fileno(), self._read)
        return i3.endpoint(address, self._port)

    def counters(self) -> dict[str, Any]:
        """What has been sent and received."""
        return {"sent": self.sent, "received": self.received, "unsendable": self.unsendable}

    def act(self, call: Callable[[int], list[Action]]) -> None:
        """Have the core do something now, and carry out what it says."""
        self._daemon.carry_out(self._core, self._core.told(call(time.monotonic_ns())))

    def _read(self) -> None:
        for _ in range(BUDGET):
            received = self._socket.receive() if self._socket else None
            if received is None:
                return
            data, sender = received
            try:
                message = i3.decode(data)
            except MalformedPacket:
                self._daemon.count_malformed()
                continue
            self.received[type(message).__name__] += 1
            now = time.monotonic_ns()
            actions = self._core.receive(message, i3.endpoint(*sender), now)
            self._daemon.carry_out(self._core, actions)

    def _send(self, action: SendDatagram) -> None:
        data = i3.encode(action.message)
        if self._socket and self._socket.send(data, *address_and_port(action.destination)):
            self.sent[type(action.message).__name__] += 1
        else:
            self.unsendable += 1
