"""One direction of a call: every packet of it, from the speaker's mouth to the listener's ear."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from emu.voice import rtp
from emu.voice.jitter_buffer import Heard
from emu.voice.rtp import Header

Playout = Callable[[Sequence[Heard]], list["int | None"]]
"""A jitter buffer: when it plays each packet of those that came."""


@dataclass(frozen=True)
class Seen:
    """An RTP packet at one end of the call."""

    time_ns: int
    header: Header
    speech: bool = True


@dataclass(frozen=True)
class Passage:
    """What one packet went through; times in ns by one clock."""

    number: int
    sampled_ns: int
    """When its first sample was spoken."""
    left_ns: int | None = None
    """None: it was never on the sender's link, which was down."""
    arrived_ns: int | None = None
    """None: it was lost."""
    played_ns: int | None = None
    """None: lost, or it came too late and was discarded."""

    @property
    def heard_after_ns(self) -> int | None:
        """From mouth to ear: packet, network and jitter buffer."""
        return None if self.played_ns is None else self.played_ns - self.sampled_ns


def passages(
    sent: Sequence[Seen],
    received: Sequence[Seen],
    playout: Playout,
    clock: int,
    frame_ns: int,
    until_ns: int,
) -> list[Passage]:
    """Every packet from the first that was sent until a time, by sequence number.

    A packet that neither end saw was spoken all the same, and not heard. ``clock`` is that of the
    RTP timestamps in Hz; a packet is full ``frame_ns`` after its first sample, and leaves then, as
    most do: the one that gives the clock is the median.
    """
    if not sent:
        return []
    first = sent[0].header
    departures = _by_number(sent, first)
    arrivals = _by_number(received, first)
    media = {number: _media(seen, first, clock) for number, seen in departures.items()}
    media |= {number: _media(seen, first, clock) for number, seen in arrivals.items()}
    epoch = round(statistics.median(s.time_ns - media[n] for n, s in departures.items())) - frame_ns
    heard = [Heard(media[n], seen.time_ns, seen.speech) for n, seen in arrivals.items()]
    played = dict(zip(arrivals, playout(heard), strict=True))
    last = first.sequence + (until_ns - epoch) // frame_ns
    return [
        Passage(
            number,
            epoch + media.get(number, (number - first.sequence) * frame_ns),
            _time(departures.get(number)),
            _time(arrivals.get(number)),
            played.get(number),
        )
        for number in range(first.sequence, last + 1)
    ]


def _by_number(seen: Sequence[Seen], first: Header) -> dict[int, Seen]:
    """The first copy of each packet, in the order in which they were seen."""
    numbers = rtp.unwrap(
        (one.header.sequence for one in seen), rtp.SEQUENCE_BITS, near=first.sequence
    )
    found: dict[int, Seen] = {}
    for number, one in zip(numbers, seen, strict=True):
        found.setdefault(number, one)
    return found


def _media(seen: Seen, first: Header, clock: int) -> int:
    """Its RTP timestamp in ns since the first packet's."""
    half = 1 << (rtp.TIMESTAMP_BITS - 1)
    ticks = (seen.header.timestamp - first.timestamp + half) % (2 * half) - half
    return ticks * 1_000_000_000 // clock


def _time(seen: Seen | None) -> int | None:
    return None if seen is None else seen.time_ns
