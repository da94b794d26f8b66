"""Users' packets where they pass: on an access link, in a tunnel, into an access router.

The captures of access routers, anchors and mobile nodes hold the headers of channels' packets and
of packets in tunnels. A tunnel's packets are seen where it begins, a channel's also where it ends.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Any

from emu.measure import packets, pcapng
from emu.measure.messages import realtime_offset
from emu.measure.pcapng import Capture
from emu.measure.run import Run
from emu.measure.stream import like
from emu.traffic import payload

_LINK_HEADER, _IPV6_HEADER, _ECHO_HEADER = 14, 40, 8
_ETHERTYPE_IPV6 = b"\x86\xdd"
_IPV6, _ICMPV6 = 41, 58
_TRANSPORTS = {6: "tcp", 17: "udp"}
_ECHO = (128, 129)
_IDENTITY = 80
"""Bytes of a packet that tell it from others: its header, and the start of what it carries."""


@dataclass(frozen=True)
class Passage:
    """A user's packet at one interface."""

    time_ns: int
    """CLOCK_MONOTONIC."""
    node: str
    interface: str
    outbound: bool
    tunnel: tuple[str, str] | None
    """The nodes at the tunnel's ends; None on a plain link."""
    length: int
    """Bytes of the IPv6 packet, with the tunnel's header."""
    overhead: int
    """Bytes of the tunnel's header: 40, unless it has options."""
    group: str | None
    """The multicast group that the packet is for."""
    numbers: tuple[tuple[str, int], ...]
    """What its flow is known by: ("tcp" or "udp", a port) or ("ping", the flow's number)."""
    packet: bytes
    """The same wherever the packet is seen, inside a tunnel or not."""

    def of(self, flow: dict[str, Any]) -> bool:
        """Whether the packet belongs to a flow of the run's meta data."""
        if "group" in flow:
            return self.group == str(flow["group"])
        return (flow["protocol"] or like(flow), flow.get("number")) in self.numbers


def of_run(run: Run) -> list[Passage]:
    """All passages of a run, in order of time."""
    found = [passage for capture in run.captures for passage in _of_capture(run, capture)]
    return sorted(found, key=lambda passage: passage.time_ns)


def entering_tunnels(passages: list[Passage]) -> list[Passage]:
    """Those that enter a tunnel where it begins."""
    return [p for p in passages if p.tunnel and p.outbound and p.tunnel[0] == p.node]


def _of_capture(run: Run, capture: Capture) -> Iterator[Passage]:
    offset = realtime_offset(capture.comment)
    for packet in capture.packets:
        interface = capture.interfaces[packet.interface]
        if interface.link_type != pcapng.ETHERNET or packet.direction == pcapng.UNKNOWN:
            continue
        data = packet.data[_LINK_HEADER:]
        if packet.data[12:14] != _ETHERTYPE_IPV6 or len(data) < _IPV6_HEADER:
            continue
        at, protocol, inner = packets.upper_layer(data)
        group = _group(data[inner + 24 : inner + 40])
        if not (inner or group) or _is_control(protocol, data[at : at + 1]):
            continue
        yield Passage(
            time_ns=packet.time_ns - offset,
            node=interface.description,
            interface=interface.name,
            outbound=packet.direction == pcapng.OUTBOUND,
            tunnel=_ends(run, data) if inner else None,
            length=packet.length - _LINK_HEADER,
            overhead=inner,
            group=group,
            numbers=tuple(_numbers(protocol, data[at:])),
            packet=data[inner : inner + 7] + data[inner + 8 : inner + _IDENTITY],
        )


def _ends(run: Run, outer: bytes) -> tuple[str, str]:
    return run.node_of(str(IPv6Address(outer[8:24]))), run.node_of(str(IPv6Address(outer[24:40])))


def _group(destination: bytes) -> str | None:
    """A multicast destination beyond the link."""
    beyond = destination[0] == 0xFF and destination[1] & 0x0F > 2
    return str(IPv6Address(destination)) if beyond else None


def _is_control(protocol: int, kind: bytes) -> bool:
    """Mobility headers, and ICMPv6 but for echoes."""
    if protocol == _ICMPV6:
        return not kind or kind[0] not in _ECHO
    return protocol not in _TRANSPORTS


def _numbers(protocol: int, body: bytes) -> Iterator[tuple[str, int]]:
    if protocol in _TRANSPORTS and len(body) >= 4:
        for port in struct.unpack_from("!HH", body):
            yield _TRANSPORTS[protocol], port
    elif protocol == _ICMPV6:
        header = payload.decode(body[_ECHO_HEADER:])
        if header is not None:
            yield "ping", header.flow_id
