"""The signalling of a MAR or a CMD: Mobility Header messages between its core and the network."""

from __future__ import annotations

import time
from ipaddress import IPv6Address
from typing import Protocol

from agents.core import Action, Core
from agents.kernel.sockets import MobilitySocket
from agents.mobility.actions import Send
from agents.roles.daemon import BUDGET, Daemon
from agents.wire import mobility
from agents.wire.errors import MalformedPacket


class SignallingCore(Core, Protocol):
    """A core that is told of Mobility Header messages."""

    def receive(self, message: mobility.Message, source: IPv6Address, now: int) -> list[Action]:
        """A message came in from ``source``."""


class Signalling:
    """Sends and receives for one core at the node's own address."""

    def __init__(self, daemon: Daemon, address: IPv6Address, core: SignallingCore) -> None:
        self._daemon = daemon
        self._address = address
        self._core = core
        self._socket = MobilitySocket(address)
        daemon.on(Send, self._send)
        daemon.watch(self._socket.fileno(), self._readable)

    def _send(self, action: Send) -> None:
        data = mobility.encode(action.message, self._address, action.destination)
        self._socket.send(data, action.destination)

    def _readable(self) -> None:
        for _ in range(BUDGET):
            received = self._socket.receive()
            if received is None:
                return
            data, source, destination = received
            try:
                message = mobility.decode(data, source, destination)
            except MalformedPacket:
                self._daemon.count_malformed()
                continue
            self._daemon.carry_out(
                self._core, self._core.receive(message, source, time.monotonic_ns())
            )
