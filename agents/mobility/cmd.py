"""The central mobility database, "CMD" (paper 4.2.2, RFC 8885): relay, locator or proxy.

It forwards no packets. A PBU of a serving MAR has it tell each previous MAR where the mobile node
is now; the variant says who answers the serving MAR with all that it needs to know, and when.

Each change of an entry is an action ahead of the messages that follow from it: nobody is told what
is not stored. A CMD that died is made anew by ``restore``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from ipaddress import IPv6Address

from agents.core import SECOND, Action, Log, refused
from agents.deadlines import Deadlines
from agents.mobility.actions import Forget, Store
from agents.mobility.anchors import Anchor
from agents.mobility.binding import AnchorTask, Binding, CmdBinding
from agents.mobility.binding_cache import BindingCache
from agents.mobility.binding_record import Debt, pack, unpack
from agents.mobility.config import FORGET_DELAY, CmdConfig, Counters, Variant
from agents.mobility.context import Context
from agents.mobility.informer import PATIENCE, Informer
from agents.mobility.messages import (
    MAXIMUM_PREVIOUS_MARS,
    TOO_MANY_MARS,
    Registration,
    acknowledgement,
    is_for_dmm,
    read_acknowledgement,
    read_registration,
)
from agents.mobility.ordering import Verdict, is_later, judge, with_own_time
from agents.mobility.sending import received, send
from agents.wire.mobility import (
    BindingAcknowledgement,
    BindingUpdate,
    BindingUpdateFlag,
    Message,
    Status,
)
from agents.wire.sequence_numbers import next_sequence


class CmdCore:
    """The CMD's protocol machine."""

    def __init__(self, config: CmdConfig) -> None:
        self.counters = Counters()
        self._config = config
        self._cache = BindingCache()
        self._ends: Deadlines[str] = Deadlines()
        """When each entry expires; or, if it is over already, is forgotten."""
        self._owed: dict[str, list[Debt]] = {}
        """Whom another CMD still has to tell what, until this one takes over or changes it."""
        self._informer = Informer(config)

    def restore(self, records: Iterable[tuple[str, bytes]], now: int) -> list[Action]:
        """Go on with what another one had stored: it gets identifiers and what Store had of them.

        Previous MARs that may not know yet are told once more; an entry lives for another lifetime,
        since how long nobody was there is not known. MalformedRecord for what nobody stored.
        """
        for identifier, record in records:
            self._take(*unpack(identifier, record), now)
        return [Log("restored", {"bindings": len(self._cache)}), *self.take_over(now)]

    def receive(self, message: Message, source: IPv6Address, now: int) -> list[Action]:
        """A Mobility Header message came in."""
        if self._config.mars is not None and source not in self._config.mars:
            self.counters.unauthentic += 1
            return []
        if isinstance(message, BindingUpdate) and is_for_dmm(message):
            return self._receive_registration(message, source, now)
        if isinstance(message, BindingAcknowledgement) and is_for_dmm(message):
            return self._receive_acknowledgement(message, source, now)
        self.counters.ignored += 1
        return []

    def timer(self, now: int) -> list[Action]:
        """Act on every deadline that is not later than ``now``."""
        actions: list[Action] = []
        for task in self._informer.due(now):
            binding = self._cache.get(task.identifier)
            if binding is not None:
                actions += self._keep(binding, self._tell_again(binding, task, now), now)
        for identifier in self._ends.due(now):
            binding = self._cache.get(identifier)
            if binding is not None:
                actions += self._end(binding, now)
        return actions

    def next_deadline(self) -> int | None:
        """When ``timer`` is due next."""
        ends, repetition = self._ends.next(), self._informer.next_deadline()
        if ends is None or repetition is None:
            return repetition if ends is None else ends
        return min(ends, repetition)

    def bindings(self) -> dict[str, CmdBinding]:
        """The mobile nodes in the domain."""
        return {b.identifier: b.shown() for b in self._cache if b.is_bound}

    # What another CMD has

    def identifiers(self) -> list[str]:
        """The mobile nodes of which there is an entry."""
        return self._cache.identifiers()

    def record(self, identifier: str) -> bytes | None:
        """An entry as it is stored."""
        binding = self._cache.get(identifier)
        return pack(binding) if binding is not None else None

    def anchors(self, identifier: str) -> list[Anchor]:
        """Who anchors a prefix for this mobile node."""
        binding = self._cache.get(identifier)
        return list(binding.anchors) if binding is not None else []

    def load(self, records: Iterable[tuple[str, bytes]], now: int) -> list[str]:
        """Like ``restore``, but leave it to others to tell anybody; the identifiers."""
        identifiers = []
        for identifier, record in records:
            self._take(*unpack(identifier, record), now)
            identifiers.append(identifier)
        return identifiers

    def adopt(self, identifier: str, record: bytes, now: int) -> list[Action] | None:
        """Another CMD has this entry. It is stored if that is news; None: this one's is later.

        Whoever changed it tells the previous MARs, too. MalformedRecord for what is no entry.
        """
        binding, debts = unpack(identifier, record)
        known = self._cache.get(identifier)
        if known is not None and not is_later(binding, known):
            return None if is_later(known, binding) else []
        if known is not None:
            for peer in list(known.tasks):
                self._informer.stop(known, peer)
        self._take(binding, debts, now + FORGET_DELAY)  # the other one ends it before
        return [Store(identifier, record)]

    def merge(self, identifier: str, anchors: Iterable[Anchor], now: int) -> list[Action]:
        """These anchor prefixes of a mobile node, too, of which the entry does not know."""
        binding = self._cache.get(identifier)
        if binding is None or not binding.is_bound:
            return []
        missing = binding.anchors.put_before(anchors, MAXIMUM_PREVIOUS_MARS + 1)
        told: list[Action] = []
        for anchor in missing:
            told += self._informer.tell(binding, anchor, binding.serving, now, asks=False)
        return self._keep(binding, told, now) if missing else []

    def take_over(self, now: int, only: Collection[str] | None = None) -> list[Action]:
        """Tell the previous MARs what others should have told them: of all entries, or of these."""
        actions: list[Action] = []
        for identifier in [i for i in self._owed if only is None or i in only]:
            binding = self._cache.get(identifier)
            if binding is not None:
                actions += self._keep(binding, [], now)
        return actions

    def _take(self, binding: Binding, debts: list[Debt], now: int) -> None:
        """Have an entry of which nothing is under way here."""
        life = binding.lifetime * SECOND if binding.is_bound else FORGET_DELAY
        self._ends.set(binding.identifier, now + life)
        self._owed.pop(binding.identifier, None)
        if debts:
            self._owed[binding.identifier] = debts
        self._cache.keep(binding)

    # The serving MAR's side

    def _receive_registration(
        self, message: BindingUpdate, source: IPv6Address, now: int
    ) -> list[Action]:
        request = read_registration(message, source)
        if request is None:
            self.counters.malformed += 1
            return []
        binding = self._cache.get(request.identifier)
        verdict = Verdict.NEW
        if binding is not None:
            verdict = judge(binding, request.timestamp, request.sequence, source)
        actions: list[Action] = [received(message, request.identifier, source)]
        if verdict is not Verdict.NEW:
            self.counters.ignored += 1
        if binding is not None and verdict is Verdict.OUTDATED:
            status = Status.TIMESTAMP_LOWER_THAN_PREVIOUSLY_ACCEPTED
            refusal = acknowledgement(message, status, message.lifetime)
            answer = with_own_time(refusal, now + self._config.clock_offset)
            actions += send(answer, request.identifier, source)
            return actions + self._learn_late(binding, request, source, now)
        if verdict is Verdict.REPEATED:
            return actions
        binding = binding or Binding.of(request)
        return self._keep(binding, actions + self._register(binding, request, message, now), now)

    def _register(
        self, binding: Binding, request: Registration, message: BindingUpdate, now: int
    ) -> list[Action]:
        """A registration that counts."""
        if request.lifetime == 0:
            binding.note(request)
            answer = acknowledgement(message, Status.ACCEPTED, 0)
            return send(answer, binding.identifier, binding.serving) + self._unbind(binding, now)
        lifetime = min(request.lifetime, self._config.binding_lifetime_s)
        surplus = binding.register(request, lifetime)
        self._ends.set(binding.identifier, now + lifetime * SECOND)
        if request.subscriptions:
            # It has left that MAR, and nobody has said for where: there is nothing else to tell.
            binding.context.learn(request.timestamp, request.subscriptions)
            answer = acknowledgement(message, Status.ACCEPTED, lifetime)
            return send(answer, binding.identifier, binding.serving)
        binding.waiting = message
        lost = [
            refused(binding.identifier, anchor.prefix, TOO_MANY_MARS)
            for anchor in surplus
            if anchor.prefix not in request.released
        ]
        return [*self._exchange(binding, surplus, now, request.asks), *lost]

    def _exchange(
        self, binding: Binding, surplus: list[Anchor], now: int, asks: bool
    ) -> list[Action]:
        """What a registration that counts sets off (figures 4, 6 and 7)."""
        variant = self._config.variant
        self._informer.stop(binding, binding.serving)  # what it was to be told of is past
        wants_context = asks and (
            binding.context.for_mar(binding.serving) is None or variant is Variant.LOCATOR
        )
        told: list[Action] = []
        previous = binding.previous()
        for anchor in previous:
            knows = wants_context and anchor.address == binding.context.left
            told += self._informer.tell(binding, anchor, binding.serving, now, knows, previous)
        for anchor in surplus:
            told += self._informer.tell(binding, anchor, None, now, asks=False)
        binding.context.ask_nobody_but(binding.tasks)
        if variant is Variant.PROXY or not previous:
            return self._answer(binding, previous) + told
        return told

    @staticmethod
    def _answer(binding: Binding, previous: list[Anchor]) -> list[Action]:
        """Tell the serving MAR that it is bound, and of whom it gets the other prefixes.

        Once more, if it asked for a context that has not come yet.
        """
        request = binding.waiting
        if request is None:
            return []
        asks = BindingUpdateFlag.S in request.flags
        context = binding.context.for_mar(binding.serving) if asks else None
        if context is not None or not asks:
            binding.waiting = None
        answer = acknowledgement(request, Status.ACCEPTED, binding.lifetime, previous, context)
        return send(answer, binding.identifier, binding.serving)

    def _follow_up(self, binding: Binding) -> list[Action]:
        """Something has come that the answer to the serving MAR may have waited for."""
        context = binding.context
        context.ask_nobody_but(binding.tasks)
        if binding.waiting is None:
            return []
        if self._config.variant is Variant.PROXY:
            return (
                self._answer(binding, binding.previous())
                if context.for_mar(binding.serving) is not None
                else []
            )
        if any(task.serving for task in binding.tasks.values()):
            return []
        if self._config.variant is Variant.RELAY:
            return self._answer(binding, binding.previous())
        binding.waiting = None  # the previous MARs have answered
        return []

    def _learn_late(
        self, binding: Binding, request: Registration, source: IPv6Address, now: int
    ) -> list[Action]:
        """The MAR that the mobile node left speaks after the one to which it came."""
        if not request.subscriptions:
            return []
        if not binding.context.is_of_interest(source, request.timestamp):
            return []
        binding.context.learn(request.timestamp, request.subscriptions)
        return self._keep(binding, self._follow_up(binding), now)

    def _unbind(self, binding: Binding, now: int) -> list[Action]:
        """The mobile node is gone: all who anchor a prefix for it may release it."""
        anchors = binding.previous()
        binding.waiting = None
        binding.context = Context()
        self._informer.stop(binding, binding.serving)
        self._ends.set(binding.identifier, now + FORGET_DELAY)
        actions: list[Action] = []
        if binding.is_bound:
            actions.append(Log("binding_removed", {"mn": binding.identifier}))
        binding.anchors.clear()
        for anchor in anchors:
            actions += self._informer.tell(binding, anchor, None, now, asks=False)
        return actions

    def _end(self, binding: Binding, now: int) -> list[Action]:
        """An entry's time is over: it is unbound first, and dropped once every anchor knows."""
        if binding.is_bound:
            return self._keep(binding, self._unbind(binding, now), now)
        if binding.tasks or binding.identifier in self._owed:
            self._ends.set(binding.identifier, now + FORGET_DELAY)
            return []
        self._cache.forget(binding.identifier)
        return [Forget(binding.identifier)]

    def _keep(self, binding: Binding, actions: list[Action], now: int) -> list[Action]:
        """Have the entry stored as it is now, ahead of what follows from that.

        What others still had to tell of it is this CMD's to tell from now on.
        """
        told: list[Action] = []
        for anchor, serving, asks in self._owed.pop(binding.identifier, ()):
            if anchor.address != binding.serving and anchor.address not in binding.tasks:
                told += self._informer.tell(binding, anchor, serving, now, asks)
        binding.change = next_sequence(binding.change)
        return [Store(binding.identifier, self._cache.keep(binding)), *actions, *told]

    # The previous MARs' side

    def _tell_again(self, binding: Binding, task: AnchorTask, now: int) -> list[Action]:
        """No PBA came in time."""
        actions = self._informer.tell_again(binding, task, now)
        if not actions:
            return self._follow_up(binding)
        waits = self._config.variant is not Variant.PROXY and task.serving is not None
        if waits and task.transmissions == PATIENCE:
            # The serving MAR shall not wait for a MAR that may be dead.
            return self._answer(binding, binding.previous()) + actions
        return actions

    def _receive_acknowledgement(
        self, message: BindingAcknowledgement, source: IPv6Address, now: int
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
            binding.anchors.remove(source)
            fields = {"mn": binding.identifier, "mar": str(source), "status": answer.status}
            actions.append(Log("anchor_refused", fields))
        return self._keep(binding, actions + self._follow_up(binding), now)
