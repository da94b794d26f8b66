"""A MAR as a previous MAR (P-MAR): it anchors the prefix of a mobile node that is elsewhere."""

from __future__ import annotations

from ipaddress import IPv6Address

from agents.core import SECOND, Action
from agents.mobility.exchange import WHATEVER
from agents.mobility.mar_state import MarState
from agents.mobility.messages import AnchorUpdate
from agents.mobility.sending import received
from agents.mobility.sessions import Phase, Session, Timer
from agents.wire.mobility import BindingUpdate


class PreviousMar:
    """What follows from the PBUs of the CMD, or of the MARs where its mobile nodes are."""

    def __init__(self, state: MarState) -> None:
        self._state = state
        self._config = state.config
        self._sessions = state.sessions
        self._exchange = state.exchange
        self._counters = state.counters

    def receive(self, message: BindingUpdate, source: IPv6Address, now: int) -> list[Action]:
        """A PBU came, of the CMD or of another MAR."""
        update = self._exchange.read_update(message, source)
        if update is not None and update.claimant and update.prefix == WHATEVER:
            prefix = self._sessions.held_for(update)
            if prefix is None:
                return []  # all were asked, and it is for others to answer
            update = update._replace(prefix=prefix)
        if (
            update is None
            or not self._sessions.owns(update.prefix)
            or update.serving == self._config.address
        ):
            self._counters.malformed += 1
            return []
        actions: list[Action] = [received(message, update.identifier, source)]
        session, status = self._sessions.judge(update)
        if session is None:
            self._counters.ignored += 1
        else:
            actions += self._follow(session, update, now)
        known = self._sessions.get(update.identifier)
        actions += self._exchange.answer(message, update, known, status, source, now)
        return actions if session is None else actions + self._tidy_up(session)

    def _follow(self, session: Session, update: AnchorUpdate, now: int) -> list[Action]:
        """The mobile node is elsewhere: its prefix follows it, or is released."""
        if session.is_attached:  # the Link_Down trigger is late
            self._state.note_context(session)
        self._state.assert_later(session, now)
        actions = self._exchange.follow(session, update)
        session.timestamp = update.timestamp
        session.update_sequence = update.sequence
        if update.serving is None:
            return actions + self._state.release(session, now)
        session.enter(Phase.ANCHORING)
        session.serving = update.serving
        session.anchors = ()
        self._exchange.stop(session)
        self._state.cancel(session, Timer.LEAVE, Timer.ADVERTISE, Timer.FORGET)
        self._state.set(session, Timer.EXPIRE, now + update.lifetime * SECOND)
        return actions + self._state.forward_first(session)

    def _tidy_up(self, session: Session) -> list[Action]:
        """What was for the node while it was here goes: nobody waits for that, so it comes last."""
        return self._state.forward_last(session) + self._state.end_serving(session)
