"""One link of a node: its ICMPv6 control packets, sorted by type to those who serve them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from agents.kernel.sockets import Frame, LinkSocket
from agents.roles.daemon import BUDGET, Daemon
from agents.wire import ipv6
from agents.wire.errors import MalformedPacket

Handler = Callable[[Frame, ipv6.IPv6Packet, str], None]
"""Gets the frame, the packet in it and the link's name; raises MalformedPacket to drop it."""


class LinkPort:
    """A link socket whose packets go to a handler by their ICMPv6 type.

    ``mobility`` gets the Mobility Header packets, whomever they are for.
    """

    def __init__(
        self,
        daemon: Daemon,
        name: str,
        handlers: Mapping[int, Handler],
        mobility: Handler | None = None,
    ) -> None:
        self.name = name
        self._daemon = daemon
        self._handlers = dict(handlers)
        self._mobility = mobility
        self._socket = LinkSocket(name)
        self._open = True
        daemon.watch(self._socket.fileno(), self._readable)

    def add(self, handlers: Mapping[int, Handler]) -> None:
        """Sort these, too."""
        self._handlers |= handlers

    def send(self, packet: bytes, link_layer_destination: bytes | None = None) -> None:
        """Send a packet as it is (see ``LinkSocket.send``)."""
        self._socket.send(packet, link_layer_destination)

    def close(self) -> None:
        """Stop listening to the link, also for the handler of a packet from it."""
        self._open = False
        self._daemon.unwatch(self._socket.fileno())
        self._daemon.aside(self._socket.close)  # the kernel waits until no CPU can be using it

    def _readable(self) -> None:
        for _ in range(BUDGET):
            frame = self._socket.receive() if self._open else None
            if frame is None:
                return
            try:
                self._dispatch(frame)
            except MalformedPacket:
                self._daemon.count_malformed()

    def _dispatch(self, frame: Frame) -> None:
        packet = ipv6.parse(frame.packet)
        if packet.next_header == ipv6.ICMPV6 and packet.payload:
            handler = self._handlers.get(packet.payload[0])
            if handler:
                handler(frame, packet, self.name)
        elif packet.next_header == ipv6.MOBILITY and self._mobility:
            self._mobility(frame, packet, self.name)
