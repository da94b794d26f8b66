"""The mobility anchor and access router, "MAR": DAR in the paper, MAAR in RFC 8885.

For the mobile nodes on its access link it is the serving MAR (like a MAG of RFC 5213): it
registers them at the CMD, or asks the other MARs. For those that left it is a previous MAR (like an
LMA): it anchors the prefix that they have from it. docs/mobility.md describes the states and the
exchange.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv6Address, IPv6Network

from agents.core import Action, Log
from agents.mobility.actions import GoingDown, MobileNode
from agents.mobility.advertising import advertisements
from agents.mobility.anchors import Anchor
from agents.mobility.config import MarConfig
from agents.mobility.context import Listening, Records, listens_to_nothing
from agents.mobility.exchange import Expected, expects_nobody
from agents.mobility.mar_state import MarState
from agents.mobility.messages import MAXIMUM_PREVIOUS_MARS, is_for_dmm
from agents.mobility.ordering import attachment_time
from agents.mobility.pool import prefix_of
from agents.mobility.previous_mar import PreviousMar
from agents.mobility.serving_mar import ServingMar
from agents.mobility.sessions import MarBinding, Phase, Session, Timer
from agents.wire.mobility import BindingAcknowledgement, BindingUpdate, Message


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
        self._config = config
        self._expected = expected
        self._state = MarState(config, listening)
        self._sessions = self._state.sessions
        self._exchange = self._state.exchange
        self._deadlines = self._state.deadlines
        self._serving = ServingMar(self._state)
        self._previous = PreviousMar(self._state)
        self.counters = self._state.counters
        self._waiting: dict[str, MobileNode] = {}
        """On the access link, without a prefix, in the order in which they came."""

    # What the surroundings tell

    def attach(self, mobile_node: MobileNode, now: int) -> list[Action]:
        """A mobile node came up on the access link (a Link_Up trigger)."""
        identifier = mobile_node.identifier
        actions: list[Action] = [Log("attached", {"mn": identifier})]
        session = self._sessions.get(identifier)
        if session is None:
            session = self._sessions.open(mobile_node)
            if session is None:
                self._waiting[identifier] = mobile_node
                return [*actions, Log("pool_exhausted", {"mn": identifier})]
            fields = {"mn": identifier, "prefix": str(session.prefix)}
            actions.append(Log("prefix_assigned", fields))
        if not session.is_here:
            # How long its prefix is to be anchored here for another place no longer matters.
            self._state.cancel(session, Timer.EXPIRE)
            session.serving = None
        self._state.cancel(
            session, Timer.LEAVE, Timer.REFRESH, Timer.ADVERTISE, Timer.FORGET, Timer.ASSERT
        )
        session.timestamp = attachment_time(now + self._config.clock_offset, session.timestamp)
        session.informed = not self._config.context_transfer
        previous = (a for a in self._expected(identifier) if a.address != self._config.address)
        session.begin(mobile_node, tuple(previous))
        actions += self._exchange.request(session, self._config.binding_lifetime_s, now)
        return actions + self._state.forward(session)

    def going_down(self, identifier: str, to: IPv6Address, now: int) -> list[Action]:
        """A mobile node is about to be handed over to another MAR (a Link_Going_Down trigger)."""
        session = self._sessions.get(identifier)
        if session is None or not session.is_attached:
            return []
        log = Log("going_down", {"mn": identifier, "to": str(to)})
        return [log, GoingDown(session.mobile_node, to)]

    def detach(self, identifier: str, now: int) -> list[Action]:
        """A mobile node went off the access link (a Link_Down trigger)."""
        self._waiting.pop(identifier, None)
        session = self._sessions.get(identifier)
        if session is None:
            return []
        self._state.cancel(session, Timer.ASSERT)
        if not session.is_attached:
            return []
        # Whether the CMD has heard of this attachment or not: the next MAR's PBU will tell it more.
        was_bound = session.phase is Phase.SERVING
        self._state.note_context(session)
        session.enter(Phase.LEAVING)
        self._exchange.stop(session)
        self._state.cancel(session, Timer.ADVERTISE)
        self._state.set(session, Timer.LEAVE, now + self._config.detach_delay)
        actions: list[Action] = [Log("detached", {"mn": identifier})]
        if was_bound:
            actions += self._exchange.departed(session, now)
        return actions

    def represent(self, identifier: str, now: int) -> list[Action]:
        """A mobile node that left is served by this MAR from afar: its session goes on."""
        session = self._sessions.get(identifier)
        if session is None or session.phase is not Phase.LEAVING:
            return []
        self._state.cancel(session, Timer.LEAVE)
        session.enter(Phase.SERVING)
        expire = self._deadlines.get((identifier, Timer.EXPIRE), now)  # now: it was never bound
        self._state.set(session, Timer.REFRESH, (now + expire) // 2)
        return [Log("represented", {"mn": identifier})]

    def solicit(self, identifier: str, now: int) -> list[Action]:
        """A mobile node sent a Router Solicitation."""
        session = self._sessions.get(identifier)
        if session is None or not session.is_served:
            return []
        return advertisements(self._config, session)

    def idle(self, prefix: IPv6Network, now: int) -> list[Action]:
        """No packet of an anchored prefix has passed for so long that no flow can use it."""
        session = self._state.routed.get(prefix)
        if session is None or session.phase is not Phase.SERVING:
            return []
        anchored = any(anchor.prefix == prefix for anchor in session.anchors)
        return self._serving.give_up(session, prefix, now) if anchored else []

    def hold_tunnel(self, peer: IPv6Address, holder: str, now: int) -> list[Action]:
        """Another part of the router (multicast) needs the tunnel to a peer."""
        return self._state.tunnels.hold(peer, holder)

    def release_tunnel(self, peer: IPv6Address, holder: str, now: int) -> list[Action]:
        """Another part of the router no longer needs the tunnel to a peer."""
        return self._state.tunnels.release(peer, holder)

    def receive(self, message: Message, source: IPv6Address, now: int) -> list[Action]:
        """A Mobility Header message came in."""
        if not self._exchange.is_authentic(message, source):
            self.counters.unauthentic += 1
            return []
        if isinstance(message, BindingUpdate) and is_for_dmm(message):
            return self._previous.receive(message, source, now)
        if isinstance(message, BindingAcknowledgement) and is_for_dmm(message):
            return self._serving.receive(message, source, now)
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

    def anchors(self, identifier: str) -> tuple[Anchor, ...]:
        """Who anchors the other prefixes of a mobile node that is here, the one left last last."""
        session = self._sessions.get(identifier)
        return () if session is None else session.anchors

    def owner(self, address: IPv6Address) -> tuple[str, IPv6Address | None] | None:
        """Whose address it is, of those served here, and the MAR that anchors it (None: this)."""
        prefix = prefix_of(address)
        session = self._state.routed.get(prefix)
        if session is None or not session.is_here:
            return None
        anchors = (anchor.address for anchor in session.anchors if anchor.prefix == prefix)
        return session.identifier, next(anchors, None)

    def host_of(self, address: IPv6Address) -> MobileNode | None:
        """The mobile node here that has an address: before anything is done about its coming."""
        session = self._state.routed.get(prefix_of(address))
        return session.mobile_node if session is not None and session.is_here else None

    def attached(self, identifier: str) -> tuple[MobileNode, tuple[Anchor, ...]] | None:
        """A mobile node on the access link, and the anchors of its prefixes, this MAR last."""
        session = self._sessions.get(identifier)
        if session is None or not session.is_attached:
            return None
        own = self._config.anchor(session.prefix)
        return session.mobile_node, (*session.anchors, own)[-MAXIMUM_PREVIOUS_MARS:]

    def tunnels(self) -> Mapping[IPv6Address, frozenset[str]]:
        """The peers to which there is a tunnel, and who holds it."""
        return self._state.tunnels.holders()

    def context(self, address: IPv6Address) -> Records:
        """What the mobile node listens to that has this address from here, or did when it left."""
        session = self._sessions.of_address(address)
        if session is None:
            return ()
        here = session.is_attached
        return self._state.listening(session.mobile_node) if here else session.listened

    # Deadlines

    def _expired(self, session: Session, timer: Timer, now: int) -> list[Action]:
        """A deadline of this session has come."""
        if timer is Timer.RETRANSMIT:
            return self._exchange.repeat(session, now) + self._serving.manage_alone(session, now)
        if timer is Timer.WAIT:
            whole = self._exchange.waited(session)
            return self._serving.act_on(session, whole, now) if whole is not None else []
        if timer is Timer.REFRESH:
            actions = self._exchange.request(session, self._config.binding_lifetime_s, now)
            return actions + self._state.forward(session)
        if timer is Timer.ADVERTISE:
            return self._serving.advertise(session, now)
        if timer is Timer.LEAVE:
            return self._serving.deregister(session, now)
        if timer is Timer.EXPIRE:
            return self._expire(session, now)
        if timer is Timer.ASSERT:
            return self.attach(session.mobile_node, now)
        self._sessions.forget(session)
        return self._serve_waiting(now)

    def _serve_waiting(self, now: int) -> list[Action]:
        """A prefix has become free: for whoever has waited longest."""
        if not self._waiting:
            return []
        return self.attach(self._waiting.pop(next(iter(self._waiting))), now)

    def _expire(self, session: Session, now: int) -> list[Action]:
        """The binding was not refreshed in time."""
        if not session.is_attached:
            return self._state.release(session, now)
        session.anchors = ()  # theirs are over as well; the PBU for a new one is out
        return self._state.forward(session)
