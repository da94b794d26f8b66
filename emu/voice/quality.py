"""How good a call sounded: the E-model over all of it, over time, and around a handover."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from emu.voice import e_model
from emu.voice.codecs import Codec
from emu.voice.passage import Passage

WINDOW_NS = 2_000_000_000
"""What is rated at once: long enough for a share of packets, short enough to see a handover."""
STEP_NS = 500_000_000


@dataclass(frozen=True)
class Score:
    """What the E-model says of some packets of one direction."""

    mos: float
    R: float
    loss_percent: float
    """Packets that were not played, whether lost or discarded."""
    burst_ratio: float
    delay_ms: float | None
    """Mean delay from mouth to ear of those that were; None if none was."""


def score(packets: Sequence[Passage], back: Sequence[Passage], codec: Codec) -> Score | None:
    """How one direction of a call sounded; ``back`` are the other one's packets of the time.

    An echo takes both ways; where the way back has no delay, it is taken to be that of the way
    there. None: there was no packet. Where nothing was played, nothing is heard: R is 0.
    """
    if not packets:
        return None
    missing = [packet.played_ns is None for packet in packets]
    loss, ratio = 100 * sum(missing) / len(missing), burst_ratio(missing)
    delay = _mean_delay_ms(packets)
    if delay is None:
        return Score(e_model.mos(0), 0.0, loss, ratio, None)
    round_trip = delay + (_mean_delay_ms(back) or delay)
    rating = e_model.rate(
        e_model.Parameters(
            T=round_trip / 2,
            Ta=delay,
            Tr=round_trip,
            Ie=codec.Ie,
            Bpl=codec.Bpl,
            Ppl=loss,
            BurstR=ratio,
        )
    )
    return Score(rating.mos, rating.R, loss, ratio, delay)


def within(packets: Sequence[Passage], start_ns: int, end_ns: int) -> list[Passage]:
    """Those that were spoken from ``start_ns`` until before ``end_ns``."""
    first, last = (
        bisect_left(packets, at, key=lambda packet: packet.sampled_ns) for at in (start_ns, end_ns)
    )
    return list(packets[first:last])


def over_time(
    packets: Sequence[Passage], back: Sequence[Passage], codec: Codec
) -> list[tuple[int, Score]]:
    """The score of every window of ``WINDOW_NS``, one each ``STEP_NS``, with its middle."""
    if not packets:
        return []
    scores = []
    last = packets[-1].sampled_ns - WINDOW_NS
    for start in range(packets[0].sampled_ns, max(last, packets[0].sampled_ns) + 1, STEP_NS):
        end = start + WINDOW_NS
        found = score(within(packets, start, end), within(back, start, end), codec)
        if found is not None:
            scores.append((start + WINDOW_NS // 2, found))
    return scores


def burst_ratio(missing: Sequence[bool]) -> float:
    """BurstR of G.107: the mean length of the runs of missing packets, over that of random loss.

    Where each packet is missing with probability p, independently, runs have a mean length of
    1 / (1 - p). At least 1: the model knows nothing more even than chance.
    """
    lost = sum(missing)
    if not lost or lost == len(missing):
        return 1.0
    runs = sum(
        now and not before for before, now in zip([False, *missing[:-1]], missing, strict=True)
    )
    return max(1.0, lost / runs * (1 - lost / len(missing)))


def longest_silence(packets: Sequence[Passage]) -> int:
    """The most packets one after the other that were not played."""
    longest = now = 0
    for packet in packets:
        now = 0 if packet.played_ns is not None else now + 1
        longest = max(longest, now)
    return longest


def _mean_delay_ms(packets: Sequence[Passage]) -> float | None:
    delays = [packet.heard_after_ns for packet in packets if packet.heard_after_ns is not None]
    return sum(delays) / len(delays) / 1e6 if delays else None
