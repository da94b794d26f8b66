"""Whether others can join at a member, and how newcomers learn of that.

A member is in one of two sets of its parent identifier, the joinable or the full one, by a trigger
to itself (section 3.2). It sees how full its own identifier is by a dummy trigger (section 3.2.2).
"""

from __future__ import annotations

from random import Random

from agents.core import Action
from agents.deadlines import Deadlines
from agents.i3.config import GroupConfig
from agents.i3.identifiers import PREFIX, SUFFIX, chained, sets_of
from agents.i3.keeping import Keeper, Key
from agents.wire.i3 import Endpoint, Identifier, Insert, Remove

_PROBE = 0


class Sets:
    """The sets in which one member is, and its looks at its own identifier."""

    def __init__(self, me: Endpoint, keeper: Keeper, random: Random, config: GroupConfig) -> None:
        self._me = me
        self._keeper = keeper
        self._random = random
        self._config = config
        self._own = Identifier(b"")
        self.both = (self._own, self._own)
        """The joinable set and the full set of the member's level."""
        self.current = self._own
        """That in which the member belongs, as far as it knows."""
        self._dummy: Identifier | None = None
        self.joinable = True
        self.deadlines: Deadlines[int] = Deadlines()

    def enter(self, above: Identifier, own: Identifier, now: int) -> list[Action]:
        """Be joinable at an identifier of one's own, below another one."""
        self._own = own
        self._dummy = None
        self.both = sets_of(above)
        self._be(joinable=True)
        return self._keeper.keep((self.current, self._me), now)

    def leave(self) -> list[Action]:
        """Be in no set any more."""
        return self._leave(*self.both)

    def stop(self) -> None:
        """Look no more."""
        self.deadlines.cancel(_PROBE)

    def moved(self, me: Endpoint) -> None:
        """The member is at another endpoint; the keeper has its triggers lead there."""
        self._me = me

    def look_by(self, when: int) -> None:
        """See how full the identifier is, not later than this."""
        self.deadlines.set(_PROBE, min(when, self.deadlines.get(_PROBE, when)))

    def look(self, now: int) -> list[Action]:
        """Try to insert a dummy trigger at one's own identifier."""
        if self._dummy is None:
            randbytes = self._random.randbytes
            self._dummy = chained(self._own, randbytes(PREFIX), randbytes(SUFFIX))
        self.look_by(now + self._config.probe_period)
        return [self._keeper.request(Insert, (self._own, self._dummy))]

    def is_dummy(self, key: Key) -> bool:
        """Whether this is the trigger by which the member is looking."""
        return key == (self._own, self._dummy)

    def seen(self, joinable: bool, now: int) -> list[Action]:
        """The dummy trigger has been taken, or refused."""
        assert self._dummy is not None
        dummy, self._dummy = (self._own, self._dummy), None
        actions = [self._keeper.request(Remove, dummy)] if joinable else []
        if joinable == self.joinable:
            return actions
        self._be(joinable)
        # It goes out of the other set once it is in this one: a newcomer always finds it.
        return actions + self._keeper.keep((self.current, self._me), now)

    def accepted(self, key: Key) -> list[Action]:
        """A server has a trigger of this member's."""
        if key != (self.current, self._me):
            return []
        return self._leave(*(one for one in self.both if one != key[0]))

    def _be(self, joinable: bool) -> None:
        self.joinable = joinable
        self.current = self.both[0] if joinable else self.both[1]

    def _leave(self, *sets: Identifier) -> list[Action]:
        return [action for one in sets for action in self._keeper.drop((one, self._me))]
