"""A member looks for a cluster: from the top down to the nearest, layer by layer."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from ipaddress import IPv6Address

from agents.overlay.nemo.context import Context
from agents.overlay.nemo.rendezvous import Top
from agents.wire.nemo import Find, Join, Members, Ping, Query
from agents.wire.overlay import MemberId

_TRIES = 3
_REDIRECTIONS = 4
_LONGEST_PAUSE = 8


class _State(Enum):
    JOINING = 1
    FINDING = 2
    QUERYING = 3
    PINGING = 4
    PAUSING = 5


class Search:
    """For a place in a cluster of one layer; ``candidates`` may lead such a cluster.

    ``crew`` are our co-leaders one layer below. A ``View`` of the member ``asked`` ends it.
    """

    def __init__(
        self,
        group: IPv6Address,
        layer: int,
        context: Context,
        crew: tuple[MemberId, ...],
        candidates: Iterable[MemberId],
        now: int,
    ) -> None:
        self._group, self._context, self._crew = group, context, crew
        self.layer = layer
        self._candidates = [c for c in dict.fromkeys(candidates) if c != context.me]
        self.asked: MemberId | None = None
        """Of whom an answer is due."""
        self.alone = False
        """It has ended: nobody else is at the top."""
        self._tries = self._pauses = self._redirections = self._empty = 0
        self._query_layer = 0
        self._state = _State.FINDING
        self.due = now
        self._next(now)

    def found(self, top: Top | None, now: int) -> None:
        """A rendezvous point says who is at the top."""
        if self._state is not _State.FINDING:
            return
        if top is not None:
            self._descend(top, now)
            return
        self._empty += 1
        if self._empty >= len(self._context.points):
            self._nobody(now)

    def members(self, message: Members, sender: MemberId, now: int) -> None:
        """A member says who is in its cluster."""
        asked = self._state is _State.QUERYING and sender == self.asked
        if not asked or message.layer != self._query_layer:
            return
        members = [p.member for p in message.peers if p.member != self._context.me]
        if not members:
            self._next(now)
            return
        self._candidates, self.asked, self._state = members, None, _State.PINGING
        book = self._context.book
        unknown = [member for member in members if book.rtt_ms(member) is None]
        for member in unknown:
            self._context.post.send(Ping(book.ping(member, now)), member)
        self.due = now + (self._context.config.answer if unknown else 0)

    def refused(self, member: MemberId, now: int) -> None:
        """A member does not take us."""
        if member == self.asked:
            self._next(now)

    def redirected(self, member: MemberId, to: MemberId, now: int) -> None:
        """A member names the one that may take us."""
        if member != self.asked:
            return
        self._redirections += 1
        if self._redirections > _REDIRECTIONS or to == self._context.me:
            self._next(now)
        else:
            self._ask(to, now)

    def timer(self, now: int) -> None:
        """No answer came in time, or a pause is over."""
        if now < self.due:
            return
        match self._state:
            case _State.PINGING:
                self._choose(now)
            case _State.PAUSING:
                self._find(now)
            case _State.FINDING if self._tries >= _TRIES:
                self._nobody(now)
            case _State.FINDING:
                self._send(now)
            case _ if self._tries >= _TRIES:
                self._next(now)
            case _:
                self._send(now)

    def _next(self, now: int) -> None:
        """Another candidate; when there is none any more, from the top again."""
        if self._candidates:
            self._ask(self._candidates.pop(0), now)
        elif self.asked is None:
            self._find(now)
        else:
            self._pause(now)

    def _ask(self, member: MemberId, now: int) -> None:
        """Ask a member of a cluster of the wanted layer, or for the way down to one."""
        querying = self._query_layer > self.layer
        self._state = _State.QUERYING if querying else _State.JOINING
        self.asked, self._tries = member, 0
        self._send(now)

    def _find(self, now: int) -> None:
        self._state, self.asked, self._tries, self._empty = _State.FINDING, None, 0, 0
        self._redirections = 0
        if self._context.points:
            self._send(now)
        else:
            self._nobody(now)

    def _pause(self, now: int) -> None:
        self._state, self.asked = _State.PAUSING, None
        self._pauses += 1
        longest = min(1 << self._pauses, _LONGEST_PAUSE)
        self.due = now + int(self._context.config.answer * self._context.random.uniform(0, longest))

    def _nobody(self, now: int) -> None:
        """No other rendezvous point knows a top; we are one ourselves."""
        top = self._context.rendezvous.top(self._group, now)
        if top is None or top.root == self._context.me:
            self.alone = True
        else:
            self._descend(top, now)

    def _descend(self, top: Top, now: int) -> None:
        if top.root == self._context.me or self.layer > top.layer + 1:
            self.alone = True
            return
        self._query_layer = max(top.layer, self.layer)
        new_layer = self.layer > top.layer
        self._candidates = [top.root] if new_layer else list(top.crew)
        self.asked = None
        self._next(now)

    def _choose(self, now: int) -> None:
        """Go on with the nearest; the others are there if it fails."""
        book = self._context.book

        def far(member: MemberId) -> float:
            rtt = book.rtt_ms(member)
            return float("inf") if rtt is None else rtt

        self._candidates.sort(key=far)
        self._query_layer -= 1
        self._next(now)

    def _send(self, now: int) -> None:
        """Say it, or say it again."""
        self._tries += 1
        self.due = now + self._context.config.answer
        post = self._context.post
        if self._state is _State.FINDING:
            post.send_to(Find(self._group), self._context.points)
        elif self.asked is not None and self._state is _State.QUERYING:
            post.send(Query(self._group, self._query_layer), self.asked)
        elif self.asked is not None:
            crew = self._context.book.peers(self._crew)
            post.send(Join(self._group, self.layer, crew), self.asked)
