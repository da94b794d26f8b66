"""An application's side of an i3 client: a Unix socket that keeps packets apart.

Whoever is connected is in the group (``agents.roles.i3_applications``). A client that was killed
may be started again: then the application connects again.
"""

from __future__ import annotations

import socket


class Application:
    """One application of the client that listens at ``path``."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._socket: socket.socket | None = None

    def connect(self) -> socket.socket | None:
        """The connection, made if there is none; None while the client is not there."""
        if self._socket is None:
            made = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            try:
                made.connect(self._path)
            except OSError:
                made.close()
                return None
            self._socket = made
        return self._socket

    def send(self, data: bytes) -> None:
        """Send a packet to the group; OSError while the client is not there."""
        connection = self.connect()
        if connection is None:
            raise ConnectionRefusedError(self._path)
        try:
            connection.send(data)
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Leave the group."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
