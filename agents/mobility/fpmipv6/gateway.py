"""A MAG with fast handovers (RFC 5949): the protocol machine around that of RFC 5213.

The *previous* MAG keeps what comes for a node that has left, or forwards it to the next one, before
the LMA knows; the *next* MAG serves a node with what the previous one has told. Predictive: the
previous MAG sends a Handover Initiate (HI) when the node is about to leave. Reactive, and where
that was not announced, or the HI got lost: the next MAG sends one when the node has come.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv6Address

from agents.core import Action, Log
from agents.deadlines import Deadlines
from agents.mobility.actions import MobileNode
from agents.mobility.config import Counters
from agents.mobility.fpmipv6 import context as contexts
from agents.mobility.fpmipv6.actions import SendHandover
from agents.mobility.fpmipv6.context import Context, read_context
from agents.mobility.fpmipv6.handover_mag import HandoverMag
from agents.mobility.fpmipv6.handovers import (
    MAXIMUM_EXPECTED,
    Arrival,
    Departure,
    FastMagConfig,
    Question,
    Timer,
)
from agents.mobility.mag_sessions import MagBinding, MagPhase
from agents.wire import fast_handover, mobility
from agents.wire.fast_handover import (
    AcknowledgeFlag,
    Code,
    HandoverAcknowledge,
    HandoverInitiate,
    InitiateCode,
    InitiateFlag,
)
from agents.wire.mobility_options import (
    HomeNetworkPrefix,
    MobileNodeIdentifier,
    Timestamp,
)
from agents.wire.sequence_numbers import next_sequence


class FastMag:
    """One MAG's protocol machine."""

    def __init__(self, config: FastMagConfig, mag: HandoverMag) -> None:
        self.counters = Counters()
        """Of HIs and HAcks that were not acted upon."""
        self.mag = mag
        self._config = config
        self._departures: dict[str, Departure] = {}
        self._arrivals: dict[str, Arrival] = {}
        self._questions: dict[str, Question] = {}
        self._sequence = 0
        self._deadlines: Deadlines[tuple[str, Timer]] = Deadlines()

    # What the surroundings tell

    def going_down(self, identifier: str, to: IPv6Address, now: int) -> list[Action]:
        """A mobile node is about to be handed over to another MAG (a Link_Going_Down trigger)."""
        actions = self.mag.going_down(identifier, to, now)
        context = self._context(identifier)
        if not actions or context is None or not self._config.predictive or not self._is_peer(to):
            return actions
        actions += self._end_departure(identifier, now)
        departure = Departure(to, contexts.announcement(context, self._next()))
        self._departures[identifier] = departure
        self._deadlines.set((identifier, Timer.LEAVING), now + self._config.lifetime)
        return actions + self._announce(identifier, departure, now)

    def detach(self, identifier: str, now: int) -> list[Action]:
        """A mobile node went off the access link: keep what comes for it, or forward it."""
        self._forget_question(identifier)
        session = self.mag.session(identifier)
        if session is None or not session.is_attached:
            return []
        actions = self.mag.leave(identifier, now)
        if session.phase is not MagPhase.FORWARDING:
            return actions + self._end_departure(identifier, now)
        self._departures.setdefault(identifier, Departure())
        self._deadlines.set((identifier, Timer.LEAVING), now + self._config.lifetime)
        return actions

    def attach(
        self, mobile_node: MobileNode, now: int, previous: IPv6Address | None = None
    ) -> list[Action]:
        """A mobile node came up on the access link, and was at another MAG before, if anywhere."""
        identifier = mobile_node.identifier
        self._forget_question(identifier)
        actions = self._come_back(identifier)
        session = self.mag.session(identifier)
        expected = session is not None and session.phase is MagPhase.EXPECTED
        if expected or previous is None or not self._is_peer(previous):
            return actions + self.mag.attach(mobile_node, now)
        actions += self.mag.attach(mobile_node, now, registering=False)
        session = self.mag.session(identifier)
        assert session is not None  # since now at the latest
        message = contexts.question(
            identifier, mobile_node.link_layer_address, session.timestamp, self._next()
        )
        question = self._questions[identifier] = Question(previous, message)
        self._deadlines.set((identifier, Timer.COMING), now + self._config.lifetime)
        return actions + self._ask(identifier, question, now)

    def attach_from(
        self, mobile_node: MobileNode, previous: IPv6Address | None, now: int
    ) -> list[Action]:
        """A mobile node came up on the access link, and was at another MAG before, if anywhere."""
        return self.attach(mobile_node, now, previous)

    def solicit(self, identifier: str, now: int) -> list[Action]:
        """A mobile node sent a Router Solicitation."""
        return self.mag.solicit(identifier, now)

    def hold_tunnel(self, peer: IPv6Address, holder: str, now: int) -> list[Action]:
        """Another part of the router needs the tunnel to a peer."""
        return self.mag.hold_tunnel(peer, holder, now)

    def release_tunnel(self, peer: IPv6Address, holder: str, now: int) -> list[Action]:
        """Another part of the router no longer needs the tunnel to a peer."""
        return self.mag.release_tunnel(peer, holder, now)

    def receive(self, message: mobility.Message, source: IPv6Address, now: int) -> list[Action]:
        """A message of the LMA's came in."""
        return self.mag.receive(message, source, now)

    def receive_handover(
        self, message: fast_handover.Message, source: IPv6Address, now: int
    ) -> list[Action]:
        """A message of another MAG's came in."""
        if not self._is_peer(source):
            self.counters.unauthentic += 1
            return []
        identifier = message.option(MobileNodeIdentifier)
        if isinstance(message, HandoverAcknowledge):
            proxy = bool(message.flags & AcknowledgeFlag.P)
        else:
            proxy = bool(message.flags & InitiateFlag.P)
        if identifier is None or not proxy:
            self.counters.malformed += 1
            return []
        name = identifier.identifier
        if isinstance(message, HandoverAcknowledge):
            return self._acknowledged(message, name, source, now)
        if message.code == InitiateCode.FORWARDING_COMPLETED:
            return self._completed(message, name, source, now)
        if message.option(HomeNetworkPrefix) is not None:
            return self._announced(message, name, source, now)
        return self._asked(message, name, source, now)

    def timer(self, now: int) -> list[Action]:
        """Act on every deadline that is not later than ``now``."""
        actions = self.mag.timer(now)
        for identifier, timer in self._deadlines.due(now):
            if timer is Timer.ANNOUNCE:
                actions += self._announce(identifier, self._departures[identifier], now)
            elif timer is Timer.ASK:
                # The node does not wait for a MAG that does not answer.
                actions += self._ask(identifier, self._questions[identifier], now)
                actions += self.mag.register(identifier, now)
            elif timer is Timer.LEAVING:
                actions += self._end_departure(identifier, now)
            else:
                self._forget_question(identifier)
                actions += self.mag.register(identifier, now)
                actions += self._end_arrival(identifier, now)
        return actions

    def next_deadline(self) -> int | None:
        """When ``timer`` is due next."""
        due = [d for d in (self.mag.next_deadline(), self._deadlines.next()) if d is not None]
        return min(due) if due else None

    # What it shows

    def bindings(self) -> dict[str, MagBinding]:
        """The mobile nodes that this MAG has sessions of."""
        return self.mag.bindings()

    def tunnels(self) -> Mapping[IPv6Address, frozenset[str]]:
        """The peers to which there is a tunnel, and who holds it."""
        return self.mag.tunnels()

    # As previous MAG

    def _context(self, identifier: str) -> Context | None:
        """What is known of a node that is here, or was here last."""
        session = self.mag.session(identifier)
        if session is None or session.prefix is None:
            return None
        if not session.is_attached and session.phase is not MagPhase.FORWARDING:
            return None
        address = session.mobile_node.link_layer_address
        return Context(identifier, address, session.prefix, self._config.lma, session.timestamp)

    def _announce(self, identifier: str, departure: Departure, now: int) -> list[Action]:
        assert departure.message is not None
        assert departure.peer is not None
        self._deadlines.set((identifier, Timer.ANNOUNCE), now + departure.timeout)
        departure.timeout *= 2
        return _send(departure.message, identifier, departure.peer)

    def _asked(
        self, message: HandoverInitiate, identifier: str, source: IPv6Address, now: int
    ) -> list[Action]:
        """A node is at another MAG, which asks for it (section 4.1, steps c to e, section 4.2)."""
        context = self._context(identifier)
        if context is None or not _is_later(message, context.timestamp):
            code = Code.CONTEXT_NOT_AVAILABLE
            return _send(contexts.answer(message, code), identifier, source)
        actions = self.mag.leave(identifier, now)
        departure = self._departures.setdefault(identifier, Departure())
        if departure.peer not in (None, source):  # it was announced to another one
            actions += self._complete(identifier, departure)
        self._deadlines.cancel((identifier, Timer.ANNOUNCE))
        forwards = bool(message.flags & InitiateFlag.F)
        # A question that comes late does not stop what was asked for after it.
        forwards |= departure.forwards and departure.peer == source
        departure.peer, departure.message, departure.forwards = source, None, forwards
        self._deadlines.set((identifier, Timer.LEAVING), now + self._config.lifetime)
        # What was kept goes before the acknowledgement, and so before what comes by the LMA.
        actions += self.mag.hand_over(identifier, source, forwards=forwards)
        code = Code.ALL_CONTEXT_TRANSFERRED
        return actions + _send(contexts.answer(message, code, context), identifier, source)

    def _come_back(self, identifier: str) -> list[Action]:
        """A node that has left is here again."""
        departure = self._drop_departure(identifier)
        return self._complete(identifier, departure) if departure else []

    def _end_departure(self, identifier: str, now: int) -> list[Action]:
        """Nothing is forwarded any more: by now the LMA knows where the node is, or it is here."""
        departure = self._drop_departure(identifier)
        if departure is None:
            return []
        done = self._complete(identifier, departure)
        return done + self.mag.end_forwarding(identifier, now)

    def _drop_departure(self, identifier: str) -> Departure | None:
        for timer in (Timer.ANNOUNCE, Timer.LEAVING):
            self._deadlines.cancel((identifier, timer))
        return self._departures.pop(identifier, None)

    def _complete(self, identifier: str, departure: Departure) -> list[Action]:
        """Tell the next MAG; if that gets lost, its own timer will do."""
        if departure.peer is None:
            return []
        return _send(contexts.completion(identifier, self._next()), identifier, departure.peer)

    # As next MAG

    def _announced(
        self, message: HandoverInitiate, identifier: str, source: IPv6Address, now: int
    ) -> list[Action]:
        """A node will come: keep what is forwarded for it until it has (steps c to f)."""
        context = read_context(message)
        if context is None:
            self.counters.malformed += 1
            return []
        actions: list[Action] = []
        arrival = self._arrivals.get(identifier)
        known = arrival is not None and (arrival.previous, arrival.sequence) == (
            source,
            message.sequence,
        )
        session = self.mag.session(identifier)
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
            actions += self._come_back(identifier)
            actions += self._expect(context, source, message.sequence, now)
        return actions + _send(contexts.answer(message, code), identifier, source)

    def _expect(
        self, context: Context, source: IPv6Address, sequence: int, now: int
    ) -> list[Action]:
        identifier = context.identifier
        mobile_node = MobileNode(identifier, context.link_layer_address)
        log = Log("expected", {"mn": identifier, "previous": str(source)})
        held = self._note_arrival(identifier, source, sequence, now)
        return [log, *held, *self.mag.expect(mobile_node, context.prefix, source)]

    def _note_arrival(
        self, identifier: str, previous: IPv6Address, sequence: int, now: int
    ) -> list[Action]:
        """Hold the tunnel for what is on its way when the LMA has been told."""
        actions = self.mag.hold_tunnel(previous, _holder(identifier), now)
        arrival = self._arrivals.get(identifier)
        if arrival is not None and arrival.previous != previous:
            actions += self.mag.release_tunnel(arrival.previous, _holder(identifier), now)
        self._arrivals[identifier] = Arrival(previous, sequence)
        self._deadlines.set((identifier, Timer.COMING), now + self._config.lifetime)
        return actions

    def _completed(
        self, message: HandoverInitiate, identifier: str, source: IPv6Address, now: int
    ) -> list[Action]:
        """The previous MAG forwards nothing any more."""
        actions = _send(contexts.answer(message, Code.ACCEPTED), identifier, source)
        arrival = self._arrivals.get(identifier)
        if arrival is None or arrival.previous != source:
            return actions
        return actions + self._end_arrival(identifier, now)

    def _end_arrival(self, identifier: str, now: int) -> list[Action]:
        arrival = self._arrivals.pop(identifier, None)
        if arrival is None:
            return []
        self._deadlines.cancel((identifier, Timer.COMING))
        session = self.mag.session(identifier)
        actions: list[Action] = []
        if session is not None and session.phase is MagPhase.EXPECTED:
            actions = [Log("not_expected", {"mn": identifier}), *self.mag.give_up(identifier)]
        return actions + self.mag.release_tunnel(arrival.previous, _holder(identifier), now)

    def _ask(self, identifier: str, question: Question, now: int) -> list[Action]:
        self._deadlines.set((identifier, Timer.ASK), now + question.timeout)
        question.timeout *= 2
        return _send(question.message, identifier, question.previous)

    def _forget_question(self, identifier: str) -> None:
        self._questions.pop(identifier, None)
        self._deadlines.cancel((identifier, Timer.ASK))

    # Answers

    def _acknowledged(
        self, message: HandoverAcknowledge, identifier: str, source: IPv6Address, now: int
    ) -> list[Action]:
        departure = self._departures.get(identifier)
        if departure and _is_answer(message, departure.message, source, departure.peer):
            return self._accepted(message, identifier, departure)
        question = self._questions.get(identifier)
        if question and _is_answer(message, question.message, source, question.previous):
            return self._told(message, identifier, question, now)
        self.counters.ignored += 1
        return []

    def _accepted(
        self, message: HandoverAcknowledge, identifier: str, departure: Departure
    ) -> list[Action]:
        """The next MAG expects the node, or does not."""
        self._deadlines.cancel((identifier, Timer.ANNOUNCE))
        peer, departure.message = departure.peer, None
        if peer is None or not (message.accepted and message.flags & AcknowledgeFlag.F):
            departure.peer = None
            return []
        departure.forwards = True
        return self.mag.hand_over(identifier, peer, forwards=True)

    def _told(
        self, message: HandoverAcknowledge, identifier: str, question: Question, now: int
    ) -> list[Action]:
        """The previous MAG knows the node, or does not (step d); or it forwards now (step e)."""
        context = read_context(message)
        useful = message.accepted and context is not None and self._may_be_ours(context)
        if question.adopted or context is None or not useful:
            self._forget_question(identifier)
            return self.mag.register(identifier, now)
        previous = question.previous
        actions = self._note_arrival(identifier, previous, message.sequence, now)
        actions += self.mag.adopt(identifier, context.prefix, previous, now)
        request = contexts.request(question.message, self._next())
        question = self._questions[identifier] = Question(previous, request, adopted=True)
        return actions + self._ask(identifier, question, now)

    def _may_be_ours(self, context: Context) -> bool:
        """Whether a node may have this prefix here: it is the LMA's, and no other node's."""
        anchored = context.prefix.subnet_of(self._config.pool)
        others = self.mag.bindings().items()
        taken = any(b.prefix == context.prefix for mn, b in others if mn != context.identifier)
        return anchored and context.lma == self._config.lma and not taken

    def _is_peer(self, address: IPv6Address) -> bool:
        return address in self._config.peers and address != self._config.address

    def _next(self) -> int:
        self._sequence = next_sequence(self._sequence)
        return self._sequence


def _is_answer(
    message: HandoverAcknowledge,
    request: HandoverInitiate | None,
    source: IPv6Address,
    peer: IPv6Address | None,
) -> bool:
    return request is not None and (source, message.sequence) == (peer, request.sequence)


def _is_later(message: HandoverInitiate, timestamp: int) -> bool:
    """Whether an HI tells of a later attachment; one that does not say when is believed."""
    said = message.option(Timestamp)
    return said is None or said.time > timestamp


def _holder(identifier: str) -> str:
    return f"handover:{identifier}"


def _send(message: fast_handover.Message, identifier: str, peer: IPv6Address) -> list[Action]:
    kind = "HI" if isinstance(message, HandoverInitiate) else "HAck"
    fields = {"message": kind, "mn": identifier, "sequence": message.sequence}
    return [SendHandover(message, peer), Log("sent", {**fields, "destination": str(peer)})]
