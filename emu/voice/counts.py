"""What became of the packets of one direction of a call, in numbers."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from emu.voice import rtp
from emu.voice.passage import Passage, Seen


def counts(received: Sequence[Seen], way: Sequence[Passage]) -> dict[str, Any]:
    """What a record says of it: packets by what became of them, delay from link to link, jitter."""
    headers = [seen.header for seen in received]
    arrived = [packet for packet in way if packet.arrived_ns is not None]
    return {
        "ssrc": sorted({header.ssrc for header in headers}),
        "sent": len(way),
        "unsent": sum(packet.left_ns is None for packet in way),
        "received": len(arrived),
        "lost": len(way) - len(arrived),
        "discarded": sum(packet.played_ns is None for packet in arrived),
        "duplicated": len(received) - len({(h.sequence, h.timestamp) for h in headers}),
        "reordered": _reordered(arrived),
        "delay_ms": _delay_ms(arrived),
        "jitter_ms": _jitter_ms(arrived),
    }


def _reordered(arrived: Sequence[Passage]) -> int:
    """Packets that came after one with a higher number (RFC 4737 section 3.3)."""
    highest, late = -1, 0
    for packet in sorted(arrived, key=lambda packet: packet.arrived_ns or 0):
        late += packet.number < highest
        highest = max(highest, packet.number)
    return late


def median_delay_ms(way: Sequence[Passage]) -> float | None:
    """One way, from link to link; None if no packet was seen on both."""
    delays = _delays_ms(way)
    return statistics.median(delays) if delays else None


def _delay_ms(way: Sequence[Passage]) -> dict[str, float] | None:
    delays = _delays_ms(way)
    if not delays:
        return None
    return {"min": min(delays), "median": statistics.median(delays), "max": max(delays)}


def _delays_ms(way: Sequence[Passage]) -> list[float]:
    return [
        (packet.arrived_ns - packet.left_ns) / 1e6
        for packet in way
        if packet.arrived_ns is not None and packet.left_ns is not None
    ]


def _jitter_ms(arrived: Sequence[Passage]) -> float | None:
    """The interarrival jitter at the end (RFC 3550 section 6.4.1)."""
    if not arrived:
        return None
    order = sorted(arrived, key=lambda packet: packet.arrived_ns or 0)
    return rtp.interarrival_jitter(
        (packet.sampled_ns / 1e6 for packet in order),
        ((packet.arrived_ns or 0) / 1e6 for packet in order),
    )
