"""Which mobile nodes listen to a group at an access router, and when."""

from __future__ import annotations

import math
from collections import defaultdict

from emu.measure.places import Places
from emu.measure.stream import Stream

Interval = tuple[float, float]
"""Since and until, CLOCK_MONOTONIC ns."""


class Listening:
    """The times at which any mobile node at a router listens to a group, of one run."""

    def __init__(self, places: Places, streams: list[Stream]) -> None:
        self._times: defaultdict[tuple[str, str], list[Interval]] = defaultdict(list)
        for stream in streams:
            if "group" not in stream.flow:
                continue
            for router, since, until in places.stays(stream.flow["to"]):
                for joined, left in stream.windows:
                    both = (max(since, joined), min(until, left))
                    if both[0] < both[1]:
                        self._times[router, stream.flow["group"]].append(both)

    def at(self, router: str, group: str, time_ns: int) -> bool:
        """Whether anybody there listens."""
        return any(since <= time_ns < until for since, until in self._times[router, group])

    def next(self, router: str, group: str, time_ns: int) -> float:
        """When somebody there listens at that time or again; infinity: never."""
        times = self._times[router, group]
        return min(
            (max(since, time_ns) for since, until in times if until > time_ns), default=math.inf
        )
