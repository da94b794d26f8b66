"""The exchange without a CMD: a MAR asks the group of all MARs (paper section 4.2.3).

Who anchors a prefix for the mobile node answers, and names the others that it knows of; nobody
else does. So one answer leads to all, and those that are named are asked one by one if theirs does
not come. Where a binding is refreshed only those that are known are asked.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv6Address, IPv6Network

from agents.core import SECOND, Action, refused
from agents.deadlines import Deadlines
from agents.mobility.anchors import Anchor
from agents.mobility.config import MarConfig
from agents.mobility.exchange import WHATEVER
from agents.mobility.messages import (
    MAXIMUM_PREVIOUS_MARS,
    TOO_MANY_MARS,
    Acknowledgement,
    AnchorUpdate,
    acknowledgement,
    claim,
    read_claim,
)
from agents.mobility.retransmission import PendingRegistration
from agents.mobility.sending import send
from agents.mobility.sessions import Phase, Session, Timer
from agents.wire.mobility import BindingUpdate, Message, Status
from agents.wire.sequence_numbers import next_sequence

GROUP_TRANSMISSIONS = 3
"""PBUs to the group without any answer after which nobody is taken to anchor a prefix."""


class GroupExchange:
    """The PBUs to all MARs or to those known, and the answers to those of others."""

    def __init__(self, config: MarConfig, deadlines: Deadlines[tuple[str, Timer]]) -> None:
        self._config = config
        self._deadlines = deadlines

    # As serving MAR

    def request(self, session: Session, lifetime: int, now: int) -> list[Action]:
        """Ask the group where the mobile node comes or goes.

        To refresh, and if its arrival was prepared, those that are known.
        """
        refresh = session.phase is Phase.SERVING
        if refresh:
            session.anchors = _answered(session)  # who was silent since the last one is given up
            self._deadlines.set((session.identifier, Timer.REFRESH), now + lifetime * SECOND // 2)
        else:
            due = now + self._config.first_attachment_timeout
            self._deadlines.set((session.identifier, Timer.WAIT), due)
        sequence = next_sequence(session.sequence)
        known = (*session.anchors, *([session.successor] if session.successor else []))
        session.pending = PendingRegistration(
            session.timestamp,
            lifetime,
            sequence,
            sequence,
            self._config.initial_timeout,
            named={anchor.address: anchor for anchor in known},
        )
        session.successor = None
        alone = refresh or (session.prepared and lifetime)
        return self._send(session, session.pending, known if alone else (), now)

    def repeat(self, session: Session, now: int) -> list[Action]:
        """Ask those that are known and did not answer; all, if nobody did."""
        pending = session.pending
        if pending is None:
            return []
        silent = pending.silent()
        if not silent and (pending.heard or pending.transmissions == GROUP_TRANSMISSIONS):
            return []
        pending.sent_again(next_sequence(session.sequence), self._config.maximum_timeout)
        return self._send(session, pending, silent, now)

    def give_up(self, session: Session, now: int) -> list[Action]:
        """Tell their anchors, once: one that does not hear it hears of no refresh either."""
        idle = [anchor for anchor in session.anchors if anchor.prefix in session.idle]
        session.anchors = tuple(anchor for anchor in session.anchors if anchor not in idle)
        session.sequence = next_sequence(session.sequence)
        actions: list[Action] = []
        for anchor in idle:
            if session.pending is not None:
                session.pending.named.pop(anchor.address, None)
            message = self._claim(session, anchor.prefix, session.sequence, 0, session.timestamp)
            actions += send(message, session.identifier, anchor.address)
        return actions

    def departed(self, session: Session, now: int) -> list[Action]:
        """The next MAR will ask here what the mobile node took along."""
        return []

    def settled(self, session: Session) -> None:
        """Late answers are as good as others."""

    def stop(self, session: Session) -> None:
        """Ask no more, and wait for nothing."""
        session.pending = None
        for timer in (Timer.RETRANSMIT, Timer.REFRESH, Timer.WAIT):
            self._deadlines.cancel((session.identifier, timer))

    def is_authentic(self, message: Message, source: IPv6Address) -> bool:
        """All MARs have a say."""
        return source in self._config.acknowledging

    def is_answer(self, session: Session, answer: Acknowledgement, source: IPv6Address) -> bool:
        """Whether a MAR answers a PBU about this attachment, however late."""
        pending = session.pending
        if pending is None or pending.timestamp != answer.timestamp:
            return False
        if bool(pending.lifetime) != bool(answer.lifetime):
            return False
        named = {anchor.address for anchor in answer.anchors}
        if not named <= self._config.acknowledging:
            return False
        return source in named or not answer.accepted or not answer.lifetime

    def whole(
        self, session: Session, answer: Acknowledgement, source: IPv6Address
    ) -> Acknowledgement | None:
        """What is known so far, once all have answered that any of them names, or were waited for.

        Until then what is known is used already.
        """
        pending = session.pending
        assert pending is not None
        pending.hear(source, answer)
        if not pending.silent():
            self._deadlines.cancel((session.identifier, Timer.RETRANSMIT))
            self._deadlines.cancel((session.identifier, Timer.WAIT))
            pending.subscriptions = pending.subscriptions or ()
        elif session.phase is not Phase.SERVING:
            if session.is_attached:
                session.anchors = _anchors(session)
            return None
        return self._result(session, pending)

    def waited(self, session: Session) -> Acknowledgement | None:
        """Nobody, or not everybody, answered in time: the mobile node does not wait for them."""
        pending = session.pending
        if pending is None or (pending.silent() and not session.is_attached):
            return None
        return self._result(session, pending)

    def _result(self, session: Session, pending: PendingRegistration) -> Acknowledgement:
        return Acknowledgement(
            session.identifier,
            pending.last,
            pending.lifetime,
            pending.timestamp,
            Status.ACCEPTED,
            _anchors(session),
            pending.subscriptions,
        )

    # As previous MAR

    def read_update(self, message: BindingUpdate, source: IPv6Address) -> AnchorUpdate | None:
        """What a MAR says that serves the mobile node, or did until now."""
        return read_claim(message, source)

    def follow(self, session: Session, update: AnchorUpdate) -> list[Action]:
        """Note whom to name to the serving MAR; the one left last names all, itself at the end."""
        assert update.claimant is not None
        lost: list[Action] = []
        if update.timestamp > session.timestamp:
            own = self._config.anchor(session.prefix)
            if session.is_here:
                known = (*(session.pending.named.values() if session.pending else session.anchors),)
                known = (*known, own)
            else:
                session.subscriptions = ()  # of an earlier departure
                known = (own, session.successor) if session.successor else (own,)
            others = [anchor for anchor in known if anchor.address != update.claimant.address]
            session.known = tuple(others[-MAXIMUM_PREVIOUS_MARS:])
            lost += [
                refused(session.identifier, anchor.prefix, TOO_MANY_MARS)
                for anchor in others[:-MAXIMUM_PREVIOUS_MARS]
            ]
        session.successor = update.claimant if update.serving else None
        return lost

    def answer(
        self,
        message: BindingUpdate,
        update: AnchorUpdate,
        session: Session | None,
        status: Status,
        source: IPv6Address,
        now: int,
    ) -> list[Action]:
        """Answer the MAR that asked; one that does not know better is told where the node is."""
        assert update.claimant is not None
        if session is not None and session.is_attached and status >= Status.REASON_UNSPECIFIED:
            return self._correct(session, update.claimant, now)
        told = acknowledgement(message, status, update.lifetime)
        if session is not None and update.serving and status is Status.ACCEPTED:
            left_last = session.known[-1:] == (self._config.anchor(session.prefix),)
            context = session.subscriptions if update.asks and left_last else None
            told = acknowledgement(message, status, update.lifetime, session.known, context)
        return send(told, update.identifier, source)

    def _correct(self, session: Session, claimant: Anchor, now: int) -> list[Action]:
        """Another MAR takes the mobile node for its own, which is here: ask that one, too."""
        pending = session.pending
        if pending is None or claimant.address in pending.named:
            return []
        pending.heard.pop(claimant.address, None)
        pending.named[claimant.address] = claimant
        pending.last = next_sequence(session.sequence)
        pending.timeout = self._config.initial_timeout
        return self._send(session, pending, (claimant,), now)

    # As either

    def _send(
        self, session: Session, pending: PendingRegistration, to: Iterable[Anchor], now: int
    ) -> list[Action]:
        """Send a PBU to each of these MARs; to the group if there is none."""
        session.sequence = pending.last
        pending.transmissions += 1
        self._deadlines.set((session.identifier, Timer.RETRANSMIT), now + pending.timeout)
        destinations = {anchor.address: anchor.prefix for anchor in to}
        actions: list[Action] = []
        for address, prefix in (destinations or {self._config.cmd: WHATEVER}).items():
            lifetime, timestamp = pending.lifetime, pending.timestamp
            message = self._claim(session, prefix, pending.last, lifetime, timestamp)
            actions += send(message, session.identifier, address)
        return actions

    def _claim(
        self, session: Session, anchored: IPv6Network, sequence: int, lifetime: int, timestamp: int
    ) -> BindingUpdate:
        return claim(
            session.mobile_node,
            self._config.anchor(session.prefix),
            anchored,
            sequence=sequence,
            lifetime=lifetime,
            timestamp=timestamp,
            again=session.phase is Phase.SERVING,
            asks=session.is_attached and not session.informed,
        )


def _answered(session: Session) -> tuple[Anchor, ...]:
    """The anchors that answered the latest PBU."""
    heard = session.pending.heard if session.pending else {}
    return tuple(anchor for anchor in session.anchors if heard.get(anchor.address))


def _anchors(session: Session) -> tuple[Anchor, ...]:
    """Those that answered, and those of before that have not answered yet."""
    pending = session.pending
    assert pending is not None
    before = {anchor.address for anchor in session.anchors}
    named = pending.named.values()
    return tuple(a for a in named if pending.heard.get(a.address, a.address in before))
