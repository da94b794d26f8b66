from __future__ import annotations

import statistics
from ipaddress import IPv6Address

import pytest

from emu.network.impairment import Impairment, Impairments

MILLISECOND = 1_000_000


def test_a_plain_delay_is_exact() -> None:
    impairment = Impairment(5 * MILLISECOND, 0, 0.0, "seed")
    assert impairment.departure(123) == 123 + 5 * MILLISECOND


def test_jitter_is_uniform_around_the_delay() -> None:
    impairment = Impairment(5 * MILLISECOND, 2 * MILLISECOND, 0.0, "seed")
    # Packets so far apart that none could overtake another.
    arrivals = range(0, 20_000_000 * MILLISECOND, 10_000 * MILLISECOND)
    delays = [(impairment.departure(arrival) or 0) - arrival for arrival in arrivals]
    assert 3 * MILLISECOND <= min(delays) < 3.05 * MILLISECOND
    assert 6.95 * MILLISECOND < max(delays) <= 7 * MILLISECOND
    assert statistics.mean(delays) == pytest.approx(5 * MILLISECOND, rel=0.02)


def test_jitter_never_reorders_nor_sends_before_arrival() -> None:
    impairment = Impairment(1 * MILLISECOND, 5 * MILLISECOND, 0.0, "seed")
    arrivals = range(0, 1000 * MILLISECOND, MILLISECOND // 10)
    departures = [impairment.departure(arrival) or 0 for arrival in arrivals]
    assert departures == sorted(departures)
    assert all(out >= into for into, out in zip(arrivals, departures, strict=True))


def test_loss_has_its_rate_and_its_seed() -> None:
    def lost(seed: str) -> list[bool]:
        impairment = Impairment(0, 0, 0.1, seed)
        return [impairment.departure(arrival) is None for arrival in range(20_000)]

    assert statistics.mean(lost("7 a>b")) == pytest.approx(0.1, abs=0.01)
    assert lost("7 a>b") == lost("7 a>b")
    assert lost("7 a>b") != lost("7 b>a")


def test_all_or_nothing() -> None:
    assert Impairment(0, 0, 1.0, "seed").departure(5) is None
    assert Impairment(0, 0, 0.0, "seed").departure(5) == 5


def test_each_destination_has_its_own() -> None:
    plain = {"delay": 0, "jitter": 0, "loss": 0.0}
    toward = {
        "2001:db8::1": {**plain, "delay": 5},
        "2001:db8::2": {**plain, "delay": 7},
        "2001:db8::3": {**plain, "loss": 1.0},
    }
    impairments = Impairments({**plain, "delay": 1, "toward": toward}, "seed", slice(2, 18))

    def departure(address: str) -> int | None:
        frame = b"h " + IPv6Address(address).packed + b"rest"
        return impairments.of(frame).departure(100)

    assert [departure(f"2001:db8::{n}") for n in (1, 2, 3, 4, 1)] == [105, 107, None, 101, 105]
    assert impairments.of(b"short").departure(100) == 101
