"""The Multicast Channel Control, "MCC": it decides for all MARs (section III.A)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv6Address

from agents.control.actions import SendChannel
from agents.control.channel import Channel
from agents.control.decisions import Decisions
from agents.control.policies import Policy
from agents.core import SECOND, Action, Log
from agents.deadlines import Deadlines
from agents.wire.channel import (
    ChannelAcknowledgement,
    ChannelMessage,
    ChannelQuery,
    ChannelResponse,
    ChannelScope,
)

INITIAL_TIMEOUT = 1 * SECOND
"""From telling a change to telling it again; it doubles, as a Binding Update's (RFC 6275 11.8)."""
MAXIMUM_TIMEOUT = 32 * SECOND


@dataclass
class MccCounters:
    """What came in and was of no use."""

    unauthentic: int = 0
    """Not from a MAR of the domain."""
    ignored: int = 0
    """Of no use now: an acknowledgement of nothing."""


@dataclass
class _Change:
    """A change that a MAR has not acknowledged yet."""

    sequence: int
    scope: ChannelScope
    reusable: bool
    timeout: int = field(default=INITIAL_TIMEOUT)


_Told = tuple[IPv6Address, Channel]


class ChannelControl:
    """The MCC's protocol machine. It answers every query at once, and keeps its MARs up to date."""

    def __init__(self, decisions: Decisions, mars: frozenset[IPv6Address]) -> None:
        self.counters = MccCounters()
        self._decisions = decisions
        self._mars = mars
        self._told: dict[_Told, ChannelScope] = {}
        self._places: dict[str, IPv6Address] = {}
        self._changes: dict[_Told, _Change] = {}
        self._deadlines: Deadlines[_Told] = Deadlines()
        self._sequence = 0

    def receive(self, message: ChannelMessage, source: IPv6Address, now: int) -> list[Action]:
        """A channel control message came in."""
        if source not in self._mars:
            self.counters.unauthentic += 1
            return []
        if isinstance(message, ChannelQuery):
            return self._answer(message, source, now)
        if not isinstance(message, ChannelAcknowledgement) or not self._end(message, source):
            self.counters.ignored += 1
        return []

    def change(self, settings: Mapping[Channel, ChannelScope], now: int) -> list[Action]:
        """The operator sets some channels anew: every MAR that was told otherwise is told."""
        self._decisions.change(settings)
        actions: list[Action] = [
            Log("channel_set", {"channel": str(channel), "scope": scope})
            for channel, scope in settings.items()
        ]
        return actions + self._follow(now)

    def change_policy(self, policy: Policy, now: int) -> list[Action]:
        """Another policy decides from now on: every MAR that was told otherwise is told.

        If it decides about each listener, MARs forget what holds for all, and ask for the next one.
        """
        self._decisions.change_policy(policy)
        actions = self._follow(now)
        for (mar, channel), told in self._told.items():
            if self._decisions.standing(channel, mar) is None:
                actions += self._tell(mar, channel, told, now, reusable=False)
        return actions

    def timer(self, now: int) -> list[Action]:
        """Act on every deadline that is not later than ``now``."""
        actions: list[Action] = []
        for mar, channel in self._deadlines.due(now):
            change = self._changes[mar, channel]
            if change.timeout >= MAXIMUM_TIMEOUT:  # it is gone, and will ask when it is back
                del self._changes[mar, channel], self._told[mar, channel]
                continue
            change.timeout *= 2
            actions += self._send(mar, channel, change, now)
        return actions

    def next_deadline(self) -> int | None:
        """When ``timer`` is due next."""
        return self._deadlines.next()

    def _follow(self, now: int) -> list[Action]:
        """Tell what holds now to those who were told otherwise."""
        actions: list[Action] = []
        for (mar, channel), told in self._told.items():
            standing = self._decisions.standing(channel, mar)
            if standing is not None and standing != told:
                actions += self._tell(mar, channel, standing, now)
        return actions

    def _answer(self, query: ChannelQuery, mar: IPv6Address, now: int) -> list[Action]:
        channel = Channel(query.source, query.group)
        if query.listener is not None:
            self._note_place(query.listener, mar, now)
        decision = self._decisions.decide(channel, mar, query.listener, query.load, now)
        self._told[mar, channel] = decision.scope
        answer = ChannelResponse(
            query.sequence, *channel, decision.scope, reusable=decision.reusable
        )
        return [SendChannel(answer, mar)]

    def _note_place(self, listener: str, mar: IPv6Address, now: int) -> None:
        """Whoever is asked for at another MAR than before has moved."""
        before = self._places.get(listener)
        self._places[listener] = mar
        if before is not None and before != mar:
            self._decisions.moved(listener, now)

    def _tell(
        self,
        mar: IPv6Address,
        channel: Channel,
        scope: ChannelScope,
        now: int,
        *,
        reusable: bool = True,
    ) -> list[Action]:
        self._sequence = (self._sequence + 1) % (1 << 16)
        self._told[mar, channel] = scope
        change = self._changes[mar, channel] = _Change(self._sequence, scope, reusable)
        return self._send(mar, channel, change, now)

    def _send(self, mar: IPv6Address, channel: Channel, change: _Change, now: int) -> list[Action]:
        self._deadlines.set((mar, channel), now + change.timeout)
        message = ChannelResponse(
            change.sequence, *channel, change.scope, acknowledge=True, reusable=change.reusable
        )
        return [SendChannel(message, mar)]

    def _end(self, message: ChannelAcknowledgement, mar: IPv6Address) -> bool:
        """Whether a change waited for this acknowledgement."""
        for told, change in self._changes.items():
            if told[0] == mar and change.sequence == message.sequence:
                del self._changes[told]
                self._deadlines.cancel(told)
                return True
        return False
