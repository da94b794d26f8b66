"""How a MAR asks the CMD for a binding, and keeps asking until it is answered."""

from __future__ import annotations

from ipaddress import IPv6Address

from agents.core import Action
from agents.deadlines import Deadlines
from agents.mobility.config import MarConfig
from agents.mobility.context import Records
from agents.mobility.messages import (
    Acknowledgement,
    AnchorUpdate,
    acknowledgement,
    read_anchor_update,
    registration,
)
from agents.mobility.retransmission import PendingRegistration
from agents.mobility.sending import send
from agents.mobility.sessions import Phase, Session, Timer
from agents.wire.mobility import BindingAcknowledgement, BindingUpdate, Message, Status
from agents.wire.sequence_numbers import next_sequence


class CmdExchange:
    """The exchange with the CMD, and with the previous MARs for which a locator speaks."""

    def __init__(self, config: MarConfig, deadlines: Deadlines[tuple[str, Timer]]) -> None:
        self._config = config
        self._deadlines = deadlines
        self._cmds = tuple(cmd for cmd in (config.cmd, config.standby) if cmd is not None)
        self._asked_first = config.cmd
        """The CMD heard last."""

    def request(self, session: Session, lifetime: int, now: int) -> list[Action]:
        """Ask for a binding of so many seconds; 0: for its removal."""
        sequence = next_sequence(session.sequence)
        session.pending = PendingRegistration(
            session.timestamp, lifetime, sequence, sequence, self._config.initial_timeout
        )
        return self._send(session, session.pending, now)

    def repeat(self, session: Session, now: int) -> list[Action]:
        """Ask again, since no PBA came in time."""
        if session.pending is None:
            return []
        session.pending.sent_again(next_sequence(session.sequence), self._config.maximum_timeout)
        return self._send(session, session.pending, now)

    def give_up(self, session: Session, now: int) -> list[Action]:
        """Tell the CMD, whose answer no longer names their anchors."""
        return self.request(session, self._config.binding_lifetime_s, now)

    def departed(self, session: Session, now: int) -> list[Action]:
        """Tell the CMD ahead of the handover, so that the next MAR has it from its first PBA."""
        if not session.subscriptions:
            return []
        return self.request(session, self._config.binding_lifetime_s, now)

    def settled(self, session: Session) -> None:
        """Ask no more, unless the context has not come: the one more PBA may get lost."""
        if session.informed:
            self.stop(session)

    def stop(self, session: Session) -> None:
        """Ask no more."""
        session.pending = None
        self._deadlines.cancel((session.identifier, Timer.RETRANSMIT))
        self._deadlines.cancel((session.identifier, Timer.REFRESH))

    def is_authentic(self, message: Message, source: IPv6Address) -> bool:
        """The CMD has a say; in answers, a locator's previous MARs have one as well."""
        acknowledges = isinstance(message, BindingAcknowledgement)
        return source in self._cmds or (acknowledges and source in self._config.acknowledging)

    def is_answer(self, session: Session, answer: Acknowledgement, source: IPv6Address) -> bool:
        """Whether this PBA is what the session waits for.

        That of a previous MAR has the sequence number of the PBU that the CMD sent to that one.
        """
        pending = session.pending
        if pending is None:
            return False
        if source in self._cmds:
            return pending.answered_by(answer.sequence, answer.timestamp, answer.status)
        named = any(anchor.address == source for anchor in answer.anchors)
        return named and session.is_attached and pending.timestamp == answer.timestamp

    def whole(
        self, session: Session, answer: Acknowledgement, source: IPv6Address
    ) -> Acknowledgement | None:
        """All that the PBU is answered with; None while previous MARs still have to answer."""
        pending = session.pending
        if source in self._cmds:
            self._asked_first = source
            return answer
        if pending is None:
            return answer
        pending.heard[source] = answer.accepted
        pending.subscriptions = answer.subscriptions or pending.subscriptions
        if any(anchor.address not in pending.heard for anchor in answer.anchors):
            return None
        if pending.asked is not None:
            self._asked_first = pending.asked
        return answer._replace(
            status=Status.ACCEPTED,
            anchors=tuple(a for a in answer.anchors if pending.heard[a.address]),
            subscriptions=pending.subscriptions,
        )

    def waited(self, session: Session) -> Acknowledgement | None:
        """Nothing counts before the CMD, or all of a locator's previous MARs, have answered."""
        return None

    def read_update(self, message: BindingUpdate, source: IPv6Address) -> AnchorUpdate | None:
        """What the CMD says."""
        return read_anchor_update(message)

    def follow(self, session: Session, update: AnchorUpdate) -> list[Action]:
        """The CMD knows the other previous MARs."""
        return []

    def answer(
        self,
        message: BindingUpdate,
        update: AnchorUpdate,
        session: Session | None,
        status: Status,
        source: IPv6Address,
        now: int,
    ) -> list[Action]:
        """Tell the CMD that asks, and the serving MAR if that is to hear it from here (locator)."""
        self._asked_first = source
        outdated = status is Status.TIMESTAMP_LOWER_THAN_PREVIOUSLY_ACCEPTED
        context: Records | None = None
        if update.asks and not outdated:
            context = session.subscriptions if session is not None else ()
        actions: list[Action] = []
        if update.anchors and update.serving is not None and not outdated:
            told = acknowledgement(message, status, update.lifetime, update.anchors, context)
            actions += send(told, update.identifier, update.serving)
        told = acknowledgement(message, status, update.lifetime, subscriptions=context)
        return actions + send(told, update.identifier, source)

    def _send(self, session: Session, pending: PendingRegistration, now: int) -> list[Action]:
        session.sequence = pending.last
        pending.transmissions += 1
        pending.asked = self._next_asked(pending)
        self._deadlines.set((session.identifier, Timer.RETRANSMIT), now + pending.timeout)
        message = registration(
            session.mobile_node,
            self._config.anchor(session.prefix),
            sequence=pending.last,
            lifetime=pending.lifetime,
            timestamp=pending.timestamp,
            again=session.phase is Phase.SERVING,
            subscriptions=self._context(session),
            released=session.idle if session.phase is Phase.SERVING else (),
        )
        return send(message, session.identifier, pending.asked)

    def _next_asked(self, pending: PendingRegistration) -> IPv6Address:
        """The CMD heard last; if that does not answer, each in turn."""
        others = [cmd for cmd in self._cmds if cmd != pending.asked]
        return others[0] if pending.asked is not None and others else self._asked_first

    def _context(self, session: Session) -> Records | None:
        """What the PBU says of the context: nothing; what it was; or, empty, a question."""
        if session.phase is Phase.LEAVING:
            return session.subscriptions
        return () if session.is_attached and not session.informed else None
