"""The channel management function, "CMF", of the fully distributed scheme: it decides itself."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv6Address

from agents.control.actions import Decided
from agents.control.channel import Channel
from agents.control.decisions import Decisions
from agents.control.policies import Policy
from agents.core import Action, Log
from agents.wire.channel import ChannelScope


class DistributedManagement:
    """Decides at once; of the listeners' mobility it knows who came to this MAR."""

    def __init__(self, decisions: Decisions, mar: IPv6Address) -> None:
        self._decisions = decisions
        self._mar = mar
        self._asked: dict[Channel, ChannelScope] = {}

    def ask(
        self, channel: Channel, now: int, *, listener: str | None = None, load: int = 0
    ) -> list[Action]:
        """The proxy must know about a channel."""
        decision = self._decisions.decide(channel, self._mar, listener, load, now)
        return self._decided(channel, decision.scope, "own")

    def change(self, settings: Mapping[Channel, ChannelScope], now: int) -> list[Action]:
        """The operator sets some channels anew."""
        self._decisions.change(settings)
        return self._follow()

    def change_policy(self, policy: Policy, now: int) -> list[Action]:
        """Another policy decides from now on."""
        self._decisions.change_policy(policy)
        return self._follow()

    def moved(self, identifier: str, now: int) -> None:
        """A mobile node came here from another MAR."""
        self._decisions.moved(identifier, now)

    def timer(self, now: int) -> list[Action]:
        """Nothing is ever due."""
        return []

    def next_deadline(self) -> int | None:
        """Nothing is ever due."""
        return None

    def _follow(self) -> list[Action]:
        """Decide anew about what was decided otherwise."""
        actions: list[Action] = []
        for channel, scope in list(self._asked.items()):
            standing = self._decisions.standing(channel, self._mar)
            if standing is not None and standing != scope:
                actions += self._decided(channel, standing, "change")
        return actions

    def _decided(self, channel: Channel, scope: ChannelScope, reason: str) -> list[Action]:
        self._asked[channel] = scope
        fields = {"source": channel.source, "group": channel.group, "scope": scope}
        return [Log("channel_decision", {**fields, "reason": reason}), Decided(channel, scope)]
