"""All members of a level are gone: those below lose nothing, and newcomers find a place."""

from __future__ import annotations

import pytest

from agents.core import SECOND
from agents.i3.config import GroupConfig
from agents.i3.identifiers import above_root, f_hash, j_hash
from agents.i3.member import Member, Phase
from agents.i3.moving_up import ROUNDS, ParentProbe, reach
from agents.wire import i3_group
from agents.wire.i3 import HOP_LIMIT, Endpoint, Identifier, Packet
from agents.wire.i3_group import Distance, Joined
from emu.simulator.i3 import Overlay
from emu.simulator.i3_chord import ChordOverlay
from emu.simulator.i3_session import Session, SessionConfig
from tests.unit.i3_tree_schedule import at_level, gone, run_schedule
from tests.unit.i3_world import SMALL, reached, triggers

DEGREE = 3
LIFETIME = 30 * SECOND


def grown(seed: int, overlay: type[Overlay] = Overlay, members: int = 30) -> Session:
    session = Session(SessionConfig(members, 20, GroupConfig(DEGREE), SMALL), seed, overlay)
    session.grow()
    session.run(20 * SECOND)
    return session


def losses(session: Session, first: int, last: int) -> list[int]:
    """Of these packets those that somebody who is still there has not got."""
    everybody = {host.endpoint for host in session.hosts}
    return [number for number in range(first, last) if not everybody <= session.received(number)]


@pytest.mark.parametrize("overlay", [Overlay, ChordOverlay])
@pytest.mark.parametrize("crash", [False, True])
@pytest.mark.parametrize("levels", [1, 2])
def test_a_newcomer_finds_a_place_though_the_levels_above_are_gone(
    overlay: type[Overlay], crash: bool, levels: int
) -> None:
    session = grown(1, overlay)
    first = session.send()
    for level in range(1, levels + 1):
        for one in at_level(session, level):
            gone(session, one, crash)
    assert session.members
    session.run(LIFETIME + SECOND)
    assert not at_level(session, 1)
    before = {host.endpoint for host in session.hosts}
    newcomer, member = session.add()
    session.run(20 * SECOND)
    assert member.phase is Phase.IN_TREE
    assert session.got[newcomer.endpoint]
    session.run(LIFETIME + SECOND)
    session.members = [one for one in session.members if one[0].endpoint in before]
    assert losses(session, first, session.source[1].sent - 2) == []
    session.members.append((newcomer, member))
    ends = reached(session)
    assert sorted(ends) == sorted({*ends})
    assert newcomer.endpoint in ends


def test_just_one_member_takes_the_place_of_each_that_is_gone() -> None:
    session = grown(1)
    vacant = [member.identifier for _, member in at_level(session, 1)]
    for one in at_level(session, 1):
        gone(session, one, crash=False)
    session.add()
    session.run(20 * SECOND)
    owners = [member.identifier for _, member in at_level(session, 1)]
    assert sorted(owners) == sorted({*owners} & {*vacant})
    assert all(len(triggers(session, one)) <= DEGREE + 1 for one in owners)


@pytest.mark.parametrize("above", [False, True])
def test_a_false_cry_moves_nobody(above: bool) -> None:
    """Whoever hears of it looks for itself: the parents, or the founder, answer."""
    session = grown(1)
    chains = {host.endpoint: member.chain for host, member in session.members}
    gap = above_root(session.root) if above else session.root
    cry = Packet(session.root, i3_group.encode(Joined(gap)))
    server, stranger = session.overlay.server_of(session.root), session.source[0]
    for _ in range(10):
        session.overlay._apply(server, server.core.receive(cry, stranger.endpoint, 0))
        session.run(SECOND)
    session.run(20 * SECOND)
    assert {host.endpoint: member.chain for host, member in session.members} == chains


@pytest.mark.parametrize("overlay", [Overlay, ChordOverlay])
@pytest.mark.parametrize("crash", [False, True])
def test_a_member_takes_the_place_of_a_founder_that_is_gone(
    overlay: type[Overlay], crash: bool
) -> None:
    """A newcomer finds it; the group's next packets are those of the new source."""
    session = grown(1, overlay)
    session.run(2 * SECOND)
    founder, core = session.source
    last = core.sent
    if crash:
        session.overlay.crash(founder)
    else:
        session.overlay.call(founder, lambda now: core.leave())
    session.send = lambda payload=b"": core.sent  # type: ignore[method-assign]
    session.run(LIFETIME + SECOND)
    _, newcomer = session.add()
    session.run(20 * SECOND)
    assert newcomer.phase is Phase.IN_TREE
    (heir,) = [one for one in session.members if one[1].identifier == session.root]
    for number in (last + 1, last + 2):
        session.overlay.call(heir[0], lambda now: heir[1].send(b"", now))
        session.run(2 * SECOND)
        assert heir[1].sent == number
        others = {host.endpoint for host in session.hosts if host is not heir[0]}
        assert session.received(number) == others
    assert session.repeated == 0


