"""The decision itself, the same in an MCC and in a MAR: settings first, then the policy."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address

from agents.control.channel import Channel, lookup
from agents.control.policies import Policy, Question
from agents.core import SECOND
from agents.wire.channel import ChannelScope

MOBILITY_WINDOW = 60 * SECOND
"""Over so long a listener's handovers are counted."""


@dataclass(frozen=True)
class Decision:
    """What was decided, and whether it holds for every listener until a change comes."""

    scope: ChannelScope
    reusable: bool


class Decisions:
    """Decides about channels, and remembers who moves how often."""

    def __init__(self, policy: Policy, settings: Mapping[Channel, ChannelScope]) -> None:
        self._policy = policy
        self._settings = dict(settings)
        self._moves: dict[str, deque[int]] = {}

    def setting(self, channel: Channel) -> ChannelScope | None:
        """What the operator has set for a channel."""
        return lookup(self._settings, channel)

    def change(self, settings: Mapping[Channel, ChannelScope]) -> None:
        """The operator sets some channels anew."""
        self._settings.update(settings)

    def change_policy(self, policy: Policy) -> None:
        """Another policy decides about what is not set."""
        self._policy = policy

    def standing(self, channel: Channel, mar: IPv6Address) -> ChannelScope | None:
        """What holds of a channel for every listener at a MAR; None: each one is decided anew."""
        setting = self.setting(channel)
        if setting is not None or not self._policy.reusable:
            return setting
        return self._policy.decide(Question(channel, mar, None, 0, 0))

    def moved(self, identifier: str, now: int) -> None:
        """A mobile node came to a MAR from another."""
        self._moves.setdefault(identifier, deque()).append(now)

    def decide(
        self, channel: Channel, mar: IPv6Address, listener: str | None, load: int, now: int
    ) -> Decision:
        """Local, remote or both."""
        setting = self.setting(channel)
        if setting is not None:
            return Decision(setting, reusable=True)
        handovers = self._handovers(listener, now) if listener is not None else 0
        scope = self._policy.decide(Question(channel, mar, listener, handovers, load))
        return Decision(scope, self._policy.reusable)

    def _handovers(self, identifier: str, now: int) -> int:
        moves = self._moves.get(identifier, deque())
        while moves and moves[0] <= now - MOBILITY_WINDOW:
            moves.popleft()
        return len(moves)
