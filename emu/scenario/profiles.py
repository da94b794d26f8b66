"""Radio access by name: what a kind of radio does to packets, down to a mobile node and up.

Where each figure is from is in docs/topologies.md.
"""

from __future__ import annotations

from dataclasses import dataclass

_MS = 1_000_000


@dataclass(frozen=True)
class Profile:
    """One kind of radio: rates in bit/s, times in ns; the delay is one way, the same both ways."""

    down: int
    up: int
    delay: int
    jitter: int
    loss: float


PROFILES = {
    "3g": Profile(5_900_000, 1_600_000, 32 * _MS, 6 * _MS, 1e-4),
    "wifi": Profile(30_000_000, 30_000_000, 1 * _MS, 500_000, 0.0),
    "lte": Profile(14_700_000, 13_600_000, 27 * _MS, 4 * _MS, 1e-6),
}
