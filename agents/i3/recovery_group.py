"""A member in its recovery group: where requests for lost packets go (section 5)."""

from __future__ import annotations

from agents.core import Action
from agents.deadlines import Deadlines
from agents.i3.config import GroupConfig, Recovery
from agents.i3.keeping import Keeper
from agents.i3.recovery import Repairs
from agents.wire.i3 import Endpoint, Identifier

_LOOK = 0


class RecoveryGroup:
    """The member's trigger in the anycast group of its parent identifier, and the one before."""

    def __init__(self, me: Endpoint, repairs: Repairs, keeper: Keeper, config: GroupConfig) -> None:
        self._me = me
        self._repairs = repairs
        self._keeper = keeper
        self._config = config
        self._triggers: list[tuple[Identifier, Endpoint]] = []
        self.deadlines: Deadlines[int] = Deadlines()

    def join(self, now: int) -> list[Action]:
        """Be where requests for repairs go; with the losses, that place changes."""
        if self._config.recovery is Recovery.OFF:
            return []
        self.deadlines.set(_LOOK, now + self._config.refresh_period)
        identifier = self._repairs.anycast_identifier()
        if self._triggers and self._triggers[-1][0] == identifier:
            return []
        # Both are there for a while: the group always has this member.
        left = self._keeper.drop(self._triggers.pop(0)) if len(self._triggers) > 1 else []
        self._triggers.append((identifier, self._me))
        return left + self._keeper.keep(self._triggers[-1], now)

    def stop(self) -> None:
        """The member gives up its place, and all its triggers with it."""
        self._triggers.clear()
        self.deadlines.cancel(_LOOK)

    def moved(self, me: Endpoint) -> None:
        """The member is at another endpoint; the keeper has its triggers lead there."""
        self._me = me
        self._triggers = [(identifier, me) for identifier, _ in self._triggers]

    def timer(self, now: int) -> list[Action]:
        """See whether the losses are still the same."""
        return [action for _ in self.deadlines.due(now) for action in self.join(now)]
