"""Looking for the server of a position, one server asked after another.

A search walks along the servers before the position, each of which knows closer ones, until the
closest has said which are behind it. The first server at or after the position is then the one.
"""

from __future__ import annotations

from collections.abc import Iterable

from agents.i3.positions import distance, is_in, position_of
from agents.wire.chord import Answer
from agents.wire.i3 import Endpoint

MAXIMUM_QUESTIONS = 40
"""Of one search; those in a ring of 10,000 servers have about 8."""


class Lookup:
    """One search. ``next`` says whom to ask, until ``found`` has what there is."""

    def __init__(self, place: int, me: Endpoint, known: Iterable[Endpoint]) -> None:
        self.place = place
        self._me = me
        self._known = {*known} - {me}
        self._silent: set[Endpoint] = set()
        self._answers: dict[Endpoint, Answer] = {}

    def next(self) -> Endpoint | None:
        """Whom to ask next; None when the search has ended."""
        if not self._known or len(self._answers) + len(self._silent) >= MAXIMUM_QUESTIONS:
            return None
        # A server at the very position is the one, and not before it: from -1 it is the farthest.
        before = min(self._known, key=lambda one: distance(position_of(one), self.place - 1))
        owner = self._owner()
        return next((one for one in (before, owner) if one not in self._answers), None)

    def hear(self, server: Endpoint, answer: Answer | None) -> None:
        """A server has answered, or has not."""
        if answer is not None:
            self._answers[server] = answer
            named = {*answer.successors, *answer.closer}
            if answer.predecessor is not None:
                named.add(answer.predecessor)
            self._known |= named - self._silent - {self._me}
        if answer is None or answer.leaving:
            self._known.discard(server)
            self._silent.add(server)

    def found(self) -> tuple[Endpoint, Answer] | None:
        """The server that has the position, as far as anybody knows, and what it has said."""
        owner = self._owner() if self._known else None
        if owner is None or owner not in self._answers:
            return None
        return owner, self._answers[owner]

    def range(self) -> tuple[Endpoint, int] | None:
        """The server, and after which position all is its own, if it says itself that it has it."""
        found = self.found()
        if found is None or found[1].predecessor is None:
            return None
        owner, after = found[0], position_of(found[1].predecessor)
        return (owner, after) if is_in(self.place, after, position_of(owner)) else None

    def _owner(self) -> Endpoint:
        return min(self._known, key=lambda one: distance(self.place, position_of(one)))
