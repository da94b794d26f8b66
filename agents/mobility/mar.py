"""The mobility anchor and access router, "MAR": DAR in the paper, MAAR in RFC 8885.

For the mobile nodes on its access link it is the serving MAR (like a MAG of RFC 5213): it
registers them at the CMD, or asks the other MARs. For those that left it is a previous MAR (like an
LMA): it anchors the prefix that they have from it. docs/mobility.md describes the states and the
exchange.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv6Address, IPv6Network

from agents.core import SECOND, Action, Log
from agents.deadlines import Deadlines
from agents.mobility.actions import (
    ContextReceived,
    GoingDown,
    MobileNode,
    ServingEnded,
    ServingStarted,
)
from agents.mobility.advertising import advertisements, next_advertisement, withdrawals
from agents.mobility.cmd_exchange import CmdExchange
from agents.mobility.config import ASSERT_DELAY, FORGET_DELAY, Counters, MarConfig
from agents.mobility.context import Listening, Records, listens_to_nothing
from agents.mobility.exchange import WHATEVER, Exchange, Expected, expects_nobody
from agents.mobility.forwarding import transition
from agents.mobility.group_exchange import GroupExchange
from agents.mobility.messages import (
    MAXIMUM_PREVIOUS_MARS,
    Acknowledgement,
    Anchor,
    AnchorUpdate,
    is_for_dmm,
    read_acknowledgement,
)
from agents.mobility.ordering import attachment_time
from agents.mobility.session_table import SessionTable
from agents.mobility.sessions import MarBinding, Phase, Session, Timer
from agents.mobility.signalling import received
from agents.mobility.tunnels import DlifTable, TunnelTable
from agents.wire.mobility import BindingAcknowledgement, BindingUpdate, Message, Status


class MarCore:
    """One MAR's protocol machine.

    ``listening`` tells what a mobile node listens to; it is asked when one leaves, if the context
    is to be transferred. ``expected`` tells who anchors the prefixes of one that comes, the MAR
    left last at the end, if its arrival was prepared.
    """

    def __init__(
        self,
        config: MarConfig,
        listening: Listening = listens_to_nothing,
        expected: Expected = expects_nobody,
    ) -> None:
        self.counters = Counters()
        self._config = config
        self._listening = listening
        self._expected = expected
        self._sessions = SessionTable(config.pool, config.first_prefix)
        self._tunnels = TunnelTable()
        self._dlifs = DlifTable()
        self._deadlines: Deadlines[tuple[str, Timer]] = Deadlines()
        kind = GroupExchange if config.distributed else CmdExchange
        self._exchange: Exchange = kind(config, self._deadlines)

    # What the surroundings tell

    def attach(self, mobile_node: MobileNode, now: int) -> list[Action]:
        """A mobile node came up on the access link (a Link_Up trigger)."""
        identifier = mobile_node.identifier
        actions: list[Action] = [Log("attached", {"mn": identifier})]
        session = self._sessions.get(identifier)
        if session is None:
            session = self._sessions.open(mobile_node)
            if session is None:
                return [*actions, Log("pool_exhausted", {"mn": identifier})]
            fields = {"mn": identifier, "prefix": str(session.prefix)}
            actions.append(Log("prefix_assigned", fields))
        if not session.is_here:
            # How long its prefix is to be anchored here for another place no longer matters.
            self._cancel(session, Timer.EXPIRE)
            session.serving = None
        self._cancel(
            session, Timer.LEAVE, Timer.REFRESH, Timer.ADVERTISE, Timer.FORGET, Timer.ASSERT
        )
        session.timestamp = attachment_time(now + self._config.clock_offset, session.timestamp)
        session.informed = not self._config.context_transfer
        previous = (a for a in self._expected(identifier) if a.address != self._config.address)
        session.begin(mobile_node, tuple(previous))
        actions += self._exchange.request(session, self._config.binding_lifetime_s, now)
        return actions + self._forward(session)

    def going_down(self, identifier: str, to: IPv6Address, now: int) -> list[Action]:
        """A mobile node is about to be handed over to another MAR (a Link_Going_Down trigger)."""
        session = self._sessions.get(identifier)
        if session is None or not session.is_attached:
            return []
        log = Log("going_down", {"mn": identifier, "to": str(to)})
        return [log, GoingDown(session.mobile_node, to)]

    def detach(self, identifier: str, now: int) -> list[Action]:
        """A mobile node went off the access link (a Link_Down trigger)."""
        session = self._sessions.get(identifier)
        if session is None:
            return []
        self._cancel(session, Timer.ASSERT)
        if not session.is_attached:
            return []
        # Whether the CMD has heard of this attachment or not: the next MAR's PBU will tell it more.
        was_bound = session.phase is Phase.SERVING
        self._note_context(session)
        session.phase = Phase.LEAVING
        self._exchange.stop(session)
        self._cancel(session, Timer.ADVERTISE)
        self._deadlines.set((identifier, Timer.LEAVE), now + self._config.detach_delay)
        actions: list[Action] = [Log("detached", {"mn": identifier})]
        if was_bound:
            actions += self._exchange.departed(session, now)
        return actions

    def represent(self, identifier: str, now: int) -> list[Action]:
        """A mobile node that left is served by this MAR from afar: its session goes on."""
        session = self._sessions.get(identifier)
        if session is None or session.phase is not Phase.LEAVING:
            return []
        self._cancel(session, Timer.LEAVE)
        session.phase = Phase.SERVING
        expire = self._deadlines.get((identifier, Timer.EXPIRE), now)  # now: it was never bound
        self._deadlines.set((identifier, Timer.REFRESH), (now + expire) // 2)
        return [Log("represented", {"mn": identifier})]

    def solicit(self, identifier: str, now: int) -> list[Action]:
        """A mobile node sent a Router Solicitation."""
        session = self._sessions.get(identifier)
        if session is None or session.phase is not Phase.SERVING:
            return []
        return advertisements(self._config, session)

    def idle(self, prefix: IPv6Network, now: int) -> list[Action]:
        """No packet of an anchored prefix has passed for so long that no flow can use it."""
        for session in self._sessions:
            anchored = any(anchor.prefix == prefix for anchor in session.anchors)
            if session.phase is Phase.SERVING and anchored:
                return self._give_up(session, prefix, now)
        return []

    def hold_tunnel(self, peer: IPv6Address, holder: str, now: int) -> list[Action]:
        """Another part of the router (multicast) needs the tunnel to a peer."""
        return self._tunnels.hold(peer, holder)

    def release_tunnel(self, peer: IPv6Address, holder: str, now: int) -> list[Action]:
        """Another part of the router no longer needs the tunnel to a peer."""
        return self._tunnels.release(peer, holder)

    def receive(self, message: Message, source: IPv6Address, now: int) -> list[Action]:
        """A Mobility Header message came in."""
        if not self._exchange.is_authentic(message, source):
            self.counters.unauthentic += 1
            return []
        if isinstance(message, BindingUpdate) and is_for_dmm(message):
            return self._receive_update(message, source, now)
        if isinstance(message, BindingAcknowledgement) and is_for_dmm(message):
            return self._receive_acknowledgement(message, source, now)
        self.counters.ignored += 1
        return []

    def timer(self, now: int) -> list[Action]:
        """Act on every deadline that is not later than ``now``."""
        actions: list[Action] = []
        for identifier, timer in self._deadlines.due(now):
            session = self._sessions.get(identifier)
            if session is not None:
                actions += self._expired(session, timer, now)
        return actions

    def next_deadline(self) -> int | None:
        """When ``timer`` is due next."""
        return self._deadlines.next()

    # What it shows

    def bindings(self) -> dict[str, MarBinding]:
        """The mobile nodes that this MAR serves or anchors a prefix for."""
        return {
            s.identifier: MarBinding(s.prefix, s.phase, s.serving, s.anchors)
            for s in self._sessions
            if s.phase is not Phase.RELEASED
        }

    def attached(self, identifier: str) -> tuple[MobileNode, tuple[Anchor, ...]] | None:
        """A mobile node on the access link, and the anchors of its prefixes, this MAR last."""
        session = self._sessions.get(identifier)
        if session is None or not session.is_attached:
            return None
        own = self._config.anchor(session.prefix)
        return session.mobile_node, (*session.anchors, own)[-MAXIMUM_PREVIOUS_MARS:]

    def tunnels(self) -> Mapping[IPv6Address, frozenset[str]]:
        """The peers to which there is a tunnel, and who holds it."""
        return self._tunnels.holders()

    def context(self, address: IPv6Address) -> Records:
        """What the mobile node listens to that has this address from here, or did when it left."""
        for session in self._sessions:
            if address in session.prefix:
                here = session.is_attached
                return self._listening(session.mobile_node) if here else session.listened
        return ()

    # As serving MAR

    def _receive_acknowledgement(
        self, message: BindingAcknowledgement, source: IPv6Address, now: int
    ) -> list[Action]:
        answer = read_acknowledgement(message)
        if answer is None or any(a.address == self._config.address for a in answer.anchors):
            self.counters.malformed += 1
            return []
        session = self._sessions.get(answer.identifier)
        if session is None or not self._exchange.is_answer(session, answer, source):
            self.counters.ignored += 1
            return []
        actions: list[Action] = [received(message, answer.identifier, source)]
        whole = self._exchange.whole(session, answer, source)
        if whole is None:
            return actions + self._forward(session)
        return actions + self._act_on(session, whole, now)

    def _act_on(self, session: Session, whole: Acknowledgement, now: int) -> list[Action]:
        """A PBU has all its answers."""
        if session.is_attached and whole.accepted and whole.lifetime:
            return self._bound(session, whole, now)
        self._exchange.stop(session)
        if session.phase is Phase.LEAVING:
            return []  # what it listened to has arrived; where it is will be told, or not
        if whole.status == Status.TIMESTAMP_LOWER_THAN_PREVIOUSLY_ACCEPTED:
            self._assert_later(session, now)
        # Removed as asked; or refused, since the CMD knows a later attachment: if that one is to
        # keep the prefix from here, a PBU of the CMD is on its way.
        return self._release(session, now)

    def _bound(self, session: Session, answer: Acknowledgement, now: int) -> list[Action]:
        """The CMD has the binding: bring up what the mobile node needs."""
        completed = session.phase is Phase.REGISTERING
        before = session.anchors
        news = completed or answer.anchors != before
        session.phase = Phase.SERVING
        session.anchors = answer.anchors
        withdrawn = withdrawals(session, before)
        session.idle = ()
        session.lifetime = answer.lifetime
        brought = None if session.informed else answer.subscriptions
        session.informed = session.informed or brought is not None
        self._exchange.settled(session)
        lifetime = answer.lifetime * SECOND
        self._deadlines.set((session.identifier, Timer.EXPIRE), now + lifetime)
        self._deadlines.set((session.identifier, Timer.REFRESH), now + lifetime // 2)
        actions = withdrawn + self._forward(session)
        if news:
            session.advertisements = 0
            actions += self._advertise(session, now)
        if completed:
            actions += self._start_serving(session)
        if brought:
            groups = [str(record.group) for record in brought]
            fields = {"mn": session.identifier, "groups": groups}
            actions += [ContextReceived(session.mobile_node, brought), Log("context", fields)]
        return actions

    def _advertise(self, session: Session, now: int) -> list[Action]:
        session.advertisements += 1
        due = now + next_advertisement(session.advertisements, session.lifetime)
        self._deadlines.set((session.identifier, Timer.ADVERTISE), due)
        return advertisements(self._config, session)

    def _start_serving(self, session: Session) -> list[Action]:
        # Where it was just before is the anchor left last, unless it never left this MAR, as far
        # as anyone told.
        elsewhere = bool(session.anchors) and not session.announced
        session.announced = True
        return [
            ServingStarted(session.mobile_node, session.anchors[-1].address if elsewhere else None),
            Log("binding_complete", {"mn": session.identifier}),
        ]

    def _give_up(self, session: Session, prefix: IPv6Network, now: int) -> list[Action]:
        """Have an idle prefix released."""
        session.idle = (*session.idle, prefix)
        before = session.anchors
        fields = {"mn": session.identifier, "prefix": str(prefix)}
        actions = [Log("prefix_idle", fields), *self._exchange.give_up(session, now)]
        return actions + withdrawals(session, before) + self._forward(session)

    def _deregister(self, session: Session, now: int) -> list[Action]:
        """The mobile node stayed away: tell the CMD, until the binding has expired anyway."""
        session.phase = Phase.DEREGISTERING
        expire = (session.identifier, Timer.EXPIRE)
        if expire not in self._deadlines:
            self._deadlines.set(expire, now + self._config.binding_lifetime_s * SECOND)
        return self._exchange.request(session, 0, now)

    # As previous MAR

    def _receive_update(
        self, message: BindingUpdate, source: IPv6Address, now: int
    ) -> list[Action]:
        update = self._exchange.read_update(message, source)
        if update is not None and update.claimant and update.prefix == WHATEVER:
            prefix = self._sessions.held_for(update)
            if prefix is None:
                return []  # all were asked, and it is for others to answer
            update = replace(update, prefix=prefix)
        if (
            update is None
            or not self._sessions.owns(update.prefix)
            or update.serving == self._config.address
        ):
            self.counters.malformed += 1
            return []
        actions: list[Action] = [received(message, update.identifier, source)]
        session, status = self._sessions.judge(update)
        if session is None:
            self.counters.ignored += 1
        else:
            actions += self._follow(session, update, now)
        session = self._sessions.get(update.identifier)
        return actions + self._exchange.answer(message, update, session, status, now)

    def _follow(self, session: Session, update: AnchorUpdate, now: int) -> list[Action]:
        """The mobile node is elsewhere: its prefix follows it, or is released."""
        if session.is_attached:  # the Link_Down trigger is late
            self._note_context(session)
        self._assert_later(session, now)
        self._exchange.follow(session, update)
        session.timestamp = update.timestamp
        session.update_sequence = update.sequence
        if update.serving is None:
            return self._release(session, now)
        session.phase = Phase.ANCHORING
        session.serving = update.serving
        session.anchors = ()
        self._exchange.stop(session)
        self._cancel(session, Timer.LEAVE, Timer.ADVERTISE, Timer.FORGET)
        due = now + update.lifetime * SECOND
        self._deadlines.set((session.identifier, Timer.EXPIRE), due)
        return self._forward(session) + self._end_serving(session)

    # As either

    def _assert_later(self, session: Session, now: int) -> None:
        """Somebody says that a node which has just come, and was not bound yet, is elsewhere.

        It has gone on, and the Link_Down trigger is late; or the clocks differ, and where it was
        before counts for later. If it is still on the link in a while that is where it is: its
        presence is asserted anew, with a later timestamp (RFC 5213 section 6.9.1.2).
        """
        if session.phase is Phase.REGISTERING:
            self._deadlines.set((session.identifier, Timer.ASSERT), now + ASSERT_DELAY)

    def _expired(self, session: Session, timer: Timer, now: int) -> list[Action]:
        """A deadline of this session has come."""
        if timer is Timer.RETRANSMIT:
            return self._exchange.repeat(session, now)
        if timer is Timer.WAIT:
            whole = self._exchange.waited(session)
            return self._act_on(session, whole, now) if whole is not None else []
        if timer is Timer.REFRESH:
            actions = self._exchange.request(session, self._config.binding_lifetime_s, now)
            return actions + self._forward(session)
        if timer is Timer.ADVERTISE:
            return self._advertise(session, now)
        if timer is Timer.LEAVE:
            return self._deregister(session, now)
        if timer is Timer.EXPIRE:
            return self._expire(session, now)
        if timer is Timer.ASSERT:
            return self.attach(session.mobile_node, now)
        self._sessions.forget(session)
        return []

    def _expire(self, session: Session, now: int) -> list[Action]:
        """The binding was not refreshed in time."""
        if not session.is_attached:
            return self._release(session, now)
        session.anchors = ()  # theirs are over as well; the PBU for a new one is out
        return self._forward(session)

    def _release(self, session: Session, now: int) -> list[Action]:
        """The session is over; keep no more than the memory of it."""
        over = session.phase is not Phase.RELEASED
        session.phase = Phase.RELEASED
        session.serving = session.successor = None
        session.anchors = ()
        self._exchange.stop(session)
        self._cancel(session, Timer.LEAVE, Timer.ADVERTISE, Timer.EXPIRE)
        self._deadlines.set((session.identifier, Timer.FORGET), now + FORGET_DELAY)
        actions = self._forward(session) + self._end_serving(session)
        if over:
            actions.append(Log("binding_removed", {"mn": session.identifier}))
        return actions

    def _note_context(self, session: Session) -> None:
        """The mobile node leaves: keep what it listens to for the MAR where it goes."""
        session.listened = self._listening(session.mobile_node)
        if self._config.context_transfer:
            session.subscriptions = session.listened

    def _end_serving(self, session: Session) -> list[Action]:
        ended = session.announced
        session.announced = False
        return [ServingEnded(session.mobile_node)] if ended else []

    def _forward(self, session: Session) -> list[Action]:
        """Carry out the forwarding state that belongs to the session's state."""
        wanted = session.forwarding()
        actions = transition(session.installed, wanted, session.holder, self._tunnels, self._dlifs)
        session.installed = wanted
        return actions

    def _cancel(self, session: Session, *timers: Timer) -> None:
        for timer in timers:
            self._deadlines.cancel((session.identifier, timer))
