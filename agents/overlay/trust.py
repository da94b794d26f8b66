"""Which ways failed lately, and whom a root does not let pass on its packets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from agents.core import SECOND
from agents.overlay.config import OverlayConfig
from agents.wire.overlay import MemberId

_BLAMED = 60 * SECOND
_MEMORY = 4096
_LONGEST = 64


class Trust:
    """What one root has found out by receipts, in all its trees."""

    def __init__(self, config: OverlayConfig) -> None:
        self._config = config
        self._avoided: dict[tuple[MemberId, MemberId], int] = {}
        self._blamed: dict[MemberId, dict[MemberId, int]] = defaultdict(dict)
        self._distrusted: dict[MemberId, int] = {}
        self._times: dict[MemberId, int] = defaultdict(int)

    def avoid(self, parent: MemberId, child: MemberId, now: int) -> None:
        """A way failed: do not use it for a while."""
        if len(self._avoided) >= _MEMORY:
            self._avoided = {way: until for way, until in self._avoided.items() if until > now}
        self._avoided[parent, child] = now + self._config.avoid_time

    def blame(self, parent: MemberId, child: MemberId, now: int) -> None:
        """A child that is there got nothing from a parent that gets everything.

        Who fails two children within a minute is not trusted for a while, and longer each time: it
        may be broken, or not honest.
        """
        blamed = self._blamed[parent]
        blamed[child] = now
        if sum(now - when < _BLAMED for when in blamed.values()) >= 2:
            blamed.clear()
            self._times[parent] = min(2 * self._times[parent] or 1, _LONGEST)
            self._distrusted[parent] = now + self._times[parent] * _BLAMED

    def forgive(self, children: Collection[MemberId]) -> None:
        """There is no other way to these: try again what failed."""
        for way in [way for way in self._avoided if way[1] in children]:
            del self._avoided[way]
        self._distrusted.clear()

    def avoids(self, parent: MemberId, child: MemberId, now: int) -> bool:
        """Whether this way failed lately."""
        return self._avoided.get((parent, child), 0) > now

    def distrusts(self, member: MemberId, now: int) -> bool:
        """Whether a member is not to have children."""
        return self._distrusted.get(member, 0) > now

    def forget(self, member: MemberId) -> None:
        """A member is gone."""
        self._blamed.pop(member, None)
        self._times.pop(member, None)
        self._distrusted.pop(member, None)
        for way in [way for way in self._avoided if member in way]:
            del self._avoided[way]