def test_a_founder_that_comes_back_has_its_place_again() -> None:
    session = grown(1)
    founder, core = session.source
    session.overlay.call(founder, lambda now: core.leave())
    session.run(LIFETIME + SECOND)
    session.add()
    session.run(20 * SECOND)
    (heir,) = [one for _, one in session.members if one.identifier == session.root]
    session.overlay.call(founder, core.found)
    session.run(2 * LIFETIME)
    assert heir.phase is Phase.IN_TREE
    assert heir.identifier != session.root
    number = session.send()
    session.run(2 * SECOND)
    assert session.received(number) == {host.endpoint for host in session.hosts}


def test_who_has_moved_up_though_the_parent_is_there_goes_again() -> None:
    """All answers of the parent's level are lost, so it seems to be gone."""
    session = grown(1)
    parent, child = next(
        (above, below)
        for above in at_level(session, 1)
        for below in at_level(session, 2)
        if below[1].path[-1] == above[1].identifier
        and len(triggers(session, below[1].path[-1])) <= DEGREE
    )
    session.overlay.lost = lambda origin, target: origin is parent[0] and target is child[0]
    cry = i3_group.encode(Joined(session.root))
    session.overlay.call(
        child[0],
        lambda now: child[1].receive(Packet(child[1].chain[-1], cry), child[0].endpoint, now),
    )
    session.run((ROUNDS + 2) * SECOND)
    assert child[1].identifier == parent[1].identifier
    session.overlay.lost = None
    session.run(40 * SECOND)
    assert child[1].phase is Phase.IN_TREE
    assert child[1].identifier != parent[1].identifier
    assert sorted(reached(session)) == sorted({*reached(session)})


def test_who_is_refused_the_parents_place_stays() -> None:
    """A parent that crashed has its trigger for a lifetime, and leaves no room before."""
    session = grown(1)
    first = session.send()
    full = next(
        one
        for one in at_level(session, 1)
        if one[1].identifier and len(triggers(session, one[1].identifier)) == DEGREE + 1
    )
    others = [one for one in at_level(session, 1) if one is not full]
    children = [m for _, m in session.members if m.path[-1] == full[1].identifier]
    chains = [member.chain for member in children]
    for one in [full, *others]:
        gone(session, one, crash=True)
    session.add()
    session.run(15 * SECOND)
    assert [member.chain for member in children] == chains
    session.members.pop()
    assert losses(session, first, session.source[1].sent - 2) == []


def identifier(number: int) -> Identifier:
    return Identifier(bytes([number]) * 32)


CHAIN = tuple(identifier(number) for number in (1, 2, 5))


def test_the_first_of_those_who_have_joined_there_goes() -> None:
    for beside, is_vain in ((4, True), (5, False), (6, False)):
        probe = ParentProbe(CHAIN, Endpoint(bytes(18)), 0)
        probe.hear(Distance(0, identifier(beside), 0, 0), f_hash(CHAIN[1]))
        assert probe.is_vain is is_vain


def test_what_others_say_is_not_the_parents_answer() -> None:
    probe = ParentProbe(CHAIN, Endpoint(bytes(18)), 0)
    probe.hear(Distance(0, identifier(3), 0, 0), j_hash(CHAIN[0]))
    probe.hear(Distance(0, CHAIN[1], 0, 0), j_hash(CHAIN[2]))
    assert not probe.is_vain
    probe.hear(Distance(0, CHAIN[1], 0, 0), j_hash(CHAIN[0]))
    assert probe.is_vain


def test_cries_go_ever_farther() -> None:
    hops = [reach(failed) for failed in range(100)]
    assert hops[0] < hops[1] < hops[2] < hops[3] == hops[99] == HOP_LIMIT


def test_a_member_acts_on_cries_from_above_it_only() -> None:
    session = grown(1)
    _, member = at_level(session, 2)[0]
    for at in (identifier(9), member.path[-1]):
        assert hear_cry(member, at) == []
    assert len(hear_cry(member, member.path[0])) == 4
    assert hear_cry(member, member.path[0]) == []


def hear_cry(member: Member, at: Identifier) -> list[object]:
    packet = Packet(member.chain[-1], i3_group.encode(Joined(at)))
    return list(member.receive(packet, Endpoint(bytes(18)), 0))


@pytest.mark.parametrize("seed", [*range(12), 59])
def test_a_group_is_right_again_once_all_is_over(seed: int) -> None:
    assert run_schedule(seed) == []
