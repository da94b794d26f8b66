"""Small i3 sessions for tests."""

from __future__ import annotations

from agents.i3.config import GroupConfig
from agents.wire.i3 import Endpoint, Identifier, Target, is_endpoint
from emu.simulator.i3_session import Session, SessionConfig
from emu.simulator.internet import TransitStub

SMALL = TransitStub(domains=2, routers=2, stubs=2, stub_nodes=8)


def grown(members: int, config: GroupConfig, seed: int = 1, skew: int = 0) -> Session:
    """A session on a small network, with all its members in the tree."""
    session = Session(SessionConfig(members, 20, config, SMALL, skew=skew), seed)
    session.grow()
    return session


def triggers(session: Session, identifier: Identifier) -> tuple[Target, ...]:
    """What is at an identifier."""
    server = session.overlay.server_of(identifier).core
    return server.triggers.at(identifier)  # type: ignore[attr-defined, no-any-return]


def reached(session: Session) -> list[Endpoint]:
    """The endpoints to which the triggers lead from the root; a loop would not end."""
    found: list[Endpoint] = []
    to_see = [session.root]
    while to_see:
        for target in triggers(session, to_see.pop()):
            if is_endpoint(target):
                found.append(Endpoint(target))
            else:
                to_see.append(Identifier(target))
    return found
