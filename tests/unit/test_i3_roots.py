"""Several roots: newcomers are shared among them, and one that is gone is not missed (3.2.1)."""

from __future__ import annotations

from collections import Counter

import pytest

from agents.core import SECOND
from agents.i3.actions import Deliver
from agents.i3.config import GroupConfig, RootChoice
from agents.i3.identifiers import EXACT
from agents.i3.member import Member, Phase
from agents.i3.roots import Roots
from agents.i3.server import Server
from agents.wire.i3 import Identifier
from emu.simulator.i3 import Host
from emu.simulator.i3_session import Session
from tests.unit.i3_tree_schedule import gone
from tests.unit.i3_world import grown, reached, triggers

ROOTS, DEGREE, RECEIVERS = 4, 4, 40
LIFETIME = 30 * SECOND
BOTH = pytest.mark.parametrize("choice", RootChoice)


def session(choice: RootChoice, seed: int = 1, roots: int = ROOTS) -> Session:
    made = grown(RECEIVERS, GroupConfig(DEGREE, roots=roots, root_choice=choice), seed)
    made.run(10 * SECOND)
    return made


def roots_of(group: Session) -> list[Member]:
    """The founder, and those that have a number."""
    return [group.source[1], *(m for _, m in group.members if m.root_number is not None)]


def below(group: Session) -> Counter[Identifier]:
    """How many members each of the founder's children has below it."""
    return Counter(member.path[1] for _, member in group.members if len(member.path) > 1)


@BOTH
def test_the_first_receivers_are_roots_and_all_get_each_packet_once(choice: RootChoice) -> None:
    group = session(choice)
    founder, *others = roots_of(group)
    assert [member.root_number for member in others] == [1, 2, 3]
    assert {member.path for member in others} == {(founder.identifier,)}
    everybody = {host.endpoint for host in group.hosts}
    assert sorted(reached(group)) == sorted({*everybody, group.source[0].endpoint})
    number = group.send()
    group.run(3 * SECOND)
    assert group.received(number) == everybody
    assert group.repeated == 0


@BOTH
def test_newcomers_are_shared_among_the_roots(choice: RootChoice) -> None:
    group, alone = session(choice), session(choice, roots=1)
    _, *others = roots_of(group)
    assert {member.identifier for member in others} <= {*below(group)}
    for member in others:
        assert member.identifier is not None
        assert below(group)[member.identifier] >= RECEIVERS // 10
    assert group.source[1].counters["queries"] < alone.source[1].counters["queries"] / 2


@BOTH
def test_a_newcomer_finds_a_place_though_the_founder_is_gone_and_nobody_moves(
    choice: RootChoice,
) -> None:
    group = session(choice)
    places = {member.identifier for _, member in group.members}
    group.overlay.crash(group.source[0])
    group.run(LIFETIME)
    newcomers = [group.add() for _ in range(8)]
    group.run((ROOTS + 4) * SECOND)
    assert {member.phase for _, member in newcomers} == {Phase.IN_TREE}
    assert places == {member.identifier for _, member in group.members[:RECEIVERS]}
    sender = group.members[-1]
    heard: list[bytes] = []

    def note(host: Host, packet: Deliver) -> None:
        if packet.payload == b"still here":
            heard.append(host.endpoint)

    group.overlay.delivered = note
    group.overlay.call(sender[0], lambda now: sender[1].send(b"still here", now))
    group.run(3 * SECOND)
    assert sorted(heard) == sorted(host.endpoint for host in group.hosts if host is not sender[0])


@BOTH
def test_nobody_loses_a_packet_when_a_root_crashes_and_newcomers_take_another(
    choice: RootChoice,
) -> None:
    group = session(choice)
    (dead,) = [one for one in group.members if one[1].root_number == 2]
    first = group.send()
    gone(group, dead, crash=True)
    before = {host.endpoint for host in group.hosts}
    newcomers = [group.add() for _ in range(8)]
    group.run((ROOTS + 4) * SECOND)
    assert {member.phase for _, member in newcomers} == {Phase.IN_TREE}
    group.run(2 * LIFETIME)
    for number in range(first, group.source[1].sent - 3):
        assert before <= group.received(number)


def test_the_place_of_a_root_that_is_gone_in_the_anycast_group_is_anothers() -> None:
    group = session(RootChoice.ANYCAST)
    (dead,) = [one for one in group.members if one[1].root_number == 2]
    roots = Roots(group.root, group.overlay.group)
    server = group.overlay.server_of(roots.of(2)).core
    assert isinstance(server, Server)
    assert server.triggers.match(roots.of(2)) == (dead[0].endpoint,)
    gone(group, dead, crash=True)
    group.run(LIFETIME + SECOND)
    (instead,) = server.triggers.match(roots.of(2))
    assert instead in {host.endpoint for host, m in group.members if m.root_number == 3}


def test_who_is_to_be_a_root_and_finds_the_founder_full_is_a_member_like_others() -> None:
    group = grown(3, GroupConfig(degree=3, roots=2))
    group.run(10 * SECOND)
    gone(group, group.members[0], crash=False)
    group.add()
    group.run(10 * SECOND)
    host, member = group.overlay.add_member(group.root, group.source[0].node)
    member.root_number = 1
    group.members.append((host, member))
    group.overlay.call(host, member.join)
    group.run(10 * SECOND)
    assert member.phase is Phase.IN_TREE
    assert len(member.path) == 2
    assert not triggers(group, Roots(group.root, group.overlay.group).of(1))


def test_with_one_root_nothing_is_asked_but_the_sets_above_it() -> None:
    roots = Roots(Identifier(bytes(32)), GroupConfig())
    assert not roots.are_several
    assert not roots.is_asked_at(Identifier(b"x" * 32))


def test_roots_of_an_anycast_group_are_as_far_apart_as_can_be() -> None:
    root = Identifier(b"r" * 32)
    roots = Roots(root, GroupConfig(roots=4, root_choice=RootChoice.ANYCAST))
    assert [roots.of(number)[EXACT] for number in range(4)] == [0, 0x40, 0x80, 0xC0]
    assert len({roots.of(number)[:EXACT] for number in range(4)}) == 1
