"""What one member knows of the group's sources: how far it is from the founder, what it is itself.

The packets of the root's owner are source 0, by which distances are measured (section 3.2.1). Any
member may send, too, as a source of its own: who is far from the root's server has so much more
delay (section 3.2.2).
"""

from __future__ import annotations

from collections import Counter
from random import Random

from agents.i3.config import Metric
from agents.i3.measuring import ENOUGH, Reception
from agents.wire.i3_group import Data

FOUNDER = 0


class SourceDistance:
    """From the founder, by the tree."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._reception = Reception()
        self.value = 0
        """ns, of this host's clock less the source's; by another metric, what the way costs."""

    def begin(self, value: int) -> None:
        """By another way; what it costs is a hint, until packets come by it."""
        self.value = value
        self._reception = Reception()

    def hear(self, data: Data, now: int) -> None:
        """One of the founder's packets came."""
        if self._metric is Metric.DELAY:
            self.value = now - data.time_stamp
            return
        self._reception.hear(data, now)
        if self._reception.packets >= ENOUGH:
            self.value = self._reception.cost(self._metric, now)


class Sources:
    """The sources that one member is, or has been, and the last packet of each."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._own: int | None = None
        """Its number while it is not the root's owner, once it has sent."""
        self._sent: Counter[int] = Counter()

    def number(self, is_owner: bool) -> int:
        """Under which the member sends; ``is_owner``: whether the root is its own."""
        if is_owner:
            return FOUNDER
        if self._own is None:
            self._own = self._random.getrandbits(32) or 1
        return self._own

    def last(self, is_owner: bool) -> int:
        """The number of the last packet that was sent; 0: of none."""
        return self._sent[self.number(is_owner)]

    def next(self, payload: bytes, is_owner: bool, now: int) -> Data:
        """The next packet."""
        number = self.number(is_owner)
        self._sent[number] += 1
        return Data(number, self._sent[number], now, payload)

    def take_over(self, last: int) -> None:
        """The founder's packets are this member's from now on, after this one."""
        self._sent[FOUNDER] = last

    def is_back(self, data: Data, is_owner: bool) -> bool:
        """Whether a packet that came by the tree is one of those sent."""
        own = FOUNDER if is_owner else self._own
        return data.source == own and data.sequence <= self._sent[data.source]
