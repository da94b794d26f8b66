"""Where mobile nodes are attached, and so which nodes hear one another on a link."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import NamedTuple

from emu.measure.run import Run, mobile_node


class Stay(NamedTuple):
    """A mobile node at an access router, from link up to link down (CLOCK_MONOTONIC ns)."""

    router: str
    since: float
    until: float


class Places:
    """The stays of all mobile nodes of a run."""

    def __init__(self, run: Run) -> None:
        self._stays: defaultdict[str, list[Stay]] = defaultdict(list)
        self._links = {frozenset((link["a"], link["b"])) for link in run.meta.get("links", ())}
        for event in run.of_kind("l2_up", "l2_down"):
            stays = self._stays[mobile_node(event)]
            if event["kind"] == "l2_up":
                stays.append(Stay(event["mar"], event["t"], math.inf))
            elif stays:
                stays[-1] = stays[-1]._replace(until=event["t"])

    def stays(self, mn: str) -> list[Stay]:
        """The stays of a mobile node, in order of time."""
        return self._stays[mn]

    def back(self, mn: str, router: str, time_ns: int) -> float:
        """When a mobile node comes to a router after a time; infinity: never."""
        later = (s.since for s in self._stays[mn] if s.router == router and s.since > time_ns)
        return min(later, default=math.inf)

    def at(self, mn: str, time_ns: int) -> str | None:
        """The router that a mobile node hears: the new one as soon as its link to the old is down.

        The radio lets packets through a moment before a link is said to be up. None: no router.
        """
        return next((stay.router for stay in self._stays[mn] if time_ns < stay.until), None)

    def are_neighbours(self, one: str, other: str, time_ns: int) -> bool:
        """Whether two nodes are on one link at a time."""
        if frozenset((one, other)) in self._links:
            return True
        pairs = ((one, other), (other, one))
        return any(mn in self._stays and self.at(mn, time_ns) == router for mn, router in pairs)
