"""What a member sends to a group in which it is not: by way of the cluster at the top."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import replace
from ipaddress import IPv6Address

from agents.core import SECOND
from agents.overlay.marking import traffic_class
from agents.overlay.nemo.context import Context
from agents.overlay.nemo.draw import Draw
from agents.overlay.nemo.recovery import Recovery
from agents.overlay.nemo.rendezvous import Top
from agents.overlay.window import Window
from agents.wire.nemo import NOBODY, Data, Find, Way

_ASK_AGAIN = 2 * SECOND
_IN_USE = 5 * SECOND
_ROUNDS = 2
"""How often nobody has to be at the top before packets are dropped: roots may just be changing."""


class Publication:
    """The packets that programs here send to one group, which are numbered."""

    def __init__(self, group: IPv6Address, context: Context, counters: Counter[str]) -> None:
        self._group, self._context, self._counters = group, context, counters
        self._sequence = 0
        self._sent, self._draw = Window(), Draw(context)
        self.recovery = Recovery(group, context, list)
        self._top: Top | None = None
        self._waiting: deque[Data] = deque()
        self._asked: int | None = None
        self._answers = self._nobody = 0
        self._used = 0
        self.due: int | None = None

    def number(self, packet: bytes, source: IPv6Address) -> Data:
        """The next packet."""
        ids = self._context.me, self._sequence
        self._sequence += 1
        return Data(self._group, *ids, Way.KEEP, 0, NOBODY, 0, source, packet)

    def send(self, data: Data, now: int) -> None:
        """Bring it to the top; until that is found, it waits."""
        self._used = now
        if self._top is not None:
            self._bring(data, self._top, now)
        else:
            self._waiting.append(data)
            if len(self._waiting) > self._context.config.waiting_packets:
                self._waiting.popleft()
                self._counters["top not found"] += 1
        if self.due is None:
            self._ask(now)

    def found(self, top: Top | None, now: int) -> None:
        """A rendezvous point says who is at the top; None: nobody wants anything."""
        if self._asked is None:
            return
        self._answers += 1
        if top is None:
            if self._answers < len(self._context.points):
                return
            self._nobody += 1
            if self._nobody < _ROUNDS:
                return
        else:
            self._nobody = 0
        self._top, self._asked = top, None
        while self._waiting:
            data = self._waiting.popleft()
            if top is not None:
                self._bring(data, top, now)

    def timer(self, now: int) -> None:
        """Look again who is at the top, as long as somebody sends."""
        if self.due is None or now < self.due:
            return
        if now - self._used < _IN_USE:
            self._ask(now)
        else:
            self._top = self.due = None

    def _ask(self, now: int) -> None:
        """Of all rendezvous points, of which we are one."""
        self._answers, self._asked = 0, now
        waiting = self._context.config.answer if self._waiting else _ASK_AGAIN
        self.due = now + waiting
        ours = self._context.rendezvous.top(self._group, now)
        if ours is not None or not self._context.points:
            self._answers = len(self._context.points)
            self.found(ours, now)
            if not self._waiting:
                self.due = now + _ASK_AGAIN
        else:
            self._context.post.send_to(Find(self._group), self._context.points)

    def _bring(self, data: Data, top: Top, now: int) -> None:
        self._sent.accept(data.sequence)
        self.recovery.came(data, self._context.me, now)
        handler = self._draw.one_of(top.layer, top.crew, now)
        had = self.recovery.had(self._sent, data.sequence)
        # Up: there may be a layer above by now.
        message = replace(data, way=Way.UP, layer=top.layer, had=had)
        marks = traffic_class(data.packet)
        self._context.post.send(message, handler, traffic_class=marks)
