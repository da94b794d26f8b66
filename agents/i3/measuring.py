"""Other metrics than delay: places are measured before one is taken (section 3.2.2).

What receivers say of their own loss or bandwidth is a hint only, since it has their last hops in
it, which others below do not meet. So a newcomer has triggers at the places that look best for a
while, all of which lead to itself, and compares what comes by each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agents.core import SECOND, Action
from agents.i3.actions import SendDatagram
from agents.i3.config import Metric
from agents.i3.joining import Place
from agents.i3.keeping import Keeper
from agents.wire import i3_group
from agents.wire.i3 import Endpoint, Identifier, Packet
from agents.wire.i3_group import Data, Joined

CANDIDATES = 3
"""How many places are measured at a time."""
MEASURING_TIME = 5 * SECOND
"""How long, ns."""
ENOUGH = 16
"""Packets after which a member says what it has measured itself."""
NOTHING_CAME = 1 << 62
"""What a place costs by which no packet has come."""
_BILLION = 10**9


class Reception:
    """What has come of the source's packets by one way, and what that is worth.

    What it costs is the less the better, as a distance is: of loss the share in billionths, of
    bandwidth the ns that a kilobyte (1,000 octets) of data takes.
    """

    def __init__(self) -> None:
        self.packets = 0
        self._octets = 0
        self._first = self._last = 0
        self._since = 0

    def hear(self, data: Data, now: int) -> None:
        """A packet came."""
        if not self.packets:
            self._first = self._last = data.sequence
            self._since = now
        else:
            self._octets += len(data.payload)
        self.packets += 1
        self._first, self._last = min(self._first, data.sequence), max(self._last, data.sequence)

    def cost(self, metric: Metric, now: int) -> int:
        """What the way costs by one of the metrics that are measured."""
        if metric is Metric.BANDWIDTH:
            return (now - self._since) * 1000 // self._octets if self._octets else NOTHING_CAME
        if not self.packets:
            return NOTHING_CAME
        sent = self._last - self._first + 1
        return max(0, sent - self.packets) * _BILLION // sent


class Trials:
    """One newcomer's measurements of the places that look best."""

    def __init__(self, places: Sequence[Place], me: Endpoint, keeper: Keeper) -> None:
        self._places = [*places]
        self._tried = {place.path[-1]: Reception() for place in places[:CANDIDATES]}
        self._me = me
        self._keeper = keeper

    def begin(self, now: int) -> list[Action]:
        """Have triggers at the places lead here."""
        keys = [(identifier, self._me) for identifier in self._tried]
        return [action for key in keys for action in self._keeper.keep(key, now)]

    def hear(self, identifier: Identifier, data: Data, now: int) -> None:
        """A packet came by the trigger at an identifier."""
        if identifier in self._tried:
            self._tried[identifier].hear(data, now)

    def end(self) -> list[Action]:
        """Take the triggers away, and have the owners see that there is room again."""
        actions: list[Action] = []
        for place in self._places[:CANDIDATES]:
            identifier = place.path[-1]
            actions += self._keeper.drop((identifier, self._me))
            joined = Packet(identifier, i3_group.encode(Joined(identifier)))
            actions.append(SendDatagram(joined, place.owner))
        return actions

    def found(self, metric: Metric, now: int) -> list[Place]:
        """All places, the best first: those that were measured, by that, before those that were
        not; one by which nothing came is the last."""

        def measured(place: Place) -> Place:
            return replace(place, distance=self._tried[place.path[-1]].cost(metric, now))

        tried = [measured(place) for place in self._places[:CANDIDATES]]
        tried.sort(key=lambda place: place.distance)
        good = [place for place in tried if place.distance < NOTHING_CAME]
        return [*good, *self._places[CANDIDATES:], *tried[len(good) :]]
