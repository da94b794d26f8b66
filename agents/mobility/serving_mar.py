"""A MAR as the serving MAR (S-MAR) of mobile nodes: their bindings, and what they are shown."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network

from agents.core import SECOND, Action, Log
from agents.mobility.actions import ContextReceived, ServingStarted
from agents.mobility.advertising import advertisements, next_advertisement, withdrawals
from agents.mobility.mar_state import MarState
from agents.mobility.messages import Acknowledgement, read_acknowledgement
from agents.mobility.sending import received
from agents.mobility.sessions import Phase, Session, Timer
from agents.wire.mobility import BindingAcknowledgement, Status

TRANSMISSIONS_UNTIL_ALONE = 3
"""How many PBUs about one attachment go out until the CMD, having answered none, counts as dead."""


class ServingMar:
    """What follows from the answers to its PBUs."""

    def __init__(self, state: MarState) -> None:
        self._state = state
        self._config = state.config
        self._sessions = state.sessions
        self._exchange = state.exchange
        self._counters = state.counters

    def receive(
        self, message: BindingAcknowledgement, source: IPv6Address, now: int
    ) -> list[Action]:
        """A PBA came, of the CMD or of a previous MAR."""
        answer = read_acknowledgement(message)
        if answer is None or any(a.address == self._config.address for a in answer.anchors):
            self._counters.malformed += 1
            return []
        session = self._sessions.get(answer.identifier)
        if session is None or not self._exchange.is_answer(session, answer, source):
            self._counters.ignored += 1
            return []
        actions: list[Action] = [received(message, answer.identifier, source)]
        whole = self._exchange.whole(session, answer, source)
        if whole is None:
            return actions + self._state.forward(session)
        return actions + self.act_on(session, whole, now)

    def act_on(self, session: Session, whole: Acknowledgement, now: int) -> list[Action]:
        """A PBU has all its answers."""
        if session.is_attached and whole.accepted and whole.lifetime:
            return self._bound(session, whole, now)
        self._exchange.stop(session)
        if session.phase is Phase.LEAVING:
            return []  # what it listened to has arrived; where it is will be told, or not
        if whole.status == Status.TIMESTAMP_LOWER_THAN_PREVIOUSLY_ACCEPTED:
            self._state.assert_later(session, now)
        # Removed as asked; or refused, since the CMD knows a later attachment: if that one is to
        # keep the prefix from here, a PBU of the CMD is on its way.
        return self._state.release(session, now)

    def _bound(self, session: Session, answer: Acknowledgement, now: int) -> list[Action]:
        """The CMD has the binding: bring up what the mobile node needs."""
        completed = session.phase is Phase.REGISTERING
        before = session.anchors
        news = completed or answer.anchors != before
        session.enter(Phase.SERVING)
        session.alone = False
        session.anchors = answer.anchors
        withdrawn = withdrawals(session, before)
        session.idle = ()
        session.lifetime = answer.lifetime
        brought = None if session.informed else answer.subscriptions
        session.informed = session.informed or brought is not None
        self._exchange.settled(session)
        lifetime = answer.lifetime * SECOND
        self._state.set(session, Timer.EXPIRE, now + lifetime)
        self._state.set(session, Timer.REFRESH, now + lifetime // 2)
        actions = withdrawn + self._state.forward(session)
        if completed:
            actions.append(Log("binding_complete", {"mn": session.identifier}))
        if news:
            session.advertisements = 0
            actions += self.advertise(session, now)
        if completed:
            actions.append(self._start_serving(session))
        if brought:
            groups = [str(record.group) for record in brought]
            fields = {"mn": session.identifier, "groups": groups}
            actions += [ContextReceived(session.mobile_node, brought), Log("context", fields)]
        return actions

    def manage_alone(self, session: Session, now: int) -> list[Action]:
        """Nobody has answered the PBU so far: serve the mobile node with the prefix from here.

        Its routes it has since it came. Whether it has previous MARs only the CMD can tell, which
        is asked on.
        """
        pending = session.pending
        if (
            not self._config.serves_alone
            or session.phase is not Phase.REGISTERING
            or pending is None
            or pending.transmissions != TRANSMISSIONS_UNTIL_ALONE
        ):
            return []
        session.alone = True
        session.lifetime = self._config.binding_lifetime_s
        session.advertisements = 0
        log = Log("serving_alone", {"mn": session.identifier})
        return [log, *self.advertise(session, now)]

    def advertise(self, session: Session, now: int) -> list[Action]:
        """Show the mobile node its routers and prefixes, and do so again in time."""
        session.advertisements += 1
        due = now + next_advertisement(session.advertisements, session.lifetime)
        self._state.set(session, Timer.ADVERTISE, due)
        return advertisements(self._config, session)

    def _start_serving(self, session: Session) -> ServingStarted:
        # Where it was just before is the anchor left last, unless it never left this MAR, as far
        # as anyone told.
        elsewhere = bool(session.anchors) and not session.announced
        session.announced = True
        previous = session.anchors[-1].address if elsewhere else None
        return ServingStarted(session.mobile_node, previous)

    def give_up(self, session: Session, prefix: IPv6Network, now: int) -> list[Action]:
        """Have an idle prefix released."""
        session.idle = (*session.idle, prefix)
        before = session.anchors
        fields = {"mn": session.identifier, "prefix": str(prefix)}
        actions = [Log("prefix_idle", fields), *self._exchange.give_up(session, now)]
        return actions + withdrawals(session, before) + self._state.forward(session)

    def deregister(self, session: Session, now: int) -> list[Action]:
        """The mobile node stayed away: tell the CMD, until the binding has expired anyway."""
        session.enter(Phase.DEREGISTERING)
        if (session.identifier, Timer.EXPIRE) not in self._state.deadlines:
            due = now + self._config.binding_lifetime_s * SECOND
            self._state.set(session, Timer.EXPIRE, due)
        return self._exchange.request(session, 0, now)
