"""What happens to the packets of one direction of a link: delay, jitter, loss."""

from __future__ import annotations

import random


class Impairment:
    """Decides for each packet, in order of arrival, when it leaves, or that it never does.

    Delay is uniform in ``delay ± jitter`` ns; a packet never overtakes an earlier one. Loss is
    independent per packet with probability ``loss``. The same seed gives the same decisions for
    the same number of packets, whatever happens on other links.
    """

    def __init__(self, delay: int, jitter: int, loss: float, seed: str) -> None:
        self._delay = delay
        self._jitter = jitter
        self._loss = loss
        self._random = random.Random(seed).random
        self._latest = 0

    def departure(self, arrival: int) -> int | None:
        """When a packet that arrives now leaves, in ns on the clock of ``arrival``; None: lost."""
        if self._loss and self._random() < self._loss:
            return None
        if not self._jitter:
            return arrival + self._delay
        delay = self._delay + int(self._jitter * (2 * self._random() - 1))
        self._latest = max(self._latest, arrival + max(0, delay))
        return self._latest
