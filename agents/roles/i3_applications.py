"""Where applications of a host are in its i3 group: a Unix socket that keeps packets apart.

An application connects (SOCK_SEQPACKET) to be in the group, receives each packet of the group as
one message, sends one by sending a message, and is out of the group when it closes the socket or
dies. The host is in the group as long as any of its applications is.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

from agents.i3.actions import Deliver
from agents.roles.daemon import BUDGET, Daemon

MOST = 16
"""Applications of one host."""
LARGEST = 1200
"""Octets of a packet, so that an i3 packet with it fits every link of IPv6 (RFC 8200: 1280)."""


class Applications:
    """The applications of one host; ``entered`` and ``left`` are called at the first and last."""

    def __init__(
        self,
        daemon: Daemon,
        path: str,
        entered: Callable[[], None],
        left: Callable[[], None],
        send: Callable[[bytes], None],
    ) -> None:
        self._daemon = daemon
        self._entered, self._left, self._send = entered, left, send
        self._connected: set[socket.socket] = set()
        self.missed = 0
        """Packets that an application did not take in time."""
        Path(path).unlink(missing_ok=True)  # of an agent that was killed
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listening.bind(path)
        self._listening.listen(MOST)
        self._listening.setblocking(False)
        daemon.on(Deliver, self._deliver)
        daemon.watch(self._listening.fileno(), self._accept)

    def _accept(self) -> None:
        try:
            connection, _ = self._listening.accept()
        except OSError:  # it has gone again
            return
        if len(self._connected) >= MOST:
            connection.close()
            return
        connection.setblocking(False)
        self._connected.add(connection)
        self._daemon.watch(connection.fileno(), lambda: self._read(connection))
        if len(self._connected) == 1:
            self._entered()

    def _read(self, connection: socket.socket) -> None:
        for _ in range(BUDGET):
            try:
                data = connection.recv(LARGEST)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self._drop(connection)
                return
            self._send(data)

    def _drop(self, connection: socket.socket) -> None:
        self._daemon.unwatch(connection.fileno())
        connection.close()
        self._connected.discard(connection)
        if not self._connected:
            self._left()

    def _deliver(self, packet: Deliver) -> None:
        for connection in self._connected:
            try:
                connection.send(packet.payload)
            except OSError:  # it is slow, or has ended, which will be read
                self.missed += 1
