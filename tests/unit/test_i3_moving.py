"""A member that moves: its identifiers and its place in the tree stay, and packets follow it."""

from __future__ import annotations

import pytest

from agents.core import MILLISECOND, SECOND
from agents.i3.config import GroupConfig, Recovery
from agents.i3.member import Member, Phase
from agents.wire.i3 import Endpoint
from emu.simulator.i3 import Host
from emu.simulator.i3_session import Session
from tests.unit.i3_world import grown, reached, triggers

DEGREE = 3


def move(session: Session, host: Host, member: Member, number: int, node: int) -> Endpoint:
    """Have a host go to a node, where it has another endpoint; the one before."""
    before = host.endpoint
    after = Endpoint(b"\xfe" + number.to_bytes(15, "big") + b"\x27\x10")
    overlay = session.overlay
    del overlay.hosts[before]
    host.endpoint, host.node = after, node
    overlay.hosts[after] = host
    overlay.call(host, lambda now: member.moved(after, now))
    return before


@pytest.mark.parametrize("seed", range(10))
def test_packets_follow_whoever_moves_and_nobody_else_notices(seed: int) -> None:
    session = grown(12, GroupConfig(DEGREE, recovery=Recovery.LEAST_LOSS), seed)
    chains = [member.chain for _, member in session.members]
    for number, (host, member) in enumerate(session.members[:4]):
        before = move(session, host, member, number, session.overlay.internet.sites[-number])
        # A challenge and an answer to it: some round trips.
        session.run(2 * SECOND)
        assert before not in reached(session)
        assert host.endpoint in reached(session)
    assert [member.chain for _, member in session.members] == chains
    session.got.clear()
    sent = session.send()
    session.run(2 * SECOND)
    assert session.received(sent) == {host.endpoint for host, _ in session.members}
    assert session.repeated == 0


def test_a_member_keeps_its_identifiers_and_those_below_it() -> None:
    session = grown(12, GroupConfig(DEGREE))
    host, member = next(
        one
        for one in session.members
        if any(one[1].identifier in m.path for _, m in session.members)
    )
    chain = member.chain
    move(session, host, member, 1, session.overlay.internet.sites[0])
    session.run(SECOND)
    assert member.chain == chain
    assert member.phase is Phase.IN_TREE
    assert member.identifier is not None
    assert host.endpoint in triggers(session, member.identifier)
    session.run(60 * SECOND)  # the old place is not kept alive
    assert member.chain == chain
    ends = reached(session)
    assert len(ends) == len(set(ends)) == 13


def test_what_was_lost_before_comes_to_where_the_member_is_now() -> None:
    session = grown(8, GroupConfig(DEGREE, recovery=Recovery.RANDOM))
    session.run(5 * SECOND)
    host, member = session.members[0]
    session.overlay.lost = lambda origin, target: target is host
    lost = session.send()
    session.run(500 * MILLISECOND)
    session.overlay.lost = None
    session.send()
    while not member.repairs.missing:
        session.run(MILLISECOND)
    move(session, host, member, 1, session.overlay.internet.sites[0])
    session.run(5 * SECOND)
    assert host.endpoint in session.received(lost)
    assert not member.repairs.missing


def test_who_moves_while_it_looks_for_a_place_finds_one() -> None:
    session = grown(8, GroupConfig(DEGREE))
    host, member = session.overlay.add_member(session.root, session.overlay.internet.sites[3])
    session.members.append((host, member))
    session.overlay.call(host, member.join)
    session.run(2 * MILLISECOND)
    assert member.phase is Phase.SEARCHING
    move(session, host, member, 1, session.overlay.internet.sites[0])
    session.run(3 * SECOND)
    assert member.phase is Phase.IN_TREE
    assert host.endpoint in reached(session)
