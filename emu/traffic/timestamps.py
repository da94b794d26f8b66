"""Kernel receive timestamps, converted to CLOCK_MONOTONIC.

The kernel stamps packets as they enter the host, with CLOCK_REALTIME (SO_TIMESTAMPNS): a receiver
that is scheduled late still records the true time. Both clocks are slewed alike and differ by a
constant unless somebody sets the time, so the difference is measured again every second.
"""

from __future__ import annotations

import socket
import struct
import time

SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("@ll")
_REFRESH_NS = 1_000_000_000
ANCILLARY_SIZE = socket.CMSG_SPACE(_TIMESPEC.size)

Ancillary = list[tuple[int, int, bytes]]


def enable(sock: socket.socket) -> None:
    """Ask the kernel to stamp what the socket receives."""
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)


def realtime_of(ancillary: Ancillary) -> int | None:
    """The kernel's timestamp, in ns since 1970, out of ``recvmsg`` ancillary data."""
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
            seconds, nanoseconds = _TIMESPEC.unpack_from(data)
            return int(seconds) * 1_000_000_000 + int(nanoseconds)
    return None


def realtime_offset() -> int:
    """CLOCK_REALTIME minus CLOCK_MONOTONIC in ns, from the tightest of a few readings."""
    readings = []
    for _ in range(5):
        before = time.monotonic_ns()
        realtime = time.time_ns()
        after = time.monotonic_ns()
        readings.append((after - before, realtime - (before + after) // 2))
    return min(readings)[1]


class ArrivalClock:
    """Turns kernel timestamps into CLOCK_MONOTONIC."""

    def __init__(self) -> None:
        self._offset = realtime_offset()
        self._measured_at = time.monotonic_ns()

    def monotonic(self, ancillary: Ancillary) -> int:
        """The packet's arrival; the present time when the kernel gave no timestamp."""
        now = time.monotonic_ns()
        if now - self._measured_at > _REFRESH_NS:
            self._offset = realtime_offset()
            self._measured_at = now
        realtime = realtime_of(ancillary)
        return now if realtime is None else realtime - self._offset
