"""A multicast group whose i3 servers are on a Chord ring: they join, leave and crash under it."""

from __future__ import annotations

from random import Random

import pytest

from agents.core import SECOND
from agents.i3.config import GroupConfig, ServerConfig
from agents.wire.i3 import Endpoint
from emu.simulator.i3 import Host
from emu.simulator.i3_chord import ChordOverlay
from emu.simulator.i3_session import Session, SessionConfig
from tests.unit.i3_world import SMALL, reached

MEMBERS, SERVERS = 40, 20
LIFETIME = ServerConfig().lifetime


def grown(seed: int, skew: int = 0) -> Session:
    config = SessionConfig(MEMBERS, SERVERS, GroupConfig(degree=4), SMALL, skew=skew)
    session = Session(config, seed, ChordOverlay)
    session.grow()
    session.run(20 * SECOND)
    return session


def ring(session: Session) -> ChordOverlay:
    assert isinstance(session.overlay, ChordOverlay)
    return session.overlay


def everybody(session: Session) -> set[Endpoint]:
    return {host.endpoint for host, _ in session.members}


def gets_all(session: Session) -> bool:
    """Whether a packet that is sent now reaches all members."""
    number = session.send()
    session.run(3 * SECOND)
    return session.received(number) == everybody(session)


def used(session: Session) -> list[Host]:
    """The servers that have identifiers of the tree."""
    found = {}
    for _, member in session.in_tree:
        for identifier in member.chain:
            host = session.overlay.server_of(identifier)
            found[host.endpoint] = host
    return [found[endpoint] for endpoint in sorted(found)]


def owned(session: Session, owner: Endpoint) -> int:
    """How many triggers of an endpoint there are, at whatever server."""
    servers = [host.core for host in session.overlay.servers]
    return sum(owner in server.triggers.owners for server in servers)


@pytest.mark.parametrize(("seed", "skew"), [(1, 0), (2, 5 * 3600 * SECOND)])
def test_a_group_grows_and_its_packets_take_one_hop(seed, skew):
    session = grown(seed, skew)
    assert len(session.in_tree) == MEMBERS
    assert gets_all(session)
    for host in session.overlay.servers:
        host.core.arrived = host.core.passed_on = 0
    session.run(60 * SECOND)
    assert ring(session).one_hop_share() > 0.9
    assert session.repeated == 0


@pytest.mark.parametrize("seed", range(4))
def test_members_get_packets_again_within_a_lifetime_after_servers_crashed(seed):
    session = grown(seed)
    victims = Random(seed).sample(used(session), 4)
    for host in victims:
        session.overlay.crash(host)
    assert not gets_all(session)
    session.run(LIFETIME - 3 * SECOND)
    first = session.source[1].sent + 1
    session.run(30 * SECOND)
    sent = range(first, session.source[1].sent + 1)
    session.run(3 * SECOND)
    assert all(session.received(number) == everybody(session) for number in sent)
    assert session.repeated == 0
    assert sorted(set(reached(session))) == sorted(
        everybody(session) | {session.source[0].endpoint}
    )


def test_the_group_goes_on_while_servers_leave_and_join():
    session = grown(1)
    overlay = ring(session)
    free = [node for node in overlay.internet.sites if node not in overlay._positions]
    for _ in range(4):
        overlay.leave(overlay.random.choice(used(session)))
        overlay.add_server(free.pop())
        session.run(20 * SECOND)
    session.run(LIFETIME)
    assert len(overlay.servers) == SERVERS
    assert gets_all(session)


def test_the_group_outlives_losses_and_crashes_together():
    session = grown(3)
    random = Random(3)
    session.overlay.lost = lambda origin, target: random.random() < 0.3
    for host in random.sample(used(session), 3):
        session.overlay.crash(host)
        session.run(20 * SECOND)
    session.overlay.lost = None
    session.run(2 * LIFETIME)
    assert len(session.in_tree) == MEMBERS
    assert gets_all(session)


@pytest.mark.parametrize("seed", range(2))
def test_no_trigger_outlives_its_owner_by_more_than_its_lifetime(seed):
    """Wherever on the ring it is, and whoever joins and leaves."""
    session = grown(seed)
    overlay, (gone, member) = ring(session), session.members[-1]
    assert owned(session, gone.endpoint) > 0
    below = [other for _, other in session.members if member.identifier in other.path]
    assert below == []
    overlay.crash(gone)
    overlay.crash(used(session)[0])
    overlay.leave(used(session)[1])
    session.run(LIFETIME + SECOND)
    assert owned(session, gone.endpoint) == 0
