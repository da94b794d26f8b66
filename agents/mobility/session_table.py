"""A MAR's sessions and the prefixes that they hold."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv6Address, IPv6Network

from agents.mobility.actions import MobileNode
from agents.mobility.messages import AnchorUpdate
from agents.mobility.pool import PrefixPool
from agents.mobility.sessions import Phase, Session
from agents.wire.mobility import Status


class SessionTable:
    """At most one session a mobile node, each with a prefix of the pool."""

    def __init__(self, pool: IPv6Network, first_prefix: int) -> None:
        self._pool = PrefixPool(pool, first_prefix)
        self._sessions: dict[str, Session] = {}

    def __iter__(self) -> Iterator[Session]:
        return iter(self._sessions.values())

    def __len__(self) -> int:
        return len(self._sessions)

    def get(self, identifier: str) -> Session | None:
        """The mobile node's session."""
        return self._sessions.get(identifier)

    def of_address(self, address: IPv6Address) -> Session | None:
        """The session whose mobile node has this address from here, or had."""
        identifier = self._pool.holder(address)
        return None if identifier is None else self._sessions.get(identifier)

    def owns(self, prefix: IPv6Network) -> bool:
        """Whether the prefix is of this MAR's pool."""
        return prefix in self._pool

    def held_for(self, update: AnchorUpdate) -> IPv6Network | None:
        """The prefix that this MAR anchors for the mobile node; None if it has no part in it."""
        session = self._sessions.get(update.identifier)
        if session is None:
            return None
        if session.phase is Phase.RELEASED:
            session.timestamp = max(session.timestamp, update.timestamp)
            return None
        return session.prefix

    def open(self, mobile_node: MobileNode) -> Session | None:
        """A session for a mobile node that has none; None when the pool is exhausted."""
        prefix = self._pool.assign(mobile_node.identifier)
        return None if prefix is None else self._add(mobile_node, prefix)

    def forget(self, session: Session) -> None:
        """The end of a session: its prefix is free again."""
        self._pool.release(session.prefix)
        del self._sessions[session.identifier]

    def judge(self, update: AnchorUpdate) -> tuple[Session | None, Status]:
        """The session to which a PBU of the CMD applies, if any, and what to answer."""
        session = self._sessions.get(update.identifier)
        if session is not None and session.is_outdated(update.timestamp, update.sequence):
            if update.timestamp == session.timestamp and not session.is_here:
                return None, Status.ACCEPTED  # a repetition
            return None, Status.TIMESTAMP_LOWER_THAN_PREVIOUSLY_ACCEPTED
        if not self._pool.reserve(update.prefix, update.identifier):
            return None, Status.NOT_AUTHORIZED_FOR_HOME_NETWORK_PREFIX
        if session is None:
            # It is not on the access link: where it is on L2 does not matter.
            session = self._add(MobileNode(update.identifier, b""), update.prefix)
        elif session.prefix != update.prefix:
            # The CMD never heard of the attachment for which the session's prefix was assigned.
            self._pool.release(session.prefix)
            session.prefix = update.prefix
        return session, Status.ACCEPTED

    def _add(self, mobile_node: MobileNode, prefix: IPv6Network) -> Session:
        session = Session(mobile_node, prefix, Phase.RELEASED)
        self._sessions[mobile_node.identifier] = session
        return session
