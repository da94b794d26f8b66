"""Arrivals of an iperf3 stream, seen on the receiving host by a packet socket.

iperf3 itself only reports sums. Each inbound data packet of the stream gives a row:

* UDP: (iperf3's packet number, iperf3's time of sending, received_ns). iperf3 puts seconds,
  microseconds and the number, 32 bits each, at the start of its payload.
* TCP: (first byte's position in the stream, 0, received_ns). The first connection that carries data
  is iperf3's control channel and does not count.
"""

from __future__ import annotations

import socket
import struct

from agents.kernel import socket_filter
from emu.measure import filters
from emu.traffic import timestamps
from emu.traffic.arrivals import ArrivalsWriter
from emu.traffic.receiver import Receiver

_ETH_P_IPV6 = 0x86DD
_SOL_PACKET, _PACKET_IGNORE_OUTGOING = 263, 23
_IPV6_HEADER = 40
_SNAP = 128
_TCP, _UDP = 6, 17
_HALF, _WRAP = 1 << 31, 1 << 32


class UdpStream:
    """Reads iperf3's own header of each datagram."""

    protocol = _UDP
    _header = struct.Struct("!III")

    def row(self, packet: bytes, received_ns: int, realtime_offset: int) -> tuple[int, int] | None:
        """(number, sent_ns) of a data packet; None for the greeting before the stream."""
        payload = packet[_IPV6_HEADER + 8 :]
        if len(payload) < self._header.size:
            return None
        seconds, microseconds, number = self._header.unpack_from(payload)
        sent = seconds * 1_000_000_000 + microseconds * 1000
        # iperf3 stamps with CLOCK_MONOTONIC; builds without clock_gettime stamp wall-clock time.
        if abs(sent - realtime_offset - received_ns) < abs(sent - received_ns):
            sent -= realtime_offset
        return number, sent


class TcpStream:
    """Follows the data connection: the second one to the server's port on which data comes."""

    protocol = _TCP

    def __init__(self) -> None:
        self._first: dict[bytes, int] = {}
        self._talking: list[bytes] = []
        self._highest = 0

    def row(self, packet: bytes, received_ns: int, realtime_offset: int) -> tuple[int, int] | None:
        """(stream position, 0) of a segment with data; None for all else."""
        segment = packet[_IPV6_HEADER:]
        if len(segment) < 20:
            return None
        ends = packet[8:40] + segment[:4]
        (sequence,) = struct.unpack_from("!I", segment, 4)
        if segment[13] & 0x02:  # SYN
            self._first[ends] = sequence + 1
        header = (segment[12] >> 4) * 4
        (length,) = struct.unpack_from("!H", packet, 4)
        # A length of 0 is a segment beyond 64 KiB, joined by the host's receive offload.
        if length and length <= header:
            return None
        if ends not in self._talking:
            self._talking.append(ends)
        if self._talking.index(ends) != 1:
            return None
        return self._position(sequence - self._first.setdefault(ends, sequence)), 0

    def _position(self, offset: int) -> int:
        """The position whose lower 32 bits are ``offset``'s, near the highest seen so far."""
        ahead = (offset - self._highest + _HALF) % _WRAP - _HALF
        position = self._highest + ahead
        self._highest = max(self._highest, position)
        return position


def _open_socket(program: socket_filter.Program) -> socket.socket:
    """A packet socket on all interfaces that passes what the filter passes."""
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_IPV6))
    sock.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
    sock.setblocking(False)
    socket_filter.attach(sock, program)
    return sock


class FlowCapture(Receiver):
    """Records the arrivals of one stream until ``stop()``."""

    def __init__(self, protocol: str, port: int, path: str) -> None:
        stream = UdpStream() if protocol == "udp" else TcpStream()
        self._capture = _open_socket(filters.transport_port(stream.protocol, port, _SNAP))
        super().__init__(
            self._capture,
            lambda packet, received: stream.row(packet, received, timestamps.realtime_offset()),
            ArrivalsWriter(path),
        )

    def stop(self) -> None:
        """End the thread and flush."""
        super().stop()
        self._capture.close()
