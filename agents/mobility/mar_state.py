"""What a MAR has, and the steps that it takes both as serving and as previous MAR."""

from __future__ import annotations

from ipaddress import IPv6Network

from agents.core import Action, Log
from agents.deadlines import Deadlines
from agents.mobility.actions import ServingEnded
from agents.mobility.cmd_exchange import CmdExchange
from agents.mobility.config import ASSERT_DELAY, FORGET_DELAY, Counters, MarConfig
from agents.mobility.context import Listening
from agents.mobility.exchange import Exchange
from agents.mobility.forwarding_state import make, unmake
from agents.mobility.group_exchange import GroupExchange
from agents.mobility.session_table import SessionTable
from agents.mobility.sessions import Phase, Session, Timer
from agents.mobility.tunnels import DlifTable, TunnelTable


class MarState:
    """The sessions of a MAR, their timers, and the tunnels and DLIFs that they share."""

    def __init__(self, config: MarConfig, listening: Listening) -> None:
        self.config = config
        self.counters = Counters()
        self.listening = listening
        self.sessions = SessionTable(config.pool, config.first_prefix)
        self.tunnels = TunnelTable()
        self.routed: dict[IPv6Network, Session] = {}
        """Whose prefixes they are that have a route here: the sessions' own and the anchored."""
        self.deadlines: Deadlines[tuple[str, Timer]] = Deadlines()
        kind = GroupExchange if config.distributed else CmdExchange
        self.exchange: Exchange = kind(config, self.deadlines)
        self._dlifs = DlifTable()

    def set(self, session: Session, timer: Timer, due: int) -> None:
        """Have the session's timer expire at ``due``, and no more when it did before."""
        self.deadlines.set((session.identifier, timer), due)

    def cancel(self, session: Session, *timers: Timer) -> None:
        """These timers of the session are not to expire."""
        for timer in timers:
            self.deadlines.cancel((session.identifier, timer))

    def assert_later(self, session: Session, now: int) -> None:
        """Somebody says that a node which has just come, and was not bound yet, is elsewhere.

        It has gone on, and the Link_Down trigger is late; or the clocks differ, and where it was
        before counts for later. If it is still on the link in a while that is where it is: its
        presence is asserted anew, with a later timestamp (RFC 5213 section 6.9.1.2).
        """
        if session.phase is Phase.REGISTERING:
            self.set(session, Timer.ASSERT, now + ASSERT_DELAY)

    def note_context(self, session: Session) -> None:
        """The mobile node leaves: keep what it listens to for the MAR where it goes."""
        session.listened = self.listening(session.mobile_node)
        if self.config.context_transfer:
            session.subscriptions = session.listened

    def forward(self, session: Session) -> list[Action]:
        """Carry out the forwarding state that belongs to the session's state."""
        return self.forward_first(session) + self.forward_last(session)

    def forward_first(self, session: Session) -> list[Action]:
        """Of that what packets need."""
        old, new = session.installed, session.forwarding()
        self.routed |= dict.fromkeys(new.routes, session)
        return make(old, new, session.holder, self.tunnels, self._dlifs)

    def forward_last(self, session: Session) -> list[Action]:
        """And then what can wait for others: what nobody needs any more goes."""
        old, session.installed = session.installed, session.forwarding()
        for prefix in old.routes.keys() - session.installed.routes.keys():
            if self.routed.get(prefix) is session:
                del self.routed[prefix]
        return unmake(old, session.installed, session.holder, self.tunnels, self._dlifs)

    def end_serving(self, session: Session) -> list[Action]:
        """The mobile node is served by this MAR no longer, if it was."""
        ended = session.announced
        session.announced = False
        return [ServingEnded(session.mobile_node)] if ended else []

    def release(self, session: Session, now: int) -> list[Action]:
        """The session is over; keep no more than the memory of it."""
        over = session.phase is not Phase.RELEASED
        session.enter(Phase.RELEASED)
        session.serving = session.successor = None
        session.anchors = ()
        self.exchange.stop(session)
        self.cancel(session, Timer.LEAVE, Timer.ADVERTISE, Timer.EXPIRE)
        self.set(session, Timer.FORGET, now + FORGET_DELAY)
        actions = self.forward(session) + self.end_serving(session)
        if over:
            actions.append(Log("binding_removed", {"mn": session.identifier}))
        return actions
