"""The signalling of a MAR or a CMD: Mobility Header messages between its cores and the network.

What may not speak is stopped here: under a key all that does not prove itself, on links to mobile
nodes all that comes.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Collection
from ipaddress import IPv6Address
from typing import Protocol

from agents.binding_errors import BindingErrors
from agents.core import Action, Core
from agents.kernel.sockets import Frame, MobilitySocket, Received
from agents.mobility.actions import Send
from agents.mobility.authentication import Authenticator, Replayed
from agents.roles.daemon import BUDGET, Daemon
from agents.wire import ipv6, mobility, mobility_header
from agents.wire.errors import MalformedPacket, Unauthentic, UnknownMessage


class SignallingCore(Core, Protocol):
    """A core that is told of Mobility Header messages."""

    def receive(self, message: mobility.Message, source: IPv6Address, now: int) -> list[Action]:
        """A message came in from ``source``."""


Handler = Callable[[bytes, IPv6Address, IPv6Address], None]
"""Gets a message as it came, its source and its destination; raises MalformedPacket to drop it."""


class Signalling:
    """Sends and receives at the node's own address: bindings for one core, and what else there is.

    Without a core nobody here knows binding messages.

    ``on_type`` gives the messages of another type to a handler of their own; of a type that none
    knows the sender is told so. With a ``key`` every
    message is authenticated; from ``untrusted`` interfaces none is taken. What is for home agents,
    where this node has one, gets there by a socket of its own.
    """

    def __init__(
        self,
        daemon: Daemon,
        address: IPv6Address,
        core: SignallingCore | None,
        *,
        key: str | None = None,
        untrusted: Collection[str] = (),
        beside_home_agent: bool = False,
    ) -> None:
        self.counters = {"unauthentic": 0, "replayed": 0, "untrusted": 0}
        """What was dropped: without proof, with a proof of another moment, from where none may."""
        self._daemon = daemon
        self._address = address
        self._core = core
        self._authenticator = Authenticator(key.encode(), time.time_ns()) if key else None
        self._untrusted = frozenset(map(socket.if_nametoindex, untrusted))
        self._beside_home_agent = beside_home_agent
        self._socket = MobilitySocket(address)
        self._handlers: dict[int | None, Handler] = {}
        self._errors = BindingErrors()
        daemon.on(Send, self._send)
        daemon.watch(self._socket.fileno(), self._readable)

    def join(self, group: IPv6Address, interface: str) -> None:
        """Get what is sent to a group, and send to it, on an interface."""
        self._socket.join(group, interface)

    def on_type(self, message_type: int, handler: Handler) -> None:
        """Give the messages of this type to ``handler``."""
        self._handlers[message_type] = handler

    def send(self, data: bytes, destination: IPv6Address) -> None:
        """Send a message, sealed where there is a key."""
        if self._authenticator:
            now = time.time_ns()
            data = self._authenticator.seal(data, self._address, destination, now)
        self._socket.send(data, destination)

    def overheard(self, frame: Frame, packet: ipv6.IPv6Packet, link: str) -> None:
        """A message is on an untrusted link; what is for this node gets to the socket as well."""
        if packet.destination != self._address and not self._is_for_home_agent(packet.payload):
            self.counters["untrusted"] += 1

    def _send(self, action: Send) -> None:
        self.send(
            mobility.encode(action.message, self._address, action.destination), action.destination
        )

    def _readable(self) -> None:
        for _ in range(BUDGET):
            received = self._socket.receive()
            if received is None:
                return
            try:
                self._receive(received)
            except Replayed:
                self.counters["replayed"] += 1
            except Unauthentic:
                self.counters["unauthentic"] += 1
            except UnknownMessage as error:
                self._daemon.count_malformed()
                self._unrecognized(error.message_type, received.source)
            except MalformedPacket:
                self._daemon.count_malformed()

    def _receive(self, received: Received) -> None:
        data, source, destination, interface = received
        if self._is_for_home_agent(data):
            return
        if interface in self._untrusted:
            self.counters["untrusted"] += 1
            return
        if self._authenticator:
            data = self._authenticator.open(data, source, destination, time.time_ns())
        handler = self._handlers.get(mobility_header.message_type(data), self._binding)
        handler(data, source, destination)

    def _unrecognized(self, message_type: int, source: IPv6Address) -> None:
        """Say that there is nobody for messages of this type."""
        if message_type in self._handlers:
            return  # the type is known, but not this kind of it
        error = self._errors.unrecognized(source, time.monotonic_ns())
        if error is not None:
            self.send(mobility.encode(error, self._address, source), source)

    def _is_for_home_agent(self, data: bytes) -> bool:
        return self._beside_home_agent and mobility.is_from_mobile_node(data)

    def _binding(self, data: bytes, source: IPv6Address, destination: IPv6Address) -> None:
        if self._core is None:
            raise UnknownMessage(mobility_header.message_type(data) or 0)
        message = mobility.decode(data, source, destination)
        self._daemon.carry_out(self._core, self._core.receive(message, source, time.monotonic_ns()))
