"""The next MAG's part: a node that comes is served with what the previous MAG has told."""

from __future__ import annotations

from ipaddress import IPv6Address

from agents.core import Action, Log
from agents.mobility.actions import MobileNode
from agents.mobility.fpmipv6 import context as contexts
from agents.mobility.fpmipv6.context import Context, read_context
from agents.mobility.fpmipv6.exchange import Exchange, is_answer, send
from agents.mobility.fpmipv6.handover_mag import HandoverMag
from agents.mobility.fpmipv6.handovers import (
    MAXIMUM_EXPECTED,
    Arrival,
    FastMagConfig,
    Question,
    Timer,
)
from agents.mobility.fpmipv6.previous_mag import PreviousMag
from agents.mobility.mag_sessions import MagPhase
from agents.wire.fast_handover import Code, HandoverAcknowledge, HandoverInitiate


class NextMag:
    """Of the nodes that come, or have come; one may be back from where it has ``left`` for."""

    def __init__(
        self, config: FastMagConfig, mag: HandoverMag, exchange: Exchange, left: PreviousMag
    ) -> None:
        self._config = config
        self._mag = mag
        self._exchange = exchange
        self._deadlines = exchange.deadlines
        self._left = left
        self._arrivals: dict[str, Arrival] = {}
        self._questions: dict[str, Question] = {}

    def attach(
        self, mobile_node: MobileNode, now: int, previous: IPv6Address | None
    ) -> list[Action]:
        """A mobile node came up on the access link, and was at another MAG before, if anywhere."""
        identifier = mobile_node.identifier
        self.forget_question(identifier)
        actions = self._left.come_back(identifier)
        session = self._mag.session(identifier)
        expected = session is not None and session.phase is MagPhase.EXPECTED
        if expected or previous is None or not self._exchange.is_peer(previous):
            return actions + self._mag.attach(mobile_node, now)
        actions += self._mag.attach(mobile_node, now, registering=False)
        session = self._mag.session(identifier)
        assert session is not None  # since now at the latest
        message = contexts.question(
            identifier, mobile_node.link_layer_address, session.timestamp, self._exchange.next()
        )
        self._questions[identifier] = Question(previous, message)
        self._deadlines.set((identifier, Timer.COMING), now + self._config.lifetime)
        return actions + self.ask(identifier, now)

    def announced(
        self, message: HandoverInitiate, identifier: str, source: IPv6Address, now: int
    ) -> list[Action]:
        """A node will come: keep what is forwarded for it until it has (steps c to f)."""
        context = read_context(message)
        if context is None:
            self._exchange.counters.malformed += 1
            return []
        actions: list[Action] = []
        arrival = self._arrivals.get(identifier)
        known = arrival is not None and (arrival.previous, arrival.sequence) == (
            source,
            message.sequence,
        )
        session = self._mag.session(identifier)
        if known:
            code = Code.CONTEXT_ACCEPTED
        elif not self._may_be_ours(context):
            code = Code.ADMINISTRATIVELY_PROHIBITED
        elif len(self._arrivals) >= MAXIMUM_EXPECTED and arrival is None:
            code = Code.INSUFFICIENT_RESOURCES
        elif session is not None and session.timestamp >= context.timestamp:
            code = Code.NOT_ACCEPTED  # it has been here since then
        elif session is not None and session.is_attached:
            code = Code.CONTEXT_ACCEPTED
        else:
            code = Code.CONTEXT_ACCEPTED
            actions += self._left.come_back(identifier)
            actions += self._expect(context, source, message.sequence, now)
        return actions + send(contexts.answer(message, code), identifier, source)

    def completed(
        self, message: HandoverInitiate, identifier: str, source: IPv6Address, now: int
    ) -> list[Action]:
        """The previous MAG forwards nothing any more."""
        actions = send(contexts.answer(message, Code.ACCEPTED), identifier, source)
        arrival = self._arrivals.get(identifier)
        if arrival is None or arrival.previous != source:
            return actions
        return actions + self.end(identifier, now)

    def ask(self, identifier: str, now: int) -> list[Action]:
        """Ask the previous MAG, again and again until it answers."""
        question = self._questions[identifier]
        self._deadlines.set((identifier, Timer.ASK), now + question.timeout)
        question.timeout *= 2
        return send(question.message, identifier, question.previous)

    def is_answered(self, message: HandoverAcknowledge, mn: str, source: IPv6Address) -> bool:
        """Whether a message answers what was asked about a node."""
        question = self._questions.get(mn)
        return question is not None and is_answer(
            message, question.message, source, question.previous
        )

    def told(self, message: HandoverAcknowledge, identifier: str, now: int) -> list[Action]:
        """The previous MAG knows the node, or does not (step d); or it forwards now (step e)."""
        question = self._questions[identifier]
        context = read_context(message)
        useful = message.accepted and context is not None and self._may_be_ours(context)
        if question.adopted or context is None or not useful:
            self.forget_question(identifier)
            return self._mag.register(identifier, now)
        previous = question.previous
        actions = self._note_arrival(identifier, previous, message.sequence, now)
        actions += self._mag.adopt(identifier, context.prefix, previous, now)
        request = contexts.request(question.message, self._exchange.next())
        self._questions[identifier] = Question(previous, request, adopted=True)
        return actions + self.ask(identifier, now)

    def forget_question(self, identifier: str) -> None:
        """No answer is waited for any more: the node has moved on, or the LMA is told."""
        self._questions.pop(identifier, None)
        self._deadlines.cancel((identifier, Timer.ASK))

    def end(self, identifier: str, now: int) -> list[Action]:
        """Nothing is forwarded from where the node was; if it has not come, it does not."""
        arrival = self._arrivals.pop(identifier, None)
        if arrival is None:
            return []
        self._deadlines.cancel((identifier, Timer.COMING))
        session = self._mag.session(identifier)
        actions: list[Action] = []
        if session is not None and session.phase is MagPhase.EXPECTED:
            actions = [Log("not_expected", {"mn": identifier}), *self._mag.give_up(identifier)]
        return actions + self._mag.release_tunnel(arrival.previous, _holder(identifier), now)

    def _expect(
        self, context: Context, source: IPv6Address, sequence: int, now: int
    ) -> list[Action]:
        identifier = context.identifier
        mobile_node = MobileNode(identifier, context.link_layer_address)
        log = Log("expected", {"mn": identifier, "previous": str(source)})
        held = self._note_arrival(identifier, source, sequence, now)
        return [log, *held, *self._mag.expect(mobile_node, context.prefix, source)]

    def _note_arrival(
        self, identifier: str, previous: IPv6Address, sequence: int, now: int
    ) -> list[Action]:
        """Hold the tunnel for what is on its way when the LMA has been told."""
        actions = self._mag.hold_tunnel(previous, _holder(identifier), now)
        arrival = self._arrivals.get(identifier)
        if arrival is not None and arrival.previous != previous:
            actions += self._mag.release_tunnel(arrival.previous, _holder(identifier), now)
        self._arrivals[identifier] = Arrival(previous, sequence)
        self._deadlines.set((identifier, Timer.COMING), now + self._config.lifetime)
        return actions

    def _may_be_ours(self, context: Context) -> bool:
        """Whether a node may have this prefix here: it is the LMA's, and no other node's."""
        anchored = context.prefix.subnet_of(self._config.pool)
        others = self._mag.bindings().items()
        taken = any(b.prefix == context.prefix for mn, b in others if mn != context.identifier)
        return anchored and context.lma == self._config.lma and not taken


def _holder(identifier: str) -> str:
    return f"handover:{identifier}"
