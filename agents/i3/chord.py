"""Chord: servers agree which of them has which identifiers (Stoica et al., SIGCOMM 2001).

Servers are on a ring of positions; each has the identifiers from behind its predecessor up to its
own position. From time to time it asks its successor who is before it, tells it so by that, and
finds fingers, by which a lookup takes a number of steps that is logarithmic in that of servers.

Who leaves says so in its answers for a while, and by then both neighbours know. No server hands
triggers to another: their owners put them where they now belong when they refresh them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from agents.core import SECOND, Action
from agents.i3.asking import Questions, Seal
from agents.i3.lookups import Lookup
from agents.i3.neighbours import Neighbours
from agents.i3.positions import SPACE, is_in, position_of
from agents.i3.ranges import Ranges
from agents.wire.chord import Answer, Ask
from agents.wire.i3 import Endpoint

PERIOD = 2 * SECOND
"""Between two looks at the neighbours, and at one finger; ns."""
LEAVING_TIME = 12 * SECOND
"""So long a server that leaves has to go on: both neighbours have asked it by then; ns."""
RINGS = 4
"""Every so many periods a server sees whether others think of the ring as it does."""
CLOSER = 3
"""How many servers on the way to a position an answer names."""
AT_THE_SAME_TIME = 4
"""How many servers are asked the same; who claims to be the predecessor may well be gone."""


class Chord:
    """The protocol machine of one server's place on the ring.

    ``known`` are servers by which to join; none: it is the first one. ``ranges`` are those of
    other servers, as far as they have been found out.
    """

    def __init__(
        self, me: Endpoint, known: Sequence[Endpoint], seal: Seal, ranges: Ranges, random: Random
    ) -> None:
        self._me = me
        self.known = [server for server in known if server != me]
        """By which to join."""
        self._seal = seal
        self._ranges = ranges
        self.questions = Questions(seal, random)
        self.neighbours = Neighbours(me)
        self._busy: set[tuple[str, Endpoint]] = set()
        """What is being asked, and whom; or looked for, by this server."""
        self._fingers: list[int] = []
        """Those of this round that have not been looked up."""
        self._tick: int | None = None
        self._ticks = 0
        self._turn = random.getrandbits(16)
        """Whose turn it is to say which server is next to this one."""
        self.is_in = not self.known
        """Whether this server is a part of the ring, and has identifiers."""
        self.leaving = False

    def start(self, now: int) -> list[Action]:
        """Join the ring, or be the first server of one."""
        return self._look_around(now)

    def leave(self) -> None:
        """Say from now on that this server will be gone, in ``LEAVING_TIME``."""
        self.leaving = True

    def asked(self, question: Ask, source: Endpoint, now: int) -> list[Action]:
        """Another server asks; if it takes this one for its successor, see whether it is there."""
        near = self.neighbours
        answer = Answer(
            question.nonce,
            self.leaving,
            near.predecessor,
            tuple(near.successors),
            tuple(near.closest(question.position, CLOSER)),
        )
        actions = [self._seal.send(answer, source)]
        if question.successor:
            actions += self._try_predecessor(source, now)
        return actions

    def answered(self, answer: Answer, source: Endpoint, now: int) -> list[Action] | None:
        """Another server has answered; None if nobody asked for it."""
        actions = self.questions.answered(answer, source, now)
        if actions is not None:
            self.neighbours.met(source)
        return actions

    def timer(self, now: int) -> list[Action]:
        """Act on every deadline that is not later than ``now``."""
        actions = self.questions.timer(now, self._forget)
        if self._tick is not None and self._tick <= now:
            actions += self._look_around(now)
        return actions

    def next_deadline(self) -> int | None:
        """When ``timer`` is due next."""
        deadlines = self._tick, self.questions.next_deadline()
        return min((when for when in deadlines if when is not None), default=None)

    @property
    def range(self) -> tuple[int, int]:
        """This server has the positions in (after, up_to], if it is in the ring."""
        return position_of(self.neighbours.before()), self.neighbours.place

    def has(self, place: int) -> bool:
        """Whether this server has a position."""
        return self.is_in and is_in(place, *self.range)

    def is_sure(self) -> bool:
        """Whether it knows how far back what it has goes."""
        return self.neighbours.predecessor is not None or not self.neighbours.successors

    # Looking for servers

    def from_here(self, place: int) -> Lookup:
        """A search for the server of a position that begins with the servers known."""
        known = self.neighbours.closest(place, CLOSER) + self.neighbours.successors
        return Lookup(place, self._me, known)

    def look_up(
        self, lookup: Lookup, then: Callable[[int], list[Action]], now: int
    ) -> list[Action]:
        """Ask one server after another; ``then`` is called when the search has ended."""
        server = lookup.next()
        if server is None:
            return then(now)

        def answered(answer: Answer | None, now: int) -> list[Action]:
            lookup.hear(server, answer)
            return self.look_up(lookup, then, now)

        return self.questions.ask(server, lookup.place, answered, now)

    def _forget(self, server: Endpoint) -> None:
        self.neighbours.forget(server)
        self._ranges.forget(server)

    # The neighbours

    def _look_around(self, now: int) -> list[Action]:
        """What a server does from time to time: Chord's "stabilize" and the rest."""
        self._tick = now + PERIOD
        self._ticks += 1
        near = self.neighbours
        actions: list[Action] = []
        # Who knows nobody behind itself begins with the one before: a ring of two is right by that.
        successor = near.successors[0] if near.successors else near.predecessor
        if successor is not None:
            actions += self._ask_successor(successor, now)
        if near.predecessor is not None:
            actions += self._once("predecessor", near.predecessor, self._checked, now)
        if not near.successors or self._ticks % RINGS == 0:
            actions += self._find_ring(now)
        return actions + self._find_finger(now)

    def _try_predecessor(self, server: Endpoint, now: int) -> list[Action]:
        """Somebody may be the server before this one; it is, if it answers."""
        if not self.neighbours.would_precede(server):
            return []
        return self._once("before", server, self._before_said, now)

    def _before_said(self, server: Endpoint, answer: Answer | None, now: int) -> list[Action]:
        near = self.neighbours
        if answer is None or answer.leaving or not near.would_precede(server):
            return []
        if self.has(position_of(server)):
            # The one before that has still to hear of this: what it sends here goes on to it.
            self._ranges.learn(self.range[0], position_of(server), server, now)
        near.predecessor = server
        self.is_in = True
        if not near.successors:
            near.follow(server, answer.successors)
        return []

    def _checked(self, server: Endpoint, answer: Answer | None, now: int) -> list[Action]:
        near = self.neighbours
        if answer is not None and answer.leaving and near.predecessor == server:
            near.predecessor = None
        return []

    def _ask_successor(self, server: Endpoint, now: int) -> list[Action]:
        return self._once("successor", server, self._successor_said, now)

    def _successor_said(self, server: Endpoint, answer: Answer | None, now: int) -> list[Action]:
        """The successor says who is behind it, and whether somebody is between."""
        near = self.neighbours
        if answer is None or answer.leaving:
            self._forget(server)
            return self._ask_successor(near.successors[0], now) if near.successors else []
        if near.successors[:1] in ([server], []):
            near.follow(server, answer.successors)
        return self._try_successor(answer.predecessor, now)

    def _try_successor(self, server: Endpoint | None, now: int) -> list[Action]:
        """Somebody may be the server behind this one; it is, if it answers."""
        if server is None or not self.neighbours.would_succeed(server):
            return []
        return self._once("behind", server, self._behind_said, now)

    def _behind_said(self, server: Endpoint, answer: Answer | None, now: int) -> list[Action]:
        near = self.neighbours
        if answer is None or answer.leaving or not near.would_succeed(server):
            return []
        near.follow(server, answer.successors)
        return self._try_successor(answer.predecessor, now)

    def _once(
        self,
        what: str,
        server: Endpoint,
        then: Callable[[Endpoint, Answer | None, int], list[Action]],
        now: int,
    ) -> list[Action]:
        """Ask a server something, unless it, or some others, are being asked that already."""
        asked = (what, server)
        if asked in self._busy or sum(what == one for one, _ in self._busy) >= AT_THE_SAME_TIME:
            return []
        self._busy.add(asked)

        def answered(answer: Answer | None, now: int) -> list[Action]:
            self._busy.discard(asked)
            return then(server, answer, now)

        follows = what in ("successor", "behind") and not self.leaving
        place = self.neighbours.place
        return self.questions.ask(server, place, answered, now, successor=follows)

    # The ring as a whole

    def _find_ring(self, now: int) -> list[Action]:
        """Have another server say which one is next to this: to join, or to join two rings."""
        # Well-known servers and others in turn, so that none that is there is left out for long.
        groups = [some for some in (self.known, self.neighbours.acquaintances) if some]
        if not groups or ("ring", self._me) in self._busy:
            return []
        self._turn += 1
        turn, group = divmod(self._turn, len(groups))
        by = groups[group][turn % len(groups[group])]
        lookup = Lookup((self.neighbours.place + 1) % SPACE, self._me, [by])

        def found(server: Endpoint, answer: Answer, now: int) -> list[Action]:
            if not self.neighbours.would_succeed(server):
                return []
            self.neighbours.follow(server, answer.successors)
            actions = self._ask_successor(server, now)
            if answer.predecessor is not None and not self.is_in:
                actions += self._try_predecessor(answer.predecessor, now)
            return actions

        return self._search("ring", lookup, found, now)

    def _find_finger(self, now: int) -> list[Action]:
        """Look up one finger, the farthest first, and after the nearest from the beginning."""
        if not self._fingers:
            starts = self.neighbours.finger_starts()
            self.neighbours.keep_fingers(starts)
            self._fingers = starts[::-1]
        if not self._fingers or ("finger", self._me) in self._busy:
            return []
        start = self._fingers.pop()

        def found(server: Endpoint, answer: Answer, now: int) -> list[Action]:
            self.neighbours.point(start, server)
            return []

        return self._search("finger", self.from_here(start), found, now)

    def _search(
        self,
        what: str,
        lookup: Lookup,
        then: Callable[[Endpoint, Answer, int], list[Action]],
        now: int,
    ) -> list[Action]:
        """Look a server up, unless one is being looked up for the same purpose."""
        begun = (what, self._me)
        if begun in self._busy:
            return []
        self._busy.add(begun)

        def ended(now: int) -> list[Action]:
            self._busy.discard(begun)
            found = lookup.found()
            return then(*found, now) if found is not None else []

        return self.look_up(lookup, ended, now)
