"""The central mobility database, "CMD" (paper 4.2.2, RFC 8885): relay, locator or proxy.

It forwards no packets. A PBU of a serving MAR has it tell each previous MAR where the mobile node
is now; the variant says who answers the serving MAR with all that it needs to know, and when.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network

from agents.core import SECOND, Action, Log
from agents.deadlines import Deadlines
from agents.mobility.binding_cache import AnchorTask, Binding, BindingCache
from agents.mobility.config import FORGET_DELAY, CmdConfig, Counters, Variant
from agents.mobility.context import Context
from agents.mobility.informer import PATIENCE, Informer, Key, Timer
from agents.mobility.messages import (
    Anchor,
    Registration,
    acknowledgement,
    is_for_dmm,
    read_acknowledgement,
    read_registration,
)
from agents.mobility.ordering import Verdict
from agents.mobility.signalling import received, send
from agents.wire.mobility import (
    BindingAcknowledgement,
    BindingUpdate,
    BindingUpdateFlag,
    Message,
    Status,
)


@dataclass(frozen=True)
class CmdBinding:
    """What the CMD shows of an entry."""

    serving: IPv6Address
    prefix: IPv6Network
    """Of the serving MAR."""
    previous: tuple[Anchor, ...]
    """The previous MARs, latest left last."""


class CmdCore:
    """The CMD's protocol machine."""

    def __init__(self, config: CmdConfig) -> None:
        self.counters = Counters()
        self._config = config
        self._cache = BindingCache()
        self._deadlines: Deadlines[Key] = Deadlines()
        self._informer = Informer(config, self._deadlines)

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
            if timer is Timer.EXPIRE:
                actions += self._unbind(binding, now)
            elif timer is Timer.FORGET:
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
            return (
                actions
                + send(answer, request.identifier, source)
                + self._learn_late(request, source)
            )
        if request.lifetime == 0:
            binding = self._cache.note(request)
            answer = acknowledgement(message, Status.ACCEPTED, 0)
            actions += send(answer, request.identifier, source)
            return actions + self._unbind(binding, now)
        lifetime = min(request.lifetime, self._config.binding_lifetime_s)
        binding, surplus = self._cache.register(request, lifetime)
        self._deadlines.cancel((binding.identifier, Timer.FORGET, None))
        expire = now + binding.lifetime * SECOND
        self._deadlines.set((binding.identifier, Timer.EXPIRE, None), expire)
        if request.subscriptions:
            # It has left that MAR, and nobody has said for where: there is nothing else to tell.
            binding.context.learn(request.timestamp, request.subscriptions)
            answer = acknowledgement(message, Status.ACCEPTED, binding.lifetime)
            return actions + send(answer, binding.identifier, source)
        return actions + self._exchange(binding, message, surplus, now)

    def _exchange(
        self, binding: Binding, request: BindingUpdate, surplus: list[Anchor], now: int
    ) -> list[Action]:
        """What a registration that counts sets off (figures 4, 6 and 7)."""
        variant = self._config.variant
        self._informer.stop(binding, binding.serving)  # what it was to be told of is past
        binding.waiting = request
        wants_context = _asks(request) and (
            binding.context.for_mar(binding.serving) is None or variant is Variant.LOCATOR
        )
        told: list[Action] = []
        for anchor in binding.previous():
            asks = wants_context and anchor.address == binding.context.left
            told += self._informer.tell(binding, anchor, binding.serving, now, asks)
        for anchor in surplus:
            told += self._informer.tell(binding, anchor, None, now, asks=False)
        binding.context.ask_nobody_but(binding.tasks)
        if variant is Variant.PROXY or not binding.previous():
            return self._answer(binding) + told
        return told

    @staticmethod
    def _answer(binding: Binding) -> list[Action]:
        """Tell the serving MAR that it is bound, and of whom it gets the other prefixes.

        Once more, if it asked for a context that has not come yet.
        """
        request = binding.waiting
        if request is None:
            return []
        context = binding.context.for_mar(binding.serving) if _asks(request) else None
        if context is not None or not _asks(request):
            binding.waiting = None
        answer = acknowledgement(
            request, Status.ACCEPTED, binding.lifetime, binding.previous(), context
        )
        return send(answer, binding.identifier, binding.serving)

    def _follow_up(self, binding: Binding) -> list[Action]:
        """Something has come that the answer to the serving MAR may have waited for."""
        context = binding.context
        context.ask_nobody_but(binding.tasks)
        if binding.waiting is None:
            return []
        if self._config.variant is Variant.PROXY:
            return self._answer(binding) if context.for_mar(binding.serving) is not None else []
        if any(task.serving for task in binding.tasks.values()):
            return []
        if self._config.variant is Variant.RELAY:
            return self._answer(binding)
        binding.waiting = None  # the previous MARs have answered
        return []

    def _learn_late(self, request: Registration, source: IPv6Address) -> list[Action]:
        """The MAR that the mobile node left speaks after the one to which it came."""
        binding = self._cache.get(request.identifier)
        if binding is None or not request.subscriptions:
            return []
        if not binding.context.is_of_interest(source, request.timestamp):
            return []
        binding.context.learn(request.timestamp, request.subscriptions)
        return self._follow_up(binding)

    def _unbind(self, binding: Binding, now: int) -> list[Action]:
        """The mobile node is gone: all who anchor a prefix for it may release it."""
        anchors = binding.previous()
        binding.waiting = None
        binding.context = Context()
        self._informer.stop(binding, binding.serving)
        self._deadlines.cancel((binding.identifier, Timer.EXPIRE, None))
        self._deadlines.set((binding.identifier, Timer.FORGET, None), now + FORGET_DELAY)
        actions: list[Action] = []
        if binding.is_bound:
            actions.append(Log("binding_removed", {"mn": binding.identifier}))
        binding.anchors.clear()
        for anchor in anchors:
            actions += self._informer.tell(binding, anchor, None, now, asks=False)
        return actions

    def _forget(self, binding: Binding, now: int) -> None:
        """Drop an entry that is over, unless an anchor still has to be told so."""
        if binding.tasks:
            self._deadlines.set((binding.identifier, Timer.FORGET, None), now + FORGET_DELAY)
        else:
            self._cache.forget(binding)

    # The previous MARs' side

    def _tell_again(self, binding: Binding, task: AnchorTask, now: int) -> list[Action]:
        """No PBA came in time."""
        actions = self._informer.tell_again(binding, task, now)
        if not actions:
            return self._follow_up(binding)
        waits = self._config.variant is not Variant.PROXY and task.serving is not None
        if waits and task.transmissions == PATIENCE:
            # The serving MAR shall not wait for a MAR that may be dead.
            return self._answer(binding) + actions
        return actions

    def _receive_acknowledgement(
        self, message: BindingAcknowledgement, source: IPv6Address
    ) -> list[Action]:
        answer = read_acknowledgement(message)
        if answer is None:
            self.counters.malformed += 1
            return []
        binding = self._cache.get(answer.identifier)
        if binding is None or not self._informer.is_answer(binding, answer, source):
            self.counters.ignored += 1
            return []
        actions: list[Action] = [received(message, answer.identifier, source)]
        context = binding.context
        if answer.subscriptions is not None and source == context.left:
            context.learn(context.left_since, answer.subscriptions)
        self._informer.stop(binding, source)
        if answer.status == Status.NOT_AUTHORIZED_FOR_HOME_NETWORK_PREFIX:
            # It anchors that prefix for another mobile node: it must have lost its state.
            binding.anchors.pop(source, None)
            fields = {"mn": binding.identifier, "mar": str(source), "status": answer.status}
            actions.append(Log("anchor_refused", fields))
        return actions + self._follow_up(binding)


def _asks(request: BindingUpdate) -> bool:
    """Whether a serving MAR asks for the context."""
    return bool(request.flags & BindingUpdateFlag.S)
