"""A member of a group, and the directory by which it reaches the servers of a Chord ring."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from agents.core import Action
from agents.i3.config import GroupConfig
from agents.i3.directory import Entries
from agents.i3.member import Member
from agents.wire.i3 import Endpoint, Identifier, Message, Reason, Refused, Responsible


class EndHost:
    """The protocol machine of one end host."""

    def __init__(
        self,
        me: Endpoint,
        root: Identifier,
        entries: Entries,
        near: Callable[[], bytes],
        random: Random,
        config: GroupConfig,
    ) -> None:
        self.entries = entries
        self.member = Member(me, root, entries, near, random, config)

    def receive(self, message: Message, source: Endpoint, now: int) -> list[Action]:
        """A datagram came from an endpoint."""
        if isinstance(message, Responsible):
            if not self.entries.answered(message, source, now):
                return []
            return self.member.located(message.after, message.up_to, now)
        if isinstance(message, Refused) and message.reason is Reason.ELSEWHERE:
            self.entries.elsewhere(message.identifier, source)
            return []
        return self.member.receive(message, source, now)

    def timer(self, now: int) -> list[Action]:
        """Act on every deadline that is not later than ``now``."""
        return self.member.timer(now) + self.entries.timer(now)

    def next_deadline(self) -> int | None:
        """When ``timer`` is due next."""
        parts = self.member.next_deadline(), self.entries.next_deadline()
        return min((when for when in parts if when is not None), default=None)
