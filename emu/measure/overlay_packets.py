"""Channels' packets and overlays' datagrams on the links: how often each one crosses which.

A channel's packet has the header of our senders in it (``emu.traffic.payload``), natively sent or
in a datagram of an overlay, or of i3, that is not encrypted.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Any

from agents.roles.i3_port import PORT as I3_PORT
from agents.wire.amt import PORT as AMT_PORT
from agents.wire.overlay import PORT
from emu.measure import packets, pcapng
from emu.measure.pcapng import Capture
from emu.measure.run import Run
from emu.traffic import payload

_ETHERTYPE_IPV6 = b"\x86\xdd"
_LINK_HEADER, _IPV6_HEADER, _UDP = 14, 40, 17
_PORTS = tuple(port.to_bytes(2, "big") for port in (PORT, AMT_PORT, I3_PORT))


@dataclass(frozen=True, slots=True)
class Crossing:
    """A packet that leaves a node by one of its interfaces."""

    node: str
    interface: str
    source: str
    destination: str
    """The nodes at both ends of the datagram, by name; an address where there is none."""
    length: int
    """Bytes of the IPv6 packet."""
    channel: tuple[int, int] | None
    """The channel's packet in it: number of the flow, sequence number."""
    overlay: bool
    """Whether it is a datagram between members, or by the servers of i3."""


def crossings(run: Run) -> Iterator[Crossing]:
    """All of a run that are a channel's packets, or an overlay's datagrams."""
    for capture in run.captures:
        yield from _of_capture(run, capture)


def _of_capture(run: Run, capture: Capture) -> Iterator[Crossing]:
    for packet in capture.packets:
        interface = capture.interfaces[packet.interface]
        if interface.link_type != pcapng.ETHERNET or packet.direction != pcapng.OUTBOUND:
            continue
        data = packet.data[_LINK_HEADER:]
        if packet.data[12:14] != _ETHERTYPE_IPV6 or len(data) < _IPV6_HEADER:
            continue
        at, protocol, inner = packets.upper_layer(data)
        overlay = protocol == _UDP and data[at + 2 : at + 4] in _PORTS
        found = data.find(payload.MAGIC, at)
        header = payload.decode(data[found:]) if found >= 0 else None
        if not overlay and (header is None or data[inner + 24] != 0xFF):
            continue
        yield Crossing(
            interface.description,
            interface.name,
            run.node_of(str(IPv6Address(data[inner + 8 : inner + 24]))),
            run.node_of(str(IPv6Address(data[inner + 24 : inner + 40]))),
            packet.length - _LINK_HEADER,
            (header.flow_id, header.sequence) if header else None,
            overlay,
        )


def stress(seen: Iterable[Crossing]) -> dict[str, float | None]:
    """How often the same packet crosses the same link, in one direction (link stress).

    ``stress_mean`` is over all links that a packet crosses at all, ``stress_max`` the most.
    """
    copies = Counter((one.interface, one.channel) for one in seen if one.channel)
    if not copies:
        return {"stress_mean": None, "stress_max": None}
    return {"stress_mean": copies.total() / len(copies), "stress_max": max(copies.values())}


def links(seen: Iterable[Crossing]) -> list[dict[str, Any]]:
    """The overlay's links: what each member sent to which other, channels' packets and control."""
    sums: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for one in seen:
        if one.overlay and one.node == one.source:
            kind = "data" if one.channel else "control"
            sums[one.source, one.destination][f"{kind}_packets"] += 1
            sums[one.source, one.destination][f"{kind}_bytes"] += one.length
    keys = ("data_packets", "data_bytes", "control_packets", "control_bytes")
    return [
        {"from": ends[0], "to": ends[1], **{key: sums[ends][key] for key in keys}}
        for ends in sorted(sums)
    ]
