"""The channel management function, "CMF", of the partially distributed scheme: it asks the MCC."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv6Address

from agents.control.actions import Decided, SendChannel
from agents.control.channel import Channel
from agents.core import MILLISECOND, SECOND, Action, Log
from agents.deadlines import Deadlines
from agents.wire.channel import (
    ChannelAcknowledgement,
    ChannelMessage,
    ChannelQuery,
    ChannelResponse,
    ChannelScope,
)
from agents.wire.sequence_numbers import is_newer, next_sequence


@dataclass(frozen=True)
class ManagementConfig:
    """What an operator sets; times in ns."""

    mcc: IPv6Address
    default: ChannelScope = ChannelScope.REMOTE
    """What holds while the MCC does not answer: remote keeps the listener's channel flowing."""
    timeout: int = 200 * MILLISECOND
    """From the first query to the default."""
    maximum_interval: int = 32 * SECOND
    """Between queries at last; then it is no use."""

    @property
    def initial_interval(self) -> int:
        """From the first query to the second; it doubles. Two are lost before the default holds."""
        return self.timeout // 4


@dataclass
class CmfCounters:
    """What came in and was of no use."""

    unauthentic: int = 0
    """Not from the MCC."""
    ignored: int = 0
    """Not an answer to what is asked now, or an outdated change."""


@dataclass
class _Pending:
    """A query without an answer."""

    query: ChannelQuery
    default_at: int
    interval: int
    send_at: int
    defaulted: bool = field(default=False)


class ChannelManagement:
    """Asks the MCC, remembers what it said, and does without it when it is silent."""

    def __init__(self, config: ManagementConfig) -> None:
        self.counters = CmfCounters()
        self._config = config
        self._known: dict[Channel, ChannelScope] = {}
        self._pending: dict[Channel, _Pending] = {}
        self._deadlines: Deadlines[Channel] = Deadlines()
        self._sequence = 0
        self._changed: dict[Channel, int] = {}  # the latest change of each, by sequence number

    def ask(
        self, channel: Channel, now: int, *, listener: str | None = None, load: int = 0
    ) -> list[Action]:
        """The proxy must know about a channel: it is ``Decided`` at once or later."""
        if channel in self._known:
            return [Decided(channel, self._known[channel])]
        pending = self._pending.get(channel)
        if pending is not None:
            return self._fall_back(channel) if pending.defaulted else []
        self._sequence = next_sequence(self._sequence)
        query = ChannelQuery(self._sequence, *channel, load, listener)
        interval = self._config.initial_interval
        pending = _Pending(query, now + self._config.timeout, interval, now + interval)
        self._pending[channel] = pending
        self._set_deadline(channel, pending)
        return [_log("channel_query", channel), SendChannel(query, self._config.mcc)]

    def receive(self, message: ChannelMessage, source: IPv6Address, now: int) -> list[Action]:
        """A channel control message came in."""
        if source != self._config.mcc:
            self.counters.unauthentic += 1
            return []
        if not isinstance(message, ChannelResponse):
            self.counters.ignored += 1
            return []
        channel = Channel(message.source, message.group)
        if message.acknowledge:
            return self._change(channel, message)
        pending = self._pending.get(channel)
        if pending is None or pending.query.sequence != message.sequence:
            self.counters.ignored += 1
            return []
        self._forget(channel)
        if message.reusable:
            self._known[channel] = message.scope
        return _decided(channel, message.scope, "answer")

    def timer(self, now: int) -> list[Action]:
        """Act on every deadline that is not later than ``now``."""
        actions: list[Action] = []
        for channel in self._deadlines.due(now):
            pending = self._pending[channel]
            if not pending.defaulted and now >= pending.default_at:
                pending.defaulted = True
                actions += self._fall_back(channel)
            if now >= pending.send_at:
                pending.interval *= 2
                if pending.interval > self._config.maximum_interval:
                    del self._pending[channel]
                    continue
                pending.send_at = now + pending.interval
                actions.append(SendChannel(pending.query, self._config.mcc))
            self._set_deadline(channel, pending)
        return actions

    def next_deadline(self) -> int | None:
        """When ``timer`` is due next."""
        return self._deadlines.next()

    def _change(self, channel: Channel, message: ChannelResponse) -> list[Action]:
        """The MCC has changed its mind; an answer that is still on its way is older than that."""
        acknowledgement = SendChannel(ChannelAcknowledgement(message.sequence), self._config.mcc)
        latest = self._changed.get(channel)
        if latest is not None and not is_newer(message.sequence, latest):
            self.counters.ignored += 1
            return [acknowledgement]
        self._changed[channel] = message.sequence
        if not message.reusable:  # who is served stays so; a question that is asked is answered
            self._known.pop(channel, None)
            return [acknowledgement]
        self._forget(channel)
        self._known[channel] = message.scope
        return [acknowledgement, *_decided(channel, message.scope, "change")]

    def _fall_back(self, channel: Channel) -> list[Action]:
        return _decided(channel, self._config.default, "default")

    def _forget(self, channel: Channel) -> None:
        self._pending.pop(channel, None)
        self._deadlines.cancel(channel)

    def _set_deadline(self, channel: Channel, pending: _Pending) -> None:
        when = pending.send_at
        if not pending.defaulted:
            when = min(when, pending.default_at)
        self._deadlines.set(channel, when)


def _decided(channel: Channel, scope: ChannelScope, reason: str) -> list[Action]:
    return [_log("channel_decision", channel, scope=scope, reason=reason), Decided(channel, scope)]


def _log(kind: str, channel: Channel, **fields: object) -> Log:
    return Log(kind, {"source": channel.source, "group": channel.group, **fields})
