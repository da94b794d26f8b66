"""TCP packets of one port, at each end of each link that they crossed."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv6Address

from emu.measure import packets, pcapng
from emu.measure.messages import realtime_offset
from emu.measure.pcapng import Capture
from emu.measure.run import Run

_LINK_HEADER, _IPV6_HEADER, _TCP = 14, 40, 6
_ETHERTYPE_IPV6 = b"\x86\xdd"
_HEADER = struct.Struct("!HHIIBB")


@dataclass(frozen=True)
class TcpPacket:
    """A packet at one interface."""

    time_ns: int
    """CLOCK_MONOTONIC."""
    node: str
    interface: str
    outbound: bool
    length: int
    """Bytes of the IPv6 packet, with a tunnel's header if there is one."""
    outer_source: str | None
    """Where the tunnel that it is in begins; None: in none."""
    source: str
    source_port: int
    destination: str
    destination_port: int
    sequence: int
    """Of the first byte that it carries."""
    payload: int
    """How many bytes it carries."""


def of_port(run: Run, port: int) -> list[TcpPacket]:
    """All that went to or from a port, in order of time."""
    found = [packet for capture in run.captures for packet in of_capture(capture, port)]
    return sorted(found, key=lambda packet: packet.time_ns)


def of_capture(capture: Capture, port: int) -> Iterator[TcpPacket]:
    """Those of one capture, as they were captured."""
    offset = realtime_offset(capture.comment)
    for packet in capture.packets:
        interface = capture.interfaces[packet.interface]
        data = packet.data[_LINK_HEADER:]
        if interface.link_type != pcapng.ETHERNET or packet.direction == pcapng.UNKNOWN:
            continue
        if packet.data[12:14] != _ETHERTYPE_IPV6 or len(data) < _IPV6_HEADER:
            continue
        at, protocol, inner = packets.upper_layer(data)
        if protocol != _TCP or len(data) < at + _HEADER.size:
            continue
        source, destination, sequence, _, offset_, _ = _HEADER.unpack_from(data, at)
        if port not in (source, destination):
            continue
        length = packet.length - _LINK_HEADER
        yield TcpPacket(
            time_ns=packet.time_ns - offset,
            node=interface.description,
            interface=interface.name,
            outbound=packet.direction == pcapng.OUTBOUND,
            length=length,
            outer_source=_address(data, 8) if inner else None,
            source=_address(data, inner + 8),
            source_port=source,
            destination=_address(data, inner + 24),
            destination_port=destination,
            sequence=sequence,
            payload=length - at - 4 * (offset_ >> 4),
        )


def _address(data: bytes, at: int) -> str:
    return str(IPv6Address(data[at : at + 16]))
