from __future__ import annotations

import socket
import struct

from emu.traffic.flow_capture import TcpStream, UdpStream

CLIENT, SERVER = (socket.inet_pton(socket.AF_INET6, end) for end in ("2001:db8::1", "2001:db8::2"))
SYN, DATA = 0x02, 0x18


def packet(protocol: int, transport: bytes, length: int | None = None) -> bytes:
    size = len(transport) if length is None else length
    return struct.pack("!IHBB", 6 << 28, size, protocol, 64) + CLIENT + SERVER + transport


def tcp(port: int, sequence: int, flags: int, payload: int) -> bytes:
    header = struct.pack("!HHIIBBHHH", port, 5201, sequence % 2**32, 0, 5 << 4, flags, 0, 0, 0)
    return packet(6, header, len(header) + payload)


def test_udp_rows_are_what_iperf_wrote() -> None:
    payload = struct.pack("!III", 12, 345_678, 9) + bytes(100)
    row = UdpStream().row(packet(17, bytes(8) + payload), 12_346_000_000, 1_700_000_000 * 10**9)
    assert row == (9, 12_345_678_000)


def test_udp_rows_of_an_iperf_that_stamps_wall_clock_time() -> None:
    payload = struct.pack("!III", 1_700_000_012, 345_678, 9)
    row = UdpStream().row(packet(17, bytes(8) + payload), 12_346_000_000, 1_700_000_000 * 10**9)
    assert row == (9, 12_345_678_000)


def test_the_udp_greeting_is_no_data() -> None:
    assert UdpStream().row(packet(17, bytes(8) + b"9876"), 0, 0) is None


def test_only_the_second_tcp_connection_counts() -> None:
    stream = TcpStream()
    assert stream.row(tcp(1000, 5, SYN, 0), 0, 0) is None
    assert stream.row(tcp(1000, 6, DATA, 37), 0, 0) is None
    assert stream.row(tcp(2000, 100, SYN, 0), 0, 0) is None
    assert stream.row(tcp(2000, 101, DATA, 1000), 0, 0) == (0, 0)
    assert stream.row(tcp(1000, 43, DATA, 1), 0, 0) is None
    assert stream.row(tcp(2000, 1101, DATA, 1000), 0, 0) == (1000, 0)
    assert stream.row(tcp(2000, 2101, 0x10, 0), 0, 0) is None  # nothing but an acknowledgement


def test_a_connection_that_was_refused_does_not_count() -> None:
    stream = TcpStream()
    for port in (900, 1000):
        stream.row(tcp(port, 5, SYN, 0), 0, 0)
    assert stream.row(tcp(1000, 6, DATA, 37), 0, 0) is None
    stream.row(tcp(2000, 100, SYN, 0), 0, 0)
    assert stream.row(tcp(2000, 101, DATA, 10), 0, 0) == (0, 0)


def test_positions_go_on_beyond_32_bits() -> None:
    stream = TcpStream()
    stream.row(tcp(1000, 6, DATA, 37), 0, 0)
    stream.row(tcp(2000, 2**32 - 101, SYN, 0), 0, 0)
    positions = []
    for step in (0, 2**30, 2**31 - 1, 3 * 2**30, 2**32, 2**32 + 2**30, 2**32 + 2**29):
        row = stream.row(tcp(2000, 2**32 - 100 + step, DATA, 10), 0, 0)
        assert row is not None
        positions.append(row[0])
    assert positions == [0, 2**30, 2**31 - 1, 3 * 2**30, 2**32, 2**32 + 2**30, 2**32 + 2**29]


def test_short_packets_are_ignored() -> None:
    assert TcpStream().row(packet(6, bytes(8)), 0, 0) is None
