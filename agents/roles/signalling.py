"""The signalling of a MAR or a CMD: Mobility Header messages between its cores and the network."""

from __future__ import annotations

import time
from collections.abc import Callable
from ipaddress import IPv6Address
from typing import Protocol

from agents.core import Action, Core
from agents.kernel.sockets import MobilitySocket
from agents.mobility.actions import Send
from agents.roles.daemon import BUDGET, Daemon
from agents.wire import mobility, mobility_header
from agents.wire.errors import MalformedPacket


class SignallingCore(Core, Protocol):
    """A core that is told of Mobility Header messages."""

    def receive(self, message: mobility.Message, source: IPv6Address, now: int) -> list[Action]:
        """A message came in from ``source``."""


Handler = Callable[[bytes, IPv6Address, IPv6Address], None]
"""Gets a message as it came, its source and its destination; raises MalformedPacket to drop it."""


class Signalling:
    """Sends and receives at the node's own address: bindings for one core, and what else there is.

    ``on_type`` gives the messages of another type to a handler of their own.
    """

    def __init__(self, daemon: Daemon, address: IPv6Address, core: SignallingCore) -> None:
        self._daemon = daemon
        self._address = address
        self._core = core
        self._socket = MobilitySocket(address)
        self._handlers: dict[int | None, Handler] = {}
        daemon.on(Send, self._send)
        daemon.watch(self._socket.fileno(), self._readable)

    def join(self, group: IPv6Address, interface: str) -> None:
        """Get what is sent to a group, and send to it, on an interface."""
        self._socket.join(group, interface)

    def on_type(self, message_type: int, handler: Handler) -> None:
        """Give the messages of this type to ``handler``."""
        self._handlers[message_type] = handler

    def send(self, data: bytes, destination: IPv6Address) -> None:
        """Send a message as it is."""
        self._socket.send(data, destination)

    def _send(self, action: Send) -> None:
        self.send(
            mobility.encode(action.message, self._address, action.destination), action.destination
        )

    def _readable(self) -> None:
        for _ in range(BUDGET):
            received = self._socket.receive()
            if received is None:
                return
            data, source, destination = received
            handler = self._handlers.get(mobility_header.message_type(data), self._binding)
            try:
                handler(data, source, destination)
            except MalformedPacket:
                self._daemon.count_malformed()

    def _binding(self, data: bytes, source: IPv6Address, destination: IPv6Address) -> None:
        message = mobility.decode(data, source, destination)
        self._daemon.carry_out(self._core, self._core.receive(message, source, time.monotonic_ns()))
