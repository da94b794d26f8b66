"""Multicast trees of triggers that end hosts build and keep, in virtual time."""

from __future__ import annotations

from random import Random

import pytest

from agents.core import SECOND
from agents.i3.config import GroupConfig, Recovery, Refresh, ServerConfig
from agents.i3.keeping import RETRY
from agents.i3.member import Phase
from agents.wire import i3_group
from agents.wire.i3 import Insert, Message, Packet
from agents.wire.i3_group import Data
from tests.unit.i3_world import grown, reached, triggers

HOUR = 3600 * SECOND
LIFETIME = ServerConfig().lifetime
CONFIG = GroupConfig(degree=4)


@pytest.mark.parametrize("seed", range(3))
def test_every_member_gets_each_packet_once(seed):
    group = grown(60, CONFIG, seed)
    group.run(20 * SECOND)
    everybody = {host.endpoint for host, _ in group.members}
    assert len(group.in_tree) == 60
    assert sorted(reached(group)) == sorted(everybody | {group.source[0].endpoint})
    number = group.send()
    group.run(3 * SECOND)
    assert group.received(number) == everybody
    assert group.repeated == 0


def test_no_identifier_has_more_children_than_the_degree():
    group = grown(60, CONFIG)
    group.run(20 * SECOND)
    owners = [group.source[1], *(member for _, member in group.members)]
    children = [len(triggers(group, member.identifier)) - 1 for member in owners]
    assert max(children) == CONFIG.degree
    assert sum(children) == 60


def test_clocks_that_are_hours_apart_make_the_same_tree():
    """Only differences between local time stamps are compared (section 3.2.1)."""
    right, wrong = grown(60, CONFIG), grown(60, CONFIG, skew=5 * HOUR)
    assert [member.path for _, member in right.members] == [
        member.path for _, member in wrong.members
    ]
    assert len({len(member.path) for _, member in right.members}) > 1


def test_a_distance_is_the_delay_from_the_source_by_the_tree():
    group = grown(30, CONFIG, skew=HOUR)
    group.run(10 * SECOND)
    number, sent = group.send(), group.engine.now
    group.run(2 * SECOND)
    for host, member in group.members:
        skew = host.skew - group.source[0].skew
        assert member.source_distance - skew == group.got[host.endpoint][number] - sent


@pytest.mark.parametrize("refresh", Refresh)
def test_a_tree_outlives_the_lifetime_of_its_triggers(refresh):
    group = grown(40, GroupConfig(degree=4, refresh=refresh))
    group.run(120 * SECOND)
    number = group.send()
    group.run(2 * SECOND)
    assert len(group.received(number)) == 40


