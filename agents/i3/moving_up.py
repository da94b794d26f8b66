"""Moving up: a member takes the place of its parent, if that is gone (section 3.2.2).

A parent that leaves, or crashes, is in the sets of its level no more, but its identifier lives as
long as those below it refresh the triggers that lead to it. A member that probes the parent level
finds nobody there who has the identifier at which it joined, and of those who have joined there it
is the first: it has the parent's identifier from then on, and its own is left to those below.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from agents.core import SECOND, Action
from agents.deadlines import Deadlines
from agents.i3.actions import SendDatagram
from agents.i3.config import GroupConfig
from agents.i3.identifiers import sets_of
from agents.i3.keeping import Keeper, Key
from agents.i3.ring import HostDirectory
from agents.wire import i3_group
from agents.wire.i3 import HOP_LIMIT, Endpoint, Identifier, Packet
from agents.wire.i3_group import Distance, QueryDistance

ROUNDS = 3
"""So many questions in a row nobody answers who is there: messages may be lost."""
INSERTION_TIME = 5 * SECOND
"""A place whose server says nothing for so long is given up; ns."""
REACH = 8
"""Hops that a receiver's first cry for a place goes; one between servers takes two a level."""


def reach(failed: int) -> int:
    """How many hops a receiver's cry goes after some that did not help: ever more of them.

    Those who are just below the gap are asked first, since all others need do nothing then.
    """
    return min(REACH << min(failed, 8), HOP_LIMIT)


class ParentProbe:
    """What one member has heard from its parent's level and from its own.

    ``chain`` has the identifiers from the root's to the member's own, three at least.
    """

    def __init__(self, chain: Sequence[Identifier], me: Endpoint, nonce: int) -> None:
        grandparent, self._parent, self._own = chain[-3:]
        self.place: Key = (self._parent, me)
        """The trigger by which the member takes its parent's place."""
        self.question = QueryDistance(nonce, me)
        self.inserting = False
        """Whether the member is about to take the place."""
        self.rounds = 0
        """How many times it has asked."""
        self._above, self._beside = sets_of(grandparent), sets_of(self._parent)
        self._parent_answers = False
        self._is_first = True

    @property
    def queries(self) -> tuple[Identifier, ...]:
        """The sets to ask."""
        return *self._above, *self._beside

    def hear(self, reply: Distance, of: Identifier) -> None:
        """Somebody of one of the sets answers."""
        if of in self._above and reply.identifier == self._parent:
            self._parent_answers = True
        elif of in self._beside and reply.identifier < self._own:
            self._is_first = False

    @property
    def is_vain(self) -> bool:
        """Whether the parent is there, or another one should take its place."""
        return self._parent_answers or not self._is_first


class Climber:
    """Probes the parent level for one member, and has the trigger put there that it needs."""

    def __init__(
        self, keeper: Keeper, directory: HostDirectory, random: Random, config: GroupConfig
    ) -> None:
        self._keeper = keeper
        self._directory = directory
        self._random = random
        self._config = config
        self._probe: ParentProbe | None = None
        self.deadlines: Deadlines[Key] = Deadlines()

    def begin(self, chain: Sequence[Identifier], me: Endpoint, now: int) -> list[Action]:
        """See whether the parent is there, if that is not being done."""
        if self._probe is not None:
            return []
        self._probe = ParentProbe(chain, me, self._random.getrandbits(32))
        return self._ask(self._probe, now)

    def hear(self, reply: Distance, of: Identifier) -> bool:
        """Take an answer; whether it is one to a question of this member's."""
        if self._probe is None or reply.nonce != self._probe.question.nonce:
            return False
        self._probe.hear(reply, of)
        return True

    def is_place(self, key: Key) -> bool:
        """Whether this is the trigger by which the member takes its parent's place."""
        return self._probe is not None and self._probe.inserting and key == self._probe.place

    def arrived(self) -> None:
        """The parent's place is the member's."""
        if self._probe is not None:
            self.deadlines.cancel(self._probe.place)
            self._probe = None

    def stop(self) -> list[Action]:
        """The parent's place is not to be had, or not wanted any more."""
        probe = self._probe
        self.arrived()
        return self._keeper.drop(probe.place) if probe and probe.inserting else []

    def timer(self, now: int) -> list[Action]:
        """All who will answer have: take the parent's place if nobody has it."""
        return [action for _ in self.deadlines.due(now) for action in self._go_on(now)]

    def _go_on(self, now: int) -> list[Action]:
        probe = self._probe
        if probe is None or probe.inserting or probe.is_vain:
            return self.stop()
        if probe.rounds < ROUNDS:
            return self._ask(probe, now)
        probe.inserting = True
        self.deadlines.set(probe.place, now + INSERTION_TIME)
        return self._keeper.keep(probe.place, now)

    def _ask(self, probe: ParentProbe, now: int) -> list[Action]:
        probe.rounds += 1
        self.deadlines.set(probe.place, now + self._config.reply_time)
        return _question(probe.question, probe.queries, self._directory)


class Twins:
    """Whether a member that has moved up has been wrong: somebody else has its identifier."""

    def __init__(self, directory: HostDirectory, random: Random) -> None:
        self._directory = directory
        self._random = random
        self._nonce = 0
        self.looks_for_them = False

    def ask(self, parent: Identifier, me: Endpoint) -> list[Action]:
        """Ask the member's own level, if it has moved up to there."""
        if not self.looks_for_them:
            return []
        self._nonce = self._random.getrandbits(32)
        return _question(QueryDistance(self._nonce, me), sets_of(parent), self._directory)

    def is_answer(self, reply: Distance) -> bool:
        """Whether this answers the last question."""
        return self.looks_for_them and reply.nonce == self._nonce


def _question(
    question: QueryDistance, sets: Sequence[Identifier], directory: HostDirectory
) -> list[Action]:
    data = i3_group.encode(question)
    return [SendDatagram(Packet(one, data), directory.server_of(one)) for one in sets]
