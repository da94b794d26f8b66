"""When a receiver plays each packet, and which come too late for it.

Times are in ns. ``media`` is when a packet's first sample was taken, by its RTP timestamp, on a
clock of the sender's whose zero does not matter; ``arrival`` is by the receiver's clock. Packets
are given in the order of their arrival, without second copies.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

_SLOW = 0.998002
_FAST = 0.75
"""Alpha and beta of Ramjee et al., "Adaptive playout mechanisms for packetized audio applications
in wide-area networks", INFOCOM 1994."""
_DEVIATIONS = 4
_RECENT = 100


@dataclass(frozen=True)
class Heard:
    """A packet of a stream, as it came."""

    media: int
    arrival: int
    speech: bool = True
    """Whether there is speech in it; without, it belongs to a pause."""


def play_fixed(packets: Sequence[Heard], delay: int) -> list[int | None]:
    """When each packet is played; None: it came too late and is discarded.

    Each has ``delay`` more than the fastest of the last ``_RECENT`` had, as they were at the
    beginning of its talkspurt, where a longer or shorter pause is not heard.
    """
    played: list[int | None] = []
    recent: deque[int] = deque(maxlen=_RECENT)
    offset = 0
    for packet, begins in zip(packets, _beginnings(packets), strict=True):
        recent.append(packet.arrival - packet.media)
        if begins:
            offset = min(recent) + delay
        played.append(_if_in_time(packet, packet.media + offset))
    return played


def play_adaptive(packets: Sequence[Heard], least: int) -> list[int | None]:
    """As ``play_fixed``, with a delay that follows the network's (Ramjee et al., algorithm 2).

    Estimates of the network's delay and its deviation rise fast and fall slowly; from the beginning
    of a talkspurt on packets have a delay of the one and four times the other, and at least
    ``least`` more than the one.
    """
    played: list[int | None] = []
    estimate = float(packets[0].arrival - packets[0].media) if packets else 0.0
    deviation, offset = 0.0, 0
    for packet, begins in zip(packets, _beginnings(packets), strict=True):
        transit = packet.arrival - packet.media
        weight = _FAST if transit > estimate else _SLOW
        estimate = weight * estimate + (1 - weight) * transit
        deviation = _SLOW * deviation + (1 - _SLOW) * abs(estimate - transit)
        if begins:
            offset = round(estimate + max(_DEVIATIONS * deviation, least))
        played.append(_if_in_time(packet, packet.media + offset))
    return played


def _beginnings(packets: Sequence[Heard]) -> list[bool]:
    """Which packets are the first of all, or of a talkspurt."""
    before = [None, *(packet.speech for packet in packets)]
    return [
        last is None or (packet.speech and not last)
        for packet, last in zip(packets, before, strict=False)
    ]


def _if_in_time(packet: Heard, playout: int) -> int | None:
    return playout if packet.arrival <= playout else None
