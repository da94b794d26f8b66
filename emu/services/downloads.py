"""What a mobile node loaded from web servers, answer by answer: from whom, when, how, how far.

What was served the servers' logs say; when it came, and by which links, the captures.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from emu.events import Event
from emu.measure.run import Run
from emu.measure.tcp_packets import TcpPacket, of_port
from emu.services.nginx import PORT

_RADIO = "-radio"
"""Interfaces of access links end so."""
Connection = tuple[str, int]
"""The mobile node's address and port."""


@dataclass
class Exchange:
    """One request of a mobile node's, and its answer, as its interface saw them."""

    connection: Connection
    asked_ns: int
    first_ns: int | None = None
    last_ns: int | None = None
    answer: Event | None = None
    """What the server logged of it."""
    packets: list[TcpPacket] = field(default_factory=list)
    """Of the answer, on each link that they crossed."""


def exchanges(run: Run, node: str, seen: list[TcpPacket]) -> list[Exchange]:
    """Those of a mobile node, in order of time; without those that no server has logged.

    ``seen`` are the packets ``of_node``.
    """
    found = _at_node(seen, node)
    by_connection: defaultdict[Connection, list[Exchange]] = defaultdict(list)
    for one in found:
        by_connection[one.connection].append(one)
    for event in run.of_kind("http_request"):
        of_it = by_connection.get((event["client"], event["port"]), [])
        if 0 < event["request"] <= len(of_it):
            of_it[event["request"] - 1].answer = event
    _follow(seen, by_connection)
    return [one for one in found if one.answer is not None]


def of_node(run: Run, node: str) -> list[TcpPacket]:
    """The packets between a mobile node, or a cache in its name, and web servers."""
    return [
        packet
        for packet in of_port(run, PORT)
        if node in (run.node_of(packet.source), run.node_of(packet.destination))
    ]


def _at_node(packets: Iterable[TcpPacket], node: str) -> list[Exchange]:
    """What a mobile node asked for.

    New bytes that it sends begin an exchange, new bytes that come are its answer.
    """
    open_: dict[Connection, Exchange] = {}
    asked: dict[Connection, int] = {}
    got: dict[Connection, int] = {}
    found = []
    for packet in (one for one in packets if one.node == node and one.payload):
        end = packet.sequence + packet.payload
        if packet.outbound:
            connection = (packet.source, packet.source_port)
            if _is_after(end, asked.get(connection)):
                asked[connection] = end
                open_[connection] = Exchange(connection, packet.time_ns)
                found.append(open_[connection])
        else:
            connection = (packet.destination, packet.destination_port)
            current = open_.get(connection)
            if current is not None and _is_after(end, got.get(connection)):
                got[connection] = end
                current.first_ns = current.first_ns or packet.time_ns
                current.last_ns = packet.time_ns
    return found


def _is_after(sequence: int, other: int | None) -> bool:
    """Whether a sequence number comes after another one; they begin anew after 2^32."""
    return other is None or 0 < (sequence - other) & 0xFFFFFFFF < 1 << 31


def _follow(packets: Iterable[TcpPacket], found: dict[Connection, list[Exchange]]) -> None:
    """Give each exchange the packets of its answer."""
    for packet in packets:
        of_it = found.get((packet.destination, packet.destination_port), [])
        current = [one for one in of_it if one.asked_ns <= packet.time_ns]
        if current and packet.payload:
            current[-1].packets.append(packet)


def describe(run: Run, exchange: Exchange) -> dict[str, Any]:
    """An exchange as the record has it."""
    answer = exchange.answer
    assert answer is not None
    asked, first = exchange.asked_ns, exchange.first_ns
    last = exchange.last_ns or asked
    arrived = sum(p.length for p in exchange.packets if p.interface.endswith(_RADIO) and _came(p))
    return {
        "uri": answer["uri"],
        "at_s": run.seconds(asked),
        "first_byte_ms": (first - asked) / 1e6 if first else None,
        "ms": (last - asked) / 1e6,
        "bytes": answer["bytes"],
        "status": answer["status"],
        "from": answer["node"],
        "service": answer["service"],
        "cache": answer["cache"],
        "address": exchange.connection[0],
        "connection": exchange.connection[1],
        "tunnel_bytes": sum(p.length for p in exchange.packets if _enters_tunnel(run, p)),
        "links": sum(p.length for p in exchange.packets if _came(p)) / arrived if arrived else None,
    }


def core_bytes(seen: list[TcpPacket]) -> int:
    """Bytes of packets ``of_node`` on every link but radio, once a link.

    Also those between a cache and its origin, which are from and to the node's address.
    """
    return sum(
        packet.length for packet in seen if _came(packet) and not packet.interface.endswith(_RADIO)
    )


def _came(packet: TcpPacket) -> bool:
    """Whether it has crossed a link here."""
    return not packet.outbound


def _enters_tunnel(run: Run, packet: TcpPacket) -> bool:
    return (
        packet.outbound
        and packet.outer_source is not None
        and run.node_of(packet.outer_source) == packet.node
    )
