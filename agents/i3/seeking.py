"""A newcomer's way to its place: it asks, measures, and tries one place after another.

Nobody there, or no room anywhere: it searches anew, and cries, so that those below a gap move up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random

from agents.core import MILLISECOND, Action
from agents.deadlines import Deadlines
from agents.i3.actions import SendDatagram
from agents.i3.config import GroupConfig, Metric
from agents.i3.identifiers import above_root
from agents.i3.joining import Place, Search
from agents.i3.keeping import Keeper
from agents.i3.measuring import MEASURING_TIME, Trials
from agents.i3.moving_up import reach
from agents.i3.ring import HostDirectory
from agents.i3.roots import Roots
from agents.wire import i3_group
from agents.wire.i3 import HOP_LIMIT, Endpoint, Identifier, Packet
from agents.wire.i3_group import Data, Distance, Joined, QueryDistance

AGAIN = 400 * MILLISECOND
"""After a random time of half to all of this a receiver for which there was no place searches anew:
those who refused it may have seen by then that they are full; ns."""
_NEXT = 0


class Seeker:
    """The searches of one member. ``take`` has it try to join at a place."""

    def __init__(
        self,
        me: Endpoint,
        root: Identifier,
        directory: HostDirectory,
        keeper: Keeper,
        roots: Roots,
        random: Random,
        config: GroupConfig,
        take: Callable[[Place, int], list[Action]],
    ) -> None:
        self._me = me
        self._root = root
        self._directory = directory
        self._keeper = keeper
        self._random = random
        self._config = config
        self._take = take
        self._search: Search | None = None
        self._trials: Trials | None = None
        self._roots = roots
        self.asks_founder = False
        """Whether no other root will do."""
        self._to_ask: list[Identifier] = []
        """Roots to ask if the one that has been asked says nothing."""
        self._nonce = 0
        self._places: list[Place] = []
        """Where to join, the best first, as the last search found."""
        self._failed = 0
        """Searches that found no place since the member had one."""
        self.deadlines: Deadlines[int] = Deadlines()
        self.counters: Counter[str] = Counter()

    @property
    def is_measuring(self) -> bool:
        """Whether packets are heard to compare places by them."""
        return self._trials is not None

    def begin(self, now: int) -> list[Action]:
        """Look for a place from one of the roots on."""
        self._to_ask = [] if self.asks_founder else self._roots.draw(self._random)
        return self._end_trials() + self._descend(now)

    def next(self, now: int) -> list[Action]:
        """Try the best of the places that have not been tried, or search anew."""
        self._search = None
        if not self._places:
            # Not at the pace at which the answers come.
            wait = int(AGAIN * (1 + self._random.random()) / 2)
            self.deadlines.set(_NEXT, now + wait)
            return []
        self.deadlines.cancel(_NEXT)
        self.counters["tries"] += 1
        return self._take(self._places.pop(0), now)

    def found(self) -> None:
        """The member has a place."""
        self._places.clear()
        self._failed = 0
        self.stop()

    def stop(self) -> list[Action]:
        """Look no more."""
        self._search = None
        self.deadlines.cancel(_NEXT)
        return self._end_trials()

    def moved(self, me: Endpoint) -> list[Action]:
        """The host is at another endpoint: what is measured goes to where it was."""
        self._me = me
        return self._end_trials()

    def hear(
        self, reply: Distance, of: Identifier, source: Endpoint, now: int
    ) -> list[Action] | None:
        """Somebody answers; None: no question of this search's."""
        if self._search is None or reply.nonce != self._nonce:
            return None
        self.counters["replies"] += 1
        return self._next_level(now) if self._search.hear(reply, of, source, now) else []

    def measure(self, identifier: Identifier, data: Data, now: int) -> None:
        """One of the source's packets came by the trigger at an identifier."""
        if self._trials is not None:
            self._trials.hear(identifier, data, now)

    def timer(self, now: int) -> list[Action]:
        """All who will answer have, what can be measured has been, or it is time to search anew."""
        return [action for _ in self.deadlines.due(now) for action in self._go_on(now)]

    def _go_on(self, now: int) -> list[Action]:
        if self._trials is not None:
            self._places = self._trials.found(self._config.metric, now)
            return self._end_trials() + self.next(now)
        return self._next_level(now) if self._search else self.begin(now)

    def _descend(self, now: int) -> list[Action]:
        """From the next root that has not been asked."""
        entry = self._to_ask.pop(0) if self._to_ask else None
        by_delay = self._config.metric is Metric.DELAY
        self._search = Search(self._root, self._config.degree, by_delay, entry=entry)
        return self._query(now)

    def _query(self, now: int) -> list[Action]:
        assert self._search is not None
        self._nonce = self._random.getrandbits(32)
        self.deadlines.set(_NEXT, now + self._config.reply_time)
        question = i3_group.encode(QueryDistance(self._nonce, self._me))
        return [self._send(identifier, question) for identifier in self._search.queries]

    def _next_level(self, now: int) -> list[Action]:
        """Go on, or join at the best place there was."""
        assert self._search is not None
        if self._search.step():
            return self._query(now)
        self._places = self._search.places
        if not self._places and self._to_ask:
            return self._descend(now)
        if self._places and self._config.metric is not Metric.DELAY:
            return self._try_out(now)
        return self._cry() + self.next(now)

    def _try_out(self, now: int) -> list[Action]:
        """See what comes by the places that look best, before one is taken (section 3.2.2)."""
        self._search = None
        self._trials = Trials(self._places, self._me, self._keeper)
        self.deadlines.set(_NEXT, now + MEASURING_TIME)
        return self._trials.begin(now)

    def _end_trials(self) -> list[Action]:
        trials, self._trials = self._trials, None
        return trials.end() if trials is not None else []

    def _cry(self) -> list[Action]:
        """Tell those below where the search has ended if nobody there has a place."""
        assert self._search is not None
        if self._places:
            return []
        self._failed += 1
        above, to = (above_root(self._root), *self._search.path)[-1], self._root
        if self._search.path:
            to = above
        elif self._failed == 1:
            return []  # Question or answer may have been lost.
        return [self._send(to, i3_group.encode(Joined(above)), reach(self._failed - 1))]

    def _send(self, to: Identifier, data: bytes, hops: int = HOP_LIMIT) -> Action:
        return SendDatagram(Packet(to, data, hops), self._directory.server_of(to))