@pytest.mark.parametrize("refresh", [Refresh.UNIFORM, Refresh.LEVEL])
@pytest.mark.parametrize("factor", [1, 3])
def test_with_a_factor_of_3_a_tree_outlives_two_periods_without_a_refresh(factor, refresh):
    """Section 4: "To accommodate message losses we decrease the timer intervals by a factor k"."""
    period = LIFETIME // factor
    group = grown(40, GroupConfig(degree=4, refresh=refresh, refresh_period=period))
    group.run(LIFETIME)
    under_way: list[Message] = []
    group.overlay.sent = lambda message, host: under_way.append(message)
    group.overlay.lost = lambda origin, target: isinstance(under_way.pop(), Insert)
    group.run(2 * LIFETIME // 3 - 2 * RETRY)
    everybody = {host.endpoint for host, _ in group.members} | {group.source[0].endpoint}
    assert (set(reached(group)) == everybody) == (factor == 3)
    group.overlay.lost = None
    group.run(2 * RETRY)
    assert factor == 1 or sorted(reached(group)) == sorted(everybody)


@pytest.mark.parametrize("refresh", [Refresh.UNIFORM, Refresh.LEVEL])
def test_members_below_a_trigger_leave_its_refreshes_to_one_another(refresh):
    """A trigger is refreshed about once or twice a period, however many are below (section 4)."""
    naive = grown(40, GroupConfig(degree=4, refresh=Refresh.NAIVE))
    told = grown(40, GroupConfig(degree=4, refresh=refresh))
    counts = []
    for group in (naive, told):
        group.run(60 * SECOND)
        before = group.overlay.messages[Insert]
        group.run(60 * SECOND)
        counts.append(group.overlay.messages[Insert] - before)
    assert counts[1] < counts[0] * 0.75


def test_what_a_member_has_put_there_is_gone_soon_after_it_left():
    group = grown(10, CONFIG)
    group.run(10 * SECOND)
    host, member = group.members[-1]
    group.overlay.call(host, lambda now: member.leave())
    group.run(35 * SECOND)
    servers = [server.core for server in group.overlay.servers]
    assert member.phase is Phase.OUT
    assert host.endpoint not in reached(group)
    assert not any(host.endpoint in server.triggers.owners for server in servers)


def test_those_below_a_member_that_crashed_lose_nothing():
    """Their packets go by the infrastructure, not by the member."""
    group = grown(60, CONFIG)
    group.run(20 * SECOND)
    used = {identifier for _, member in group.members for identifier in member.path[1:]}
    host, _ = next(one for one in group.members if one[1].identifier in used)
    group.overlay.crash(host)
    number = group.send()
    group.run(60 * SECOND)
    alive = {other.endpoint for other, _ in group.members} - {host.endpoint}
    for sent in range(number, number + 58):
        assert group.received(sent) == alive


@pytest.mark.parametrize("recovery", [Recovery.LEAST_LOSS, Recovery.RANDOM])
def test_lost_packets_are_repaired(recovery):
    group = grown(40, GroupConfig(degree=4, recovery=recovery))
    group.run(40 * SECOND)
    random = Random(1)
    group.overlay.lost = lambda origin, target: random.random() < 0.03
    first = group.send() + 1
    group.run(60 * SECOND)
    group.overlay.lost = None
    last = group.source[1].sent
    group.run(10 * SECOND)
    everybody = {host.endpoint for host, _ in group.in_tree}
    losses = sum(member.repairs.counters.losses for _, member in group.members)
    assert losses > 100
    missed = sum(len(everybody - group.received(number)) for number in range(first, last))
    assert missed <= losses * 0.02


def test_without_recovery_what_is_lost_stays_lost():
    group = grown(20, CONFIG)
    group.run(20 * SECOND)
    random = Random(1)
    group.overlay.lost = lambda origin, target: random.random() < 0.1
    number = group.send()
    group.run(20 * SECOND)
    assert any(len(group.received(n)) < 20 for n in range(number, number + 19))


def test_several_members_send_and_all_others_get_each_packet_once():
    """Numbers of two sources do not mix, and distances stay those from the founder."""
    session = grown(20, GroupConfig(degree=3))
    session.run(20 * SECOND)
    got = []
    session.overlay.delivered = lambda host, packet: got.append(
        (host.endpoint, packet.source, packet.sequence)
    )
    distances = [member.source_distance for _, member in session.members]
    speakers = [session.source, session.members[3], session.members[7]]
    for _ in (1, 2):
        for host, member in speakers:
            session.overlay.call(host, lambda now, member=member: member.send(b"", now))
            session.run(2 * SECOND)
        sources = {source for _, source, _ in got}
        assert len(sources) == 3
        assert 0 in sources
    everybody = {session.source[0].endpoint, *(host.endpoint for host in session.hosts)}
    for source in sources:
        heard = [(who, number) for who, of, number in got if of == source]
        assert len(heard) == len({*heard})
        assert source == 0 or len(heard) == 2 * (len(everybody) - 1)
    assert [member.source_distance for _, member in session.members] == distances
    assert all(member.repairs.counters.losses == 0 for _, member in session.members)


def test_sources_of_strangers_leave_room_for_the_founder():
    """What a stranger sends as ever more sources takes none of the founder's packets away."""
    session = grown(5, GroupConfig(degree=3))
    server, stranger = session.overlay.server_of(session.root), session.source[0].endpoint
    for number in range(1, 100):
        packet = Packet(session.root, i3_group.encode(Data(number, 1, 0)))
        session.overlay._apply(server, server.core.receive(packet, stranger, 0))
    session.run(2 * SECOND)
    session.add()
    session.run(20 * SECOND)
    number = session.send()
    session.run(2 * SECOND)
    assert session.received(number) == {host.endpoint for host in session.hosts}
