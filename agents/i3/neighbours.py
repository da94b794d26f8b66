"""The servers that one server of a Chord ring knows: those next to it, and fingers far across."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from agents.i3.positions import BITS, SPACE, distance, is_between, is_in, position_of
from agents.wire.i3 import Endpoint

SUCCESSORS = 8
"""How many servers behind itself a server knows: so many may crash at once."""
ACQUAINTANCES = 32
"""How many servers that once answered are remembered, whether they still do or not, to find the
ring again."""


class Neighbours:
    """The tables of one server."""

    def __init__(self, me: Endpoint) -> None:
        self._me = me
        self.place = position_of(me)
        self.predecessor: Endpoint | None = None
        self.successors: list[Endpoint] = []
        """The nearest first; nobody else knows of whom the server itself is not sure."""
        self._fingers: dict[int, Endpoint] = {}
        self._acquaintances: dict[Endpoint, None] = {}

    @property
    def acquaintances(self) -> list[Endpoint]:
        """Servers that once answered."""
        return [*self._acquaintances]

    def met(self, server: Endpoint) -> None:
        """A server has answered."""
        self._acquaintances.pop(server, None)
        self._acquaintances[server] = None
        if len(self._acquaintances) > ACQUAINTANCES:
            del self._acquaintances[next(iter(self._acquaintances))]

    def follow(self, successor: Endpoint, behind: Iterable[Endpoint]) -> None:
        """This is the next server, and it has said which are behind it."""
        chain = [successor]
        for server in behind:
            # What is not farther than the one before has come round to this server, or is wrong.
            if not is_between(position_of(server), position_of(chain[-1]), self.place):
                break
            chain.append(server)
        self.successors = chain[:SUCCESSORS]

    def would_precede(self, server: Endpoint) -> bool:
        """Whether a server, if it is there, is the one before this one."""
        if server == self._me:
            return False
        before = self.predecessor
        return before is None or is_between(position_of(server), position_of(before), self.place)

    def would_succeed(self, server: Endpoint) -> bool:
        """Whether a server, if it is there, is the one behind this one."""
        if server == self._me:
            return False
        if not self.successors:
            return True
        return is_between(position_of(server), self.place, position_of(self.successors[0]))

    def before(self) -> Endpoint:
        """The server before this one, as far as is known: this one, if it knows no other."""
        if self.predecessor is not None:
            return self.predecessor
        return min(self._all(), key=self._distance_to_me, default=self._me)

    def closest(self, place: int, number: int) -> list[Endpoint]:
        """The servers known before a position, the closest first."""
        found = {one for one in self._all() if is_between(position_of(one), self.place, place)}
        return sorted(found, key=lambda one: distance(position_of(one), place))[:number]

    def next_to(self, place: int) -> Endpoint | None:
        """The server of a position, if the successors say so."""
        after = self.place
        for server in self.successors:
            if is_in(place, after, position_of(server)):
                return server
            after = position_of(server)
        return None

    def finger_starts(self) -> list[int]:
        """Half the ring away, a quarter, and so on: where fingers are worth having."""
        if len(self.successors) < SUCCESSORS:
            return []  # they are all there are
        reach = distance(self.place, position_of(self.successors[-1]))
        lengths = (1 << bit for bit in reversed(range(BITS)))
        return [(self.place + length) % SPACE for length in lengths if length > reach]

    def keep_fingers(self, starts: Iterable[int]) -> None:
        """Have no fingers of other positions."""
        self._fingers = {start: self._fingers[start] for start in starts if start in self._fingers}

    def point(self, start: int, server: Endpoint) -> None:
        """The finger of a position is this server."""
        self._fingers[start] = server

    def forget(self, server: Endpoint) -> None:
        """A server does not answer."""
        if self.predecessor == server:
            self.predecessor = None
        self.successors = [one for one in self.successors if one != server]
        self._fingers = {start: one for start, one in self._fingers.items() if one != server}

    def _all(self) -> Iterator[Endpoint]:
        yield from self.successors
        yield from self._fingers.values()
        if self.predecessor is not None:
            yield self.predecessor

    def _distance_to_me(self, server: Endpoint) -> int:
        return distance(position_of(server), self.place)
