"""Network coordinates: delays between any two members, told from a few that were measured.

Vivaldi (F. Dabek et al., SIGCOMM 2004): two coordinates, and a height for the access link. In ms.
"""

from __future__ import annotations

from math import hypot
from random import Random
from typing import NamedTuple

_GAIN = 0.25
_SMALLEST_HEIGHT = 0.1


class Coordinates(NamedTuple):
    """Where a member is, and how wrong that may be (0 to 1)."""

    x: float = 0.0
    y: float = 0.0
    height: float = _SMALLEST_HEIGHT
    error: float = 1.0


def distance(one: Coordinates, other: Coordinates) -> float:
    """The round-trip time that is to be expected, ms."""
    return hypot(one.x - other.x, one.y - other.y) + one.height + other.height


def measured(mine: Coordinates, theirs: Coordinates, rtt: float, random: Random) -> Coordinates:
    """Where this member is, now that a round-trip time (ms) was measured."""
    rtt = max(rtt, _SMALLEST_HEIGHT)
    expected = distance(mine, theirs)
    weight = mine.error / (mine.error + theirs.error) if mine.error + theirs.error else 0.5
    sample = abs(expected - rtt) / rtt
    error = min(1.0, sample * _GAIN * weight + mine.error * (1 - _GAIN * weight))
    dx, dy = mine.x - theirs.x, mine.y - theirs.y
    length = hypot(dx, dy)
    if not length:  # any direction, when both are in the same place
        dx, dy = random.uniform(-1, 1), random.uniform(-1, 1)
        length = hypot(dx, dy) or 1.0
    force = _GAIN * weight * (rtt - expected)
    spread = length + mine.height + theirs.height
    height = mine.height + force * (mine.height + theirs.height) / spread
    return Coordinates(
        mine.x + force * dx / length,
        mine.y + force * dy / length,
        max(height, _SMALLEST_HEIGHT),
        error,
    )
