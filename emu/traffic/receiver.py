"""A thread that writes down what arrives on a socket, while the main thread keeps the times."""

from __future__ import annotations

import os
import select
import socket
import threading
from collections.abc import Callable

from emu.traffic import timestamps
from emu.traffic.arrivals import ArrivalsWriter

Row = tuple[int, int]
_BUFFER = 65_536
_SO_RCVBUFFORCE = 33
_RECEIVE_BUFFER = 8 << 20


class Receiver(threading.Thread):
    """Receives until ``stop()``; ``decode`` makes (sequence, sent_ns) of a datagram, or None."""

    def __init__(
        self,
        sock: socket.socket,
        decode: Callable[[bytes, int], Row | None],
        writer: ArrivalsWriter,
    ) -> None:
        super().__init__(daemon=True)
        self._socket = sock
        self._decode = decode
        self._writer = writer
        self._wake = os.eventfd(0)
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER)
        timestamps.enable(sock)

    def run(self) -> None:
        """Record arrivals until woken, then what is still queued."""
        clock = timestamps.ArrivalClock()
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        stopping = False
        while not stopping:
            stopping = any(descriptor == self._wake for descriptor, _ in poll.poll())
            self._drain(clock)

    def _drain(self, clock: timestamps.ArrivalClock) -> None:
        while True:
            try:
                data, ancillary, _, _ = self._socket.recvmsg(_BUFFER, timestamps.ANCILLARY_SIZE)
            except BlockingIOError:
                return
            except OSError:
                continue  # an ICMPv6 error or a link that went down: reading it has cleared it
            received = clock.monotonic(ancillary)
            row = self._decode(data, received)
            if row is not None:
                self._writer.append(*row, received)

    def stop(self) -> None:
        """Take what is queued, end the thread and flush."""
        os.eventfd_write(self._wake, 1)
        self.join()
        os.close(self._wake)
        self._writer.close()
