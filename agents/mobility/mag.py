"""The mobile access gateway, "MAG", of Proxy Mobile IPv6 (RFC 5213 section 6).

It registers the mobile nodes on its access link at the local mobility anchor (LMA), shows each of
them its home link, whichever MAG it is at, and carries its packets through the tunnel to the LMA.
docs/pmipv6.md describes the exchange.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv6Address

from agents.core import SECOND, Action, Log
from agents.deadlines import Deadlines
from agents.mobility.actions import (
    Advertise,
    AdvertisedPrefix,
    MobileNode,
    ServingEnded,
    ServingStarted,
)
from agents.mobility.advertising import advertisement, next_advertisement
from agents.mobility.config import ASSERT_DELAY, PREFIX_DELAY, Counters, MagConfig
from agents.mobility.forwarding_state import transition
from agents.mobility.mag_sessions import MagBinding, MagPhase, MagSession, MagTimer
from agents.mobility.ordering import attachment_time
from agents.mobility.proxy_messages import (
    ProxyAcknowledgement,
    is_for_pmipv6,
    proxy_registration,
    read_proxy_acknowledgement,
)
from agents.mobility.retransmission import PendingUpdate
from agents.mobility.sending import received, send
from agents.mobility.tunnels import DlifTable, TunnelTable
from agents.wire.mobility import BindingAcknowledgement, Message, Status
from agents.wire.sequence_numbers import next_sequence

_AGAIN_AFTER: dict[int, int] = {
    Status.TIMESTAMP_LOWER_THAN_PREVIOUSLY_ACCEPTED: ASSERT_DELAY,
    Status.INSUFFICIENT_RESOURCES: PREFIX_DELAY,
}
"""When a refused mobile node that is still on the link is registered again, in ns."""
_ANOTHER_PREFIX = (
    Status.NOT_AUTHORIZED_FOR_HOME_NETWORK_PREFIX,
    Status.PREFIX_SET_DOES_NOT_MATCH,
)


class MagCore:
    """One MAG's protocol machine."""

    def __init__(self, config: MagConfig) -> None:
        self.counters = Counters()
        self._config = config
        self._sessions: dict[str, MagSession] = {}
        self._tunnels = TunnelTable()
        self._deadlines: Deadlines[tuple[str, MagTimer]] = Deadlines()

    # What the surroundings tell

    def attach(
        self, mobile_node: MobileNode, now: int, *, registering: bool = True
    ) -> list[Action]:
        """A mobile node came up on the access link (a Link_Up trigger).

        Unless it is ``registering`` the LMA is told later.
        """
        identifier = mobile_node.identifier
        session = self._sessions.setdefault(identifier, MagSession(mobile_node))
        session.mobile_node = mobile_node
        if session.phase is not MagPhase.EXPECTED:
            session.previous = None
        session.next, session.forwards = None, False
        actions = [Log("attached", {"mn": identifier}), *self._arrive(session, now)]
        if session.previous is not None:
            actions += self._advertise(session, now)
        if not registering:
            self._stop(session)
            return actions
        return actions + self._request(session, self._config.binding_lifetime_s, now)

    def going_down(self, identifier: str, to: IPv6Address, now: int) -> list[Action]:
        """A mobile node is about to be handed over to another MAG (a Link_Going_Down trigger)."""
        session = self._sessions.get(identifier)
        if session is None or not session.is_attached:
            return []
        return [Log("going_down", {"mn": identifier, "to": str(to)})]

    def detach(self, identifier: str, now: int) -> list[Action]:
        """A mobile node went off the access link (a Link_Down trigger): tell the LMA at once."""
        session = self._sessions.get(identifier)
        if session is None or not session.is_attached:
            return []
        return [Log("detached", {"mn": identifier}), *self._deregister(session, now)]

    def solicit(self, identifier: str, now: int) -> list[Action]:
        """A mobile node sent a Router Solicitation."""
        session = self._sessions.get(identifier)
        if session is None or not session.is_shown:
            return []
        return self._advertisement(session)

    def hold_tunnel(self, peer: IPv6Address, holder: str, now: int) -> list[Action]:
        """Another part of the router (multicast) needs the tunnel to the LMA."""
        return self._tunnels.hold(peer, holder)

    def release_tunnel(self, peer: IPv6Address, holder: str, now: int) -> list[Action]:
        """Another part of the router no longer needs the tunnel to the LMA."""
        return self._tunnels.release(peer, holder)

    def receive(self, message: Message, source: IPv6Address, now: int) -> list[Action]:
        """A Mobility Header message came in."""
        if source != self._config.lma:
            self.counters.unauthentic += 1
            return []
        if not isinstance(message, BindingAcknowledgement) or not is_for_pmipv6(message):
            self.counters.ignored += 1
            return []
        answer = read_proxy_acknowledgement(message)
        if answer is None:
            self.counters.malformed += 1
            return []
        session = self._sessions.get(answer.identifier)
        pending = session.pending if session is not None else None
        if (
            session is None
            or pending is None
            or not pending.answered_by(answer.sequence, answer.timestamp, answer.status)
        ):
            self.counters.ignored += 1
            return []
        log = received(message, answer.identifier, source)
        return [log, *self._act_on(session, answer, now)]

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

    def bindings(self) -> dict[str, MagBinding]:
        """The mobile nodes that this MAG has sessions of."""
        return {mn: MagBinding(s.prefix, s.phase) for mn, s in self._sessions.items()}

    def tunnels(self) -> Mapping[IPv6Address, frozenset[str]]:
        """The peers to which there is a tunnel, and who holds it."""
        return self._tunnels.holders()

    # The binding

    def _register(self, session: MagSession, now: int) -> list[Action]:
        """The mobile node is here since now: tell the LMA."""
        return [
            *self._arrive(session, now),
            *self._request(session, self._config.binding_lifetime_s, now),
        ]

    def _arrive(self, session: MagSession, now: int) -> list[Action]:
        self._cancel(session, MagTimer.REFRESH, MagTimer.ADVERTISE, MagTimer.AGAIN)
        session.enter(MagPhase.REGISTERING)
        present = now + self._config.clock_offset
        session.timestamp = attachment_time(present, session.timestamp)
        return self._forward(session)

    def _deregister(self, session: MagSession, now: int) -> list[Action]:
        """The mobile node is not here: tell the LMA."""
        session.enter(MagPhase.DEREGISTERING)
        session.previous = None
        self._cancel(session, MagTimer.REFRESH, MagTimer.ADVERTISE, MagTimer.AGAIN)
        expire = (session.identifier, MagTimer.EXPIRE)
        if expire not in self._deadlines:
            # Whether the LMA has heard of this attachment or not, it has forgotten it by then.
            self._deadlines.set(expire, now + self._config.binding_lifetime_s * SECOND)
        actions = [*self._request(session, 0, now), *self._end_serving(session)]
        return actions + self._forward(session)

    def _request(self, session: MagSession, lifetime: int, now: int) -> list[Action]:
        """Ask for a binding of so many seconds; 0: for its removal."""
        sequence = next_sequence(session.sequence)
        session.pending = PendingUpdate(
            session.timestamp, lifetime, sequence, sequence, self._config.initial_timeout
        )
        return self._send(session, session.pending, now)

    def _send(self, session: MagSession, pending: PendingUpdate, now: int) -> list[Action]:
        session.sequence = pending.last
        due = now + pending.timeout
        self._deadlines.set((session.identifier, MagTimer.RETRANSMIT), due)
        # A newcomer's prefix is for the LMA to say, even if this MAG remembers an earlier one,
        # unless the MAG where it was before has just said it.
        newcomer = session.phase is MagPhase.REGISTERING and session.previous is None
        prefix = None if newcomer else session.prefix
        message = proxy_registration(
            session.mobile_node,
            prefix,
            self._config.link_local,
            sequence=pending.last,
            lifetime=pending.lifetime,
            timestamp=pending.timestamp,
            handoff=session.handoff,
        )
        return send(message, session.identifier, self._config.lma)

    def _act_on(self, session: MagSession, answer: ProxyAcknowledgement, now: int) -> list[Action]:
        """The LMA has answered."""
        if session.is_attached and answer.accepted and answer.lifetime:
            return self._bound(session, answer, now)
        if not session.is_attached:
            return self._release(session)
        fields = {"mn": session.identifier, "status": answer.status}
        return [Log("binding_refused", fields), *self._refused(session, answer.status, now)]

    def _refused(self, session: MagSession, status: int, now: int) -> list[Action]:
        """The LMA will not have it: no mobility service, for now or for good (section 6.9.1.2).

        A mobile node that is still here after a while is registered again: whoever registered it
        later did not get it, or has lost it; or a prefix has become free. What it had is another
        one's by now: it gets a new one.
        """
        if status in _ANOTHER_PREFIX and session.is_shown:
            return [*self._deny(session), *self._register(session, now)]
        if status not in _AGAIN_AFTER:
            return self._release(session)
        due = now + _AGAIN_AFTER[status]
        self._deadlines.set((session.identifier, MagTimer.AGAIN), due)
        return self._deny(session)

    def _deny(self, session: MagSession) -> list[Action]:
        """The mobile node is on the link, and has no binding."""
        self._stop(session)
        self._cancel(session, MagTimer.ADVERTISE, MagTimer.EXPIRE)
        actions = self._withdraw(session) if session.previous is not None else []
        session.enter(MagPhase.REGISTERING)
        session.prefix = session.previous = None
        return actions + self._forward(session) + self._end_serving(session)

    def _bound(self, session: MagSession, answer: ProxyAcknowledgement, now: int) -> list[Action]:
        """The LMA has the binding: show the mobile node its home link."""
        completed = session.phase is MagPhase.REGISTERING
        news = completed or answer.prefix != session.prefix
        actions: list[Action] = []
        if answer.prefix != session.prefix:
            if session.previous is not None:
                actions += self._withdraw(session)
            fields = {"mn": session.identifier, "prefix": str(answer.prefix)}
            actions.append(Log("prefix_assigned", fields))
        session.enter(MagPhase.SERVING)
        session.prefix = answer.prefix
        session.previous = None
        session.lifetime = answer.lifetime
        self._stop(session)
        lifetime = answer.lifetime * SECOND
        self._deadlines.set((session.identifier, MagTimer.EXPIRE), now + lifetime)
        self._deadlines.set((session.identifier, MagTimer.REFRESH), now + lifetime // 2)
        actions += self._forward(session)
        if completed:
            actions.append(Log("binding_complete", {"mn": session.identifier}))
        if news:
            session.advertisements = 0
            actions += self._advertise(session, now)
        if completed:
            session.announced = True
            actions.append(ServingStarted(session.mobile_node, None))
        return actions

    def _expired(self, session: MagSession, timer: MagTimer, now: int) -> list[Action]:
        """A deadline of this session has come."""
        if timer is MagTimer.RETRANSMIT:
            return self._repeat(session, now)
        if timer is MagTimer.REFRESH:
            return self._request(session, self._config.binding_lifetime_s, now)
        if timer is MagTimer.ADVERTISE:
            return self._advertise(session, now)
        if timer is MagTimer.AGAIN:
            return self._register(session, now)
        return self._expire(session)

    def _repeat(self, session: MagSession, now: int) -> list[Action]:
        """No PBA came in time."""
        if session.pending is None:
            return []
        session.pending.sent_again(next_sequence(session.sequence), self._config.maximum_timeout)
        return self._send(session, session.pending, now)

    def _expire(self, session: MagSession) -> list[Action]:
        """The binding was not refreshed in time; the PBU for a new one is out."""
        if not session.is_attached:
            return self._release(session)
        session.enter(MagPhase.REGISTERING)
        session.prefix = session.previous = None
        self._cancel(session, MagTimer.ADVERTISE)
        return self._forward(session) + self._end_serving(session)

    def _release(self, session: MagSession) -> list[Action]:
        """The session is over."""
        self._stop(session)
        self._cancel(session, MagTimer.ADVERTISE, MagTimer.EXPIRE, MagTimer.AGAIN)
        del self._sessions[session.identifier]
        session.prefix = None
        return [
            *self._forward(session),
            *self._end_serving(session),
            Log("binding_removed", {"mn": session.identifier}),
        ]

    def _stop(self, session: MagSession) -> None:
        """Ask no more."""
        session.pending = None
        self._cancel(session, MagTimer.RETRANSMIT, MagTimer.REFRESH)

    def _end_serving(self, session: MagSession) -> list[Action]:
        ended = session.announced
        session.announced = False
        return [ServingEnded(session.mobile_node)] if ended else []

    # The home link

    def _advertise(self, session: MagSession, now: int) -> list[Action]:
        session.advertisements += 1
        due = now + next_advertisement(session.advertisements, session.lifetime)
        self._deadlines.set((session.identifier, MagTimer.ADVERTISE), due)
        return self._advertisement(session)

    def _advertisement(self, session: MagSession) -> list[Action]:
        assert session.prefix is not None  # it is bound
        router = self._config.link_local
        return [advertisement(session.mobile_node, router, session.prefix, session.lifetime)]

    def _withdraw(self, session: MagSession) -> list[Action]:
        """Another MAG was wrong about the prefix: take it back (RFC 5949 section 5.2)."""
        assert session.prefix is not None  # it was shown
        gone = AdvertisedPrefix(session.prefix, preferred_lifetime=0, valid_lifetime=0)
        return [Advertise(session.mobile_node, self._config.link_local, 0, (gone,))]

    def _forward(self, session: MagSession) -> list[Action]:
        """Carry out the forwarding state that belongs to the session's state."""
        wanted = session.forwarding(self._config.lma)
        holder = f"unicast:{session.identifier}"
        actions = transition(session.installed, wanted, holder, self._tunnels, DlifTable())
        session.installed = wanted
        return actions

    def _cancel(self, session: MagSession, *timers: MagTimer) -> None:
        for timer in timers:
            self._deadlines.cancel((session.identifier, timer))
