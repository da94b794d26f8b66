"""Questions that one server has asked others, each until it is answered or given up.

A server believes only what is said in answer to a question of its own, which has a nonce: what has
been recorded and is sent again says nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from agents.core import SECOND, Action
from agents.deadlines import Deadlines
from agents.i3.actions import SendDatagram
from agents.wire import chord
from agents.wire.chord import Answer, Ask
from agents.wire.i3 import Endpoint, Ring

RETRY = 1 * SECOND
"""After which a question is asked again; ns."""
TRIES = 5
"""After which a server that says nothing is taken for gone."""

Then = Callable[[Answer | None, int], list[Action]]
"""What to do with the answer, or with None if there is none."""


class Seal:
    """Makes and opens one server's messages on the ring."""

    def __init__(self, me: Endpoint, key: bytes) -> None:
        self._me = me
        self._key = key

    def send(self, message: chord.Message, to: Endpoint) -> Action:
        """Send to another server."""
        return SendDatagram(Ring(chord.seal(message, self._key, self._me, to)), to)

    def open(self, message: Ring, source: Endpoint) -> chord.Message:
        """What another server says; raises what ``chord.unseal`` does."""
        return chord.unseal(message.octets, self._key, source, self._me)


@dataclass(slots=True)
class _Asked:
    server: Endpoint
    question: Ask
    then: Then
    tries: int = 1


class Questions:
    """The open questions of one server; nobody else makes any, so it bounds how many there are."""

    def __init__(self, seal: Seal, random: Random) -> None:
        self._seal = seal
        self._random = random
        self._open: dict[int, _Asked] = {}
        self._deadlines: Deadlines[int] = Deadlines()

    def ask(
        self, server: Endpoint, position: int, then: Then, now: int, successor: bool = False
    ) -> list[Action]:
        """Ask a server for its neighbours, and for others on the way to a position."""
        nonce = self._random.getrandbits(64)
        question = Ask(nonce, position, successor)
        self._open[nonce] = _Asked(server, question, then)
        self._deadlines.set(nonce, now + RETRY)
        return [self._seal.send(question, server)]

    def answered(self, answer: Answer, source: Endpoint, now: int) -> list[Action] | None:
        """An answer came; None if nobody asked for it."""
        asked = self._open.get(answer.nonce)
        if asked is None or asked.server != source:
            return None
        del self._open[answer.nonce]
        self._deadlines.cancel(answer.nonce)
        return asked.then(answer, now)

    def timer(self, now: int, silent: Callable[[Endpoint], None]) -> list[Action]:
        """Ask again, or give up; ``silent`` is told first of a server that has not answered."""
        actions: list[Action] = []
        for nonce in self._deadlines.due(now):
            asked = self._open[nonce]
            if asked.tries < TRIES:
                asked.tries += 1
                self._deadlines.set(nonce, now + RETRY)
                actions.append(self._seal.send(asked.question, asked.server))
            else:
                del self._open[nonce]
                silent(asked.server)
                actions += asked.then(None, now)
        return actions

    def next_deadline(self) -> int | None:
        """When ``timer`` is due next."""
        return self._deadlines.next()
