"""When a receiver plays each packet, and which come too late for it.

Times are in ns. ``media`` is when a packet's first sample was taken, by its RTP timestamp, on a
clock of the sender's whose zero does not matter; ``arrival`` is by the receiver's clock. Packets
are given in the order of their arrival, without second copies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_SLOW = 0.998002
_FAST = 0.75
"""Alpha and beta of Ramjee et al., "Adaptive playout mechanisms for packetized audio applications
in wide-area networks", INFOCOM 1994."""
_DEVIATIONS = 4


@dataclass(frozen=True)
class Heard:
    """A packet of a stream, as it came."""

    media: int
    arrival: int
    speech: bool = True
    """Whether there is speech in it; without, it belongs to a pause."""


def play_fixed(packets: Sequence[Heard], delay: int) -> list[int | None]:
    """When each packet is played; None: it came too late and is discarded.

    The first packet waits for ``delay``, and so sets the clock of all others.
    """
    if not packets:
        return []
    offset = packets[0].arrival + delay - packets[0].media
    return [_if_in_time(packet, packet.media + offset) for packet in packets]


def play_adaptive(packets: Sequence[Heard], least: int) -> list[int | None]:
    """As ``play_fixed``, with a delay that follows the network's (Ramjee et al., algorithm 2).

    Estimates of the delay and its deviation rise fast and fall slowly; at the beginning of each
    talkspurt, where a longer or shorter pause is not heard, packets are given a delay of the one
    and four times the other, and at least ``least`` more than the one.
    """
    if not packets:
        return []
    estimate = float(packets[0].arrival - packets[0].media)
    deviation, offset = 0.0, 0
    in_speech, played = False, []
    for at, packet in enumerate(packets):
        transit = packet.arrival - packet.media
        weight = _FAST if transit > estimate else _SLOW
        estimate = weight * estimate + (1 - weight) * transit
        deviation = _SLOW * deviation + (1 - _SLOW) * abs(estimate - transit)
        if at == 0 or (packet.speech and not in_speech):
            offset = round(estimate + max(_DEVIATIONS * deviation, least))
        in_speech = packet.speech
        played.append(_if_in_time(packet, packet.media + offset))
    return played


def _if_in_time(packet: Heard, playout: int) -> int | None:
    return playout if packet.arrival <= playout else None
