"""Where a server of the ring sends what is another's: straight to whose it is, once that is known.

A server on which a chain of triggers goes on elsewhere looks up once whose that is, and then sends
there in one hop. Until then, and for strangers, a packet goes from server to server along the ring.
"""

from __future__ import annotations

from agents.core import Action
from agents.deadlines import AT_ONCE
from agents.i3.actions import SendDatagram
from agents.i3.asking import Seal
from agents.i3.chord import Chord
from agents.i3.positions import SPACE, position, position_of
from agents.i3.ranges import Ranges
from agents.wire.chord import Answer, Seek
from agents.wire.i3 import Endpoint, Identifier, Responsible

MAXIMUM_LOOKUPS = 32
"""For packets on their way, at the same time."""


class Routes:
    """The directory of one server; ``ranges`` are those of others."""

    def __init__(self, me: Endpoint, chord: Chord, ranges: Ranges, seal: Seal) -> None:
        self._me = me
        self._chord = chord
        self._ranges = ranges
        self._seal = seal
        self._wanted: dict[int, bool] = {}
        """Positions whose server is to be found out, and whether that has begun."""
        self._new = False
        """Whether there are positions for which it has not."""

    def next_hop(self, identifier: Identifier) -> Endpoint:
        """This server, if the identifier is its own; else one that is nearer to whose it is."""
        return self._next_hop(position(identifier))[0]

    def server_of(self, identifier: Identifier) -> Endpoint:
        """The next hop; if that may not be whose the identifier is, this is found out."""
        place = position(identifier)
        hop, is_sure = self._next_hop(place)
        if not is_sure and place not in self._wanted and len(self._wanted) < MAXIMUM_LOOKUPS:
            self._wanted[place] = False
            self._new = True
        return hop

    def passed_here(self, place: int, server: Endpoint) -> None:
        """A server passes on what is for a position, so that it has that no more, or never had."""
        self._ranges.forget_at(place, server)

    def seek(self, seek: Seek) -> list[Action]:
        """Somebody wants to know whose a position is: say so, or pass it on."""
        hop, _ = self._next_hop(seek.position)
        if hop != self._me:
            return [self._seal.send(seek._replace(hops=seek.hops - 1), hop)]
        after, up_to = self._chord.range
        if not self._chord.is_sure():
            after, up_to = (seek.position - 1) % SPACE, seek.position
        return [SendDatagram(Responsible(seek.nonce, after, up_to), seek.asker)]

    def timer(self, now: int) -> list[Action]:
        """Find out what is wanted, and whether what is known still holds."""
        actions: list[Action] = []
        for known in self._ranges.due(now):
            actions += self._renew(known.server, now)
        self._new = False
        for place in [place for place, begun in self._wanted.items() if not begun]:
            actions += self._find(place, now)
        return actions

    def next_deadline(self) -> int | None:
        """When ``timer`` is due next."""
        return AT_ONCE if self._new else self._ranges.next_deadline()

    def _next_hop(self, place: int) -> tuple[Endpoint, bool]:
        """A server, and whether it is the one that has the position, as far as this one knows."""
        if self._chord.has(place):
            return self._me, True
        near = self._chord.neighbours
        next_to = near.next_to(place)
        if next_to is not None and next_to == near.successors[0]:
            return next_to, True  # it is asked all the time
        known = self._ranges.use(place)
        if known is not None:
            return known, True
        ahead = near.closest(place, 1) or near.successors or self._chord.known
        hop = next_to or next(iter(ahead), self._me)
        return hop, hop == self._me

    def _find(self, place: int, now: int) -> list[Action]:
        lookup = self._chord.from_here(place)
        self._wanted[place] = True

        def found(now: int) -> list[Action]:
            del self._wanted[place]
            known = lookup.range()
            if known is not None:
                server, after = known
                self._ranges.learn(after, position_of(server), server, now)
            return []

        return self._chord.look_up(lookup, found, now)

    def _renew(self, server: Endpoint, now: int) -> list[Action]:
        """See whether a server to which packets go still has what it had."""

        def answered(answer: Answer | None, now: int) -> list[Action]:
            if answer is None or answer.leaving or answer.predecessor is None:
                self._ranges.forget(server)
            else:
                after = position_of(answer.predecessor)
                self._ranges.learn(after, position_of(server), server, now)
            return []

        return self._chord.questions.ask(server, position_of(server), answered, now)
