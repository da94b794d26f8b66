"""What an end host knows of the servers: some by which to begin, and who has what it uses.

What it sends to an identifier whose server it does not know goes to an entry server, which passes
it on; and it asks whose that is. Only answers to its own questions, by their nonces, are believed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from agents.core import SECOND, Action
from agents.deadlines import AT_ONCE, Deadlines
from agents.i3.actions import SendDatagram
from agents.i3.positions import is_in, position
from agents.i3.ranges import Ranges
from agents.wire.i3 import Endpoint, Identifier, Locate, Responsible

RETRY = 1 * SECOND
"""After which a question is asked again; ns."""
TRIES = 3
"""After which a server that says nothing is taken for gone."""
MAXIMUM_RANGES = 256
MAXIMUM_QUESTIONS = 64
"""At the same time."""
MAXIMUM_MET = 8
"""How many servers that have answered are remembered, for when no entry server does."""


@dataclass(slots=True)
class _Question:
    place: int
    server: Endpoint | None
    """Who had it up to now; None: an entry server is to find out."""
    asked: int = 0


class Entries:
    """The directory of one end host on a Chord ring."""

    def __init__(self, entries: Sequence[Endpoint], random: Random) -> None:
        self._entries = tuple(entries)
        self._entry = self._entries[0]
        self._met: deque[Endpoint] = deque(maxlen=MAXIMUM_MET)
        self._random = random
        self._ranges = Ranges(MAXIMUM_RANGES)
        self._questions: dict[int, _Question] = {}
        """By their nonces."""
        self._places: dict[int, int] = {}
        """The nonce of each position that is asked about."""
        self._deadlines: Deadlines[int] = Deadlines()
        self.refused = 0
        """Answers that nobody asked for."""

    def server_of(self, identifier: Identifier) -> Endpoint:
        """The server; an entry server until it is known."""
        place = position(identifier)
        server = self._ranges.use(place)
        if server is not None:
            return server
        self._wonder(place, None)
        return self._entry

    def is_of(self, identifier: Identifier, server: Endpoint) -> bool:
        """Whether this is known to be the server that has the identifier."""
        found = self._ranges.at(position(identifier))
        return found is not None and found.server == server

    def silent(self, identifier: Identifier) -> None:
        """The server of an identifier does not answer: it is to be found out anew."""
        known = self._ranges.at(position(identifier))
        if known is not None:
            self._ranges.forget(known.server)

    def elsewhere(self, identifier: Identifier, server: Endpoint) -> None:
        """A server says that it has an identifier no more; whether or not, this host asks again."""
        self._ranges.forget_at(position(identifier), server)

    def answered(self, answer: Responsible, source: Endpoint, now: int) -> bool:
        """A server says what it has; whether that is what was asked for."""
        question = self._questions.get(answer.nonce)
        if question is None or not is_in(question.place, answer.after, answer.up_to):
            self.refused += 1
            return False
        self._drop(answer.nonce)
        self._ranges.learn(answer.after, answer.up_to, source, now)
        if source in self._met:
            self._met.remove(source)
        self._met.append(source)
        return True

    def timer(self, now: int) -> list[Action]:
        """Ask for what is not known, and for what may not be so any more."""
        for known in self._ranges.due(now):
            self._wonder(known.up_to, known.server)
        return [action for nonce in self._deadlines.due(now) for action in self._ask(nonce, now)]

    def next_deadline(self) -> int | None:
        """When ``timer`` is due next."""
        deadlines = self._deadlines.next(), self._ranges.next_deadline()
        return min((when for when in deadlines if when is not None), default=None)

    def _wonder(self, place: int, server: Endpoint | None) -> None:
        """Have the server of a position asked for."""
        if place not in self._places and len(self._questions) < MAXIMUM_QUESTIONS:
            nonce = self._places[place] = self._random.getrandbits(64)
            self._questions[nonce] = _Question(place, server)
            self._deadlines.set(nonce, AT_ONCE)

    def _ask(self, nonce: int, now: int) -> list[Action]:
        question = self._questions[nonce]
        if question.asked and question.server is None:
            self._enter_elsewhere()
        if question.asked >= TRIES:
            self._drop(nonce)
            if question.server is not None:
                self._ranges.forget(question.server)
            return []
        question.asked += 1
        self._deadlines.set(nonce, now + RETRY)
        server = question.server or self._entry
        return [SendDatagram(Locate(nonce, question.place), server)]

    def _enter_elsewhere(self) -> None:
        """The entry server says nothing: take another one."""
        others = {*self._entries, *self._met} - {self._entry}
        self._entry = self._random.choice(sorted(others)) if others else self._entry

    def _drop(self, nonce: int) -> None:
        del self._places[self._questions.pop(nonce).place]
        self._deadlines.cancel(nonce)
