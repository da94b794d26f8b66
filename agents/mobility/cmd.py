"""The central mobility database, "CMD" (paper 4.2.2, RFC 8885), as PBU/PBA proxy (figure 7).

It forwards no packets. For each PBU of a serving MAR it does two things at once: it answers with
all that the MAR needs to know, and tells each previous MAR where the mobile node is now.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv6Address, IPv6Network

from agents.core import SECOND, Action, Log
from agents.deadlines import Deadlines
from agents.mobility.binding_cache import AnchorTask, Binding, BindingCache, Verdict
from agents.mobility.config import FORGET_DELAY, CmdConfig, Counters
from agents.mobility.messages import (
    Anchor,
    acknowledgement,
    anchor_update,
    is_for_dmm,
    read_acknowledgement,
    read_registration,
)
from agents.mobility.retransmission import PendingUpdate, next_sequence
from agents.mobility.signalling import received, send
from agents.wire.mobility import BindingAcknowledgement, BindingUpdate, Message, Status


class _Timer(Enum):
    """What an entry may wait for."""

    EXPIRE = "expire"
    RETRANSMIT = "retransmit"
    FORGET = "forget"


@dataclass(frozen=True)
class CmdBinding:
    """What the CMD shows of an entry."""

    serving: IPv6Address
    prefix: IPv6Network
    """Of the serving MAR."""
    previous: tuple[Anchor, ...]
    """The previous MARs, latest left last."""


_Key = tuple[str, _Timer, IPv6Address | None]


class CmdCore:
    """The CMD's protocol machine."""

    def __init__(self, config: CmdConfig) -> None:
        self.counters = Counters()
        self._config = config
        self._cache = BindingCache()
        # The address is the previous MAR to which a PBU is sent again.
        self._deadlines: Deadlines[_Key] = Deadlines()

    def receive(self, message: Message, source: IPv6Address, now: int) -> list[Action]:
        """A Mobility Header message came in."""
        if self._config.mars is not None and source not in self._config.mars:
            self.counters.unauthentic += 1
            return []
        if isinstance(message, BindingUpdate) and is_for_dmm(message):
            return self._receive_registration(message, source, now)
        if isinstance(message, BindingAcknowledgement) and is_for_dmm(message):
            return self._receive_acknowledgement(message, source)
        self.counters.ignored += 1
        return []

    def timer(self, now: int) -> list[Action]:
        """Act on every deadline that is not later than ``now``."""
        actions: list[Action] = []
        for identifier, timer, peer in self._deadlines.due(now):
            binding = self._cache.get(identifier)
            if binding is None:
                continue
            if timer is _Timer.EXPIRE:
                actions += self._unbind(binding, now)
            elif timer is _Timer.FORGET:
                self._forget(binding, now)
            elif peer in binding.tasks:
                actions += self._tell_again(binding, binding.tasks[peer], now)
        return actions

    def next_deadline(self) -> int | None:
        """When ``timer`` is due next."""
        return self._deadlines.next()

    def bindings(self) -> dict[str, CmdBinding]:
        """The mobile nodes in the domain."""
        return {
            b.identifier: CmdBinding(b.serving, b.anchors[b.serving].prefix, tuple(b.previous()))
            for b in self._cache.bound()
        }

    # The serving MAR's side

    def _receive_registration(
        self, message: BindingUpdate, source: IPv6Address, now: int
    ) -> list[Action]:
        request = read_registration(message, source)
        if request is None:
            self.counters.malformed += 1
            return []
        verdict = self._cache.judge(request)
        actions: list[Action] = [received(message, request.identifier, source)]
        if verdict is Verdict.REPEATED:
            self.counters.ignored += 1
            return actions
        if verdict is Verdict.OUTDATED:
            self.counters.ignored += 1
            status = Status.TIMESTAMP_LOWER_THAN_PREVIOUSLY_ACCEPTED
            answer = acknowledgement(message, status, message.lifetime)
            return actions + send(answer, request.identifier, source)
        if request.lifetime == 0:
            binding = self._cache.note(request)
            answer = acknowledgement(message, Status.ACCEPTED, 0)
            actions += send(answer, request.identifier, source)
            return actions + self._unbind(binding, now)
        lifetime = min(request.lifetime, self._config.binding_lifetime_s)
        binding, surplus = self._cache.register(request, lifetime)
        return actions + self._exchange(binding, message, surplus, now)

    def _exchange(
        self, binding: Binding, request: BindingUpdate, surplus: list[Anchor], now: int
    ) -> list[Action]:
        """What a registration that counts sets off; figure 7: all at once."""
        self._end_task(binding, binding.serving)  # what it was to be told of is past
        self._deadlines.cancel((binding.identifier, _Timer.FORGET, None))
        expire = now + binding.lifetime * SECOND
        self._deadlines.set((binding.identifier, _Timer.EXPIRE, None), expire)
        actions = self._answer(binding, request)
        for anchor in binding.previous():
            actions += self._tell(binding, anchor, binding.serving, now)
        for anchor in surplus:
            actions += self._tell(binding, anchor, None, now)
        return actions

    @staticmethod
    def _answer(binding: Binding, request: BindingUpdate) -> list[Action]:
        """Tell the serving MAR that it is bound, and of whom it gets the other prefixes."""
        answer = acknowledgement(request, Status.ACCEPTED, binding.lifetime, binding.previous())
        return send(answer, binding.identifier, binding.serving)

    def _unbind(self, binding: Binding, now: int) -> list[Action]:
        """The mobile node is gone: all who anchor a prefix for it may release it."""
        anchors = binding.previous()
        self._end_task(binding, binding.serving)
        self._deadlines.cancel((binding.identifier, _Timer.EXPIRE, None))
        self._deadlines.set((binding.identifier, _Timer.FORGET, None), now + FORGET_DELAY)
        actions: list[Action] = []
        if binding.is_bound:
            actions.append(Log("binding_removed", {"mn": binding.identifier}))
        binding.anchors.clear()
        for anchor in anchors:
            actions += self._tell(binding, anchor, None, now)
        return actions

    def _forget(self, binding: Binding, now: int) -> None:
        """Drop an entry that is over, unless an anchor still has to be told so."""
        if binding.tasks:
            self._deadlines.set((binding.identifier, _Timer.FORGET, None), now + FORGET_DELAY)
        else:
            self._cache.forget(binding)

    # The previous MARs' side

    def _tell(
        self, binding: Binding, anchor: Anchor, serving: IPv6Address | None, now: int
    ) -> list[Action]:
        """Start to tell a previous MAR where the mobile node is (None: gone)."""
        lifetime = 0 if serving is None else binding.lifetime
        sequence = next_sequence(binding.update_sequence)
        pending = PendingUpdate(
            binding.timestamp, lifetime, sequence, sequence, self._config.initial_timeout
        )
        task = AnchorTask(anchor, serving, pending, now + binding.lifetime * SECOND)
        binding.tasks[anchor.address] = task
        return self._send_update(binding, task, now)

    def _tell_again(self, binding: Binding, task: AnchorTask, now: int) -> list[Action]:
        """No PBA came in time."""
        if now >= task.give_up:
            self._end_task(binding, task.anchor.address)
            return []
        sequence = next_sequence(binding.update_sequence)
        task.pending.sent_again(sequence, self._config.maximum_timeout)
        return self._send_update(binding, task, now)

    def _send_update(self, binding: Binding, task: AnchorTask, now: int) -> list[Action]:
        pending = task.pending
        binding.update_sequence = pending.last
        key = (binding.identifier, _Timer.RETRANSMIT, task.anchor.address)
        self._deadlines.set(key, now + pending.timeout)
        message = anchor_update(
            binding.identifier,
            task.anchor,
            task.serving,
            sequence=pending.last,
            lifetime=pending.lifetime,
            timestamp=pending.timestamp,
        )
        return send(message, binding.identifier, task.anchor.address)

    def _end_task(self, binding: Binding, peer: IPv6Address) -> None:
        """This peer knows, or need not know."""
        binding.tasks.pop(peer, None)
        self._deadlines.cancel((binding.identifier, _Timer.RETRANSMIT, peer))

    def _receive_acknowledgement(
        self, message: BindingAcknowledgement, source: IPv6Address
    ) -> list[Action]:
        answer = read_acknowledgement(message)
        if answer is None:
            self.counters.malformed += 1
            return []
        binding = self._cache.get(answer.identifier)
        task = binding.tasks.get(source) if binding is not None else None
        if (
            binding is None
            or task is None
            or not task.pending.answered_by(answer.sequence, answer.timestamp)
        ):
            self.counters.ignored += 1
            return []
        self._end_task(binding, source)
        actions: list[Action] = [received(message, answer.identifier, source)]
        if answer.status == Status.NOT_AUTHORIZED_FOR_HOME_NETWORK_PREFIX:
            # It anchors that prefix for another mobile node: it must have lost its state.
            binding.anchors.pop(source, None)
            fields = {"mn": binding.identifier, "mar": str(source), "status": answer.status}
            actions.append(Log("anchor_refused", fields))
        return actions
