"""A MAG whose nodes may be on their way: between leaving one and being bound at another (RFC 5949).

``FastMag`` says when, of each of these steps.
"""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network

from agents.core import Action, Log
from agents.mobility.actions import MobileNode
from agents.mobility.mag import MagCore
from agents.mobility.mag_sessions import MagPhase, MagSession, MagTimer


class HandoverMag(MagCore):
    """What a MAG does about a node that has left, or will come, and that the LMA is not told of."""

    def session(self, identifier: str) -> MagSession | None:
        """What is known of a mobile node; not to be changed."""
        return self._sessions.get(identifier)

    def node_of(self, prefix: IPv6Network) -> MobileNode | None:
        """The mobile node that has a prefix here."""
        nodes = (s.mobile_node for s in self._sessions.values() if s.prefix == prefix)
        return next(nodes, None)

    def leave(self, identifier: str, now: int) -> list[Action]:
        """It went off the access link: keep what comes for it until it is known where it is.

        Without a prefix there is nothing to keep, and the LMA is told at once.
        """
        session = self._sessions.get(identifier)
        if session is None or not session.is_attached or session.prefix is None:
            return self.detach(identifier, now)
        session.enter(MagPhase.FORWARDING)
        self._stop(session)
        self._cancel(session, MagTimer.ADVERTISE, MagTimer.AGAIN)
        actions = [Log("detached", {"mn": identifier}), *self._forward(session)]
        return actions + self._end_serving(session)

    def hand_over(self, identifier: str, to: IPv6Address, *, forwards: bool) -> list[Action]:
        """It leaves, or has left, for another MAG: forward what comes for it there, or not yet.

        What comes from there goes to the LMA.
        """
        session = self._sessions.get(identifier)
        if session is None or session.prefix is None:
            return []
        session.next, session.forwards = to, forwards
        return self._forward(session)

    def end_forwarding(self, identifier: str, now: int) -> list[Action]:
        """It has not left after all; or it is at another MAG, or nowhere, as the LMA may know."""
        session = self._sessions.get(identifier)
        if session is None:
            return []
        session.next, session.forwards = None, False
        if session.phase is MagPhase.FORWARDING:
            return self._deregister(session, now)
        return self._forward(session)

    def expect(
        self, mobile_node: MobileNode, prefix: IPv6Network, previous: IPv6Address
    ) -> list[Action]:
        """It will come here from another MAG, which forwards what comes for it: keep that."""
        identifier = mobile_node.identifier
        new = MagSession(mobile_node, MagPhase.EXPECTED)
        session = self._sessions.setdefault(identifier, new)
        self._stop(session)
        self._cancel(session, MagTimer.EXPIRE)
        session.mobile_node = mobile_node
        session.enter(MagPhase.EXPECTED)
        session.next, session.forwards = None, False
        return self._take_over(session, prefix, previous)

    def give_up(self, identifier: str) -> list[Action]:
        """It does not come."""
        session = self._sessions.get(identifier)
        if session is None or session.phase is not MagPhase.EXPECTED:
            return []
        return self._release(session)

    def adopt(
        self, identifier: str, prefix: IPv6Network, previous: IPv6Address, now: int
    ) -> list[Action]:
        """It is here, and another MAG says what its prefix is: serve it."""
        session = self._sessions.get(identifier)
        if session is None or session.phase is not MagPhase.REGISTERING:
            return []
        return self._take_over(session, prefix, previous) + self._advertise(session, now)

    def register(self, identifier: str, now: int) -> list[Action]:
        """It is here, and the LMA has not been told yet: tell it."""
        session = self._sessions.get(identifier)
        if session is None or session.phase is not MagPhase.REGISTERING or session.pending:
            return []
        return self._request(session, self._config.binding_lifetime_s, now)

    def _take_over(
        self, session: MagSession, prefix: IPv6Network, previous: IPv6Address
    ) -> list[Action]:
        fields = {"mn": session.identifier, "prefix": str(prefix)}
        actions: list[Action] = [] if prefix == session.prefix else [Log("prefix_assigned", fields)]
        session.prefix = prefix
        session.previous = previous
        session.lifetime = self._config.binding_lifetime_s
        session.advertisements = 0
        return actions + self._forward(session)
