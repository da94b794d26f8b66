"""Servers on a Chord ring: they find their places, and let nobody else tell them anything."""

from __future__ import annotations

import math
from random import Random

import pytest

from agents.core import SECOND
from agents.i3.asking import RETRY, TRIES
from agents.i3.chord import LEAVING_TIME, PERIOD
from agents.i3.config import ServerConfig
from agents.i3.positions import position_of
from agents.i3.ring_server import RingServer
from agents.wire import chord
from agents.wire.i3 import HOP_LIMIT, Endpoint, Identifier, Locate, Packet, Responsible, Ring
from tests.unit.ring_schedule import KEY, RingWorld, run_schedule

HOST = Endpoint(b"h" * 18)


def settled(servers: int, seed: int = 1) -> RingWorld:
    world = RingWorld(seed)
    for _ in range(servers):
        world.add()
        world.engine.run(world.engine.now + SECOND)
    world.engine.run(world.engine.now + 60 * SECOND)
    assert world.faults() == []
    return world


@pytest.fixture(scope="module")
def large():
    return settled(100)


@pytest.mark.parametrize("seed", range(40))
def test_a_ring_is_the_right_one_once_faults_end(seed):
    """Up to 12 servers join, leave and crash for a minute while up to 30 % is lost."""
    assert run_schedule(seed) == []


@pytest.mark.parametrize("seed", range(3))
def test_a_larger_ring_is_the_right_one_once_faults_end(seed):
    assert run_schedule(seed, most=40) == []


def test_an_identifier_is_found_in_a_number_of_hops_that_is_logarithmic(large):
    random, hops = Random(1), []
    for start in large.servers:
        identifier, at, count = Identifier(random.randbytes(32)), start, 0
        while (onward := large.servers[at].routes.next_hop(identifier)) != at:
            at, count = onward, count + 1
        hops.append(count)
    assert sum(hops) / len(hops) < math.log2(100) / 2 + 1
    assert max(hops) <= math.log2(100) + 1


def test_a_server_alone_has_everything():
    world = settled(1)
    (server,) = world.servers.values()
    (sent,) = server.receive(Locate(7, 12345), HOST, 0)
    assert sent.destination == HOST
    assert sent.message.nonce == 7
    assert sent.message.after == sent.message.up_to


def test_a_question_of_a_host_is_answered_by_whose_the_position_is(large):
    place = 12345
    at = next(one for one in sorted(large.servers) if not large.servers[one].chord.has(place))
    actions = large.servers[at].receive(Locate(7, place), HOST, large.engine.now)
    for _ in range(HOP_LIMIT):
        ((message, to),) = [(one.message, one.destination) for one in actions]
        if to == HOST:
            break
        actions = large.servers[to].receive(message, at, large.engine.now)
        at = to
    owner = min(large.servers, key=lambda one: (position_of(one) - place) % 2**64)
    assert isinstance(message, Responsible)
    assert (at, message.up_to) == (owner, position_of(owner))
    assert large.servers[owner].chord.range == (message.after, message.up_to)


def test_a_chain_of_triggers_goes_on_in_one_hop_once_its_server_is_known(large):
    start = sorted(large.servers)[0]
    routes = large.servers[start].routes
    random = Random(2)
    wanted = [Identifier(random.randbytes(32)) for _ in range(20)]
    first = [routes.server_of(identifier) for identifier in wanted]
    large.apply(start, [])
    large.engine.run(large.engine.now + 3 * SECOND)
    second = [routes.server_of(identifier) for identifier in wanted]
    owners = [
        one for i in wanted for one, it in large.servers.items() if it.routes.next_hop(i) == one
    ]
    assert second == owners
    assert first != owners


def test_packets_do_not_go_to_and_fro_between_servers_of_which_one_is_mistaken():
    """A server takes another one for whose an identifier is, as it was while the ring grew."""
    world = settled(8)
    ring = sorted(world.servers, key=position_of)
    mistaken, taken, owner = world.servers[ring[0]], ring[3], ring[5]
    place = position_of(owner) - 1
    mistaken.routes._ranges.learn(place - 1, place, taken, world.engine.now)
    identifier = Identifier(place.to_bytes(8, "big") + bytes(24))
    assert mistaken.routes.next_hop(identifier) == taken
    # What is passed on from there comes back here.
    back = Packet(identifier, b"", HOP_LIMIT - 1)
    (sent,) = mistaken.receive(back, taken, world.engine.now)
    assert sent.destination != taken
    at, hops = sent.destination, 1
    while (onward := world.servers[at].routes.next_hop(identifier)) != at:
        at, hops = onward, hops + 1
    assert at == owner
    assert hops <= 3


def test_what_strangers_send_starts_no_lookups(large):
    start = sorted(large.servers)[0]
    server, random = large.servers[start], Random(3)
    before = server.next_deadline()
    for _ in range(50):
        identifier = Identifier(random.randbytes(32))
        assert len(server.receive(Packet(identifier, b""), HOST, large.engine.now)) <= 1
    assert server.next_deadline() == before


def test_a_server_that_joins_is_its_predecessors_successor_at_the_next_look():
    world = settled(10)
    who = world.add()
    world.engine.run(world.engine.now + PERIOD + SECOND)
    place = position_of(who)
    before = max(world.servers, key=lambda one: (position_of(one) - place) % 2**64)
    assert world.servers[before].chord.neighbours.successors[0] == who


@pytest.mark.parametrize("seed", range(5))
def test_nothing_goes_round_while_a_server_joins(seed):
    """What its predecessor, who does not know yet, sends to its successor goes on to it."""
    world = settled(10, seed)
    who = world.add()
    identifier = Identifier(position_of(who).to_bytes(8, "big") + bytes(24))
    for _ in range(40):
        world.engine.run(world.engine.now + SECOND // 10)
        for at in sorted(world.servers):
            hops = 0
            while (onward := world.servers[at].routes.next_hop(identifier)) != at and hops < 10:
                at, hops = onward, hops + 1
            assert hops < 5


def test_who_leaves_is_missed_by_nobody():
    """When it is gone, its neighbours have each other already."""
    world = settled(10)
    who = sorted(world.servers)[3]
    world.leave(who)
    world.engine.run(world.engine.now + LEAVING_TIME)
    assert who not in world.servers
    assert world.faults() == []


def test_the_successor_of_a_server_that_crashed_has_its_identifiers():
    world = settled(10)
    who = sorted(world.servers)[3]
    place = position_of(who)
    world.crash(who)
    world.engine.run(world.engine.now + 2 * TRIES * RETRY + 4 * SECOND)
    assert [server.chord.has(place) for server in world.servers.values()].count(True) == 1
    world.engine.run(world.engine.now + 16 * SECOND)
    assert world.faults() == []


def test_a_server_that_lost_all_behind_it_has_them_again_by_the_one_before():
    world = settled(2)
    for server in world.servers.values():
        server.chord.neighbours.successors = []
        server.chord.neighbours._acquaintances.clear()
        server.chord.known.clear()
    world.engine.run(world.engine.now + PERIOD + SECOND)
    assert world.faults() == []


@pytest.mark.parametrize("seed", range(3))
def test_two_rings_become_one_when_they_reach_each_other_again(seed):
    """They were apart for so long that neither has anything left of the other in its tables."""
    world = settled(10, seed)
    world.apart = set(world.random.sample(sorted(world.servers), 4))
    world.engine.run(world.engine.now + 120 * SECOND)
    for one in world.apart:
        near = world.servers[one].chord.neighbours
        assert set(near.successors) | {one} == world.apart
    world.apart = set()
    world.engine.run(world.engine.now + 120 * SECOND)
    assert world.faults() == []


# What strangers may try


def pair() -> tuple[RingServer, Endpoint, Endpoint]:
    """A server that is alone, where it is, and another one's endpoint."""
    here, there = Endpoint(b"1" * 18), Endpoint(b"2" * 18)
    server = RingServer(here, KEY, [], b"secret", Random(1), ServerConfig())
    server.chord.start(0)
    return server, here, there


def ring(message: chord.Message, source: Endpoint, to: Endpoint, key: bytes = KEY) -> Ring:
    return Ring(chord.seal(message, key, source, to))


def test_what_has_no_seal_is_counted_and_dropped():
    server, here, there = pair()
    for forged in (Ring(b""), Ring(b"?" * 60), ring(chord.Ask(1, 2, True), there, here, b"guess")):
        assert server.receive(forged, there, 0) == []
    assert server.refused == {"unauthentic": 3}
    malformed = Ring(b"\x09" + chord._seal(b"\x09", KEY, there, here))
    assert server.receive(malformed, there, 0) == []
    assert server.refused["malformed"] == 1


def test_a_question_that_was_recorded_makes_nobody_a_predecessor():
    """The server itself asks who claims to be one, and believes the answer to that."""
    server, here, there = pair()
    recorded = ring(chord.Ask(1, 2, True), there, here)
    answer, question = server.receive(recorded, there, 0)
    assert answer.destination == question.destination == there
    for _ in range(20):
        (repeated,) = server.receive(recorded, there, 0)
        assert repeated == answer
    assert server.chord.neighbours.predecessor is None
    asked = chord.unseal(question.message.octets, KEY, here, there)
    server.receive(ring(chord.Answer(asked.nonce, False, None, (), ()), there, here), there, 0)
    assert server.chord.neighbours.predecessor == there


def test_an_answer_that_was_not_asked_for_says_nothing():
    server, here, there = pair()
    answer = chord.Answer(99, False, None, (there,), (there,))
    assert server.receive(ring(answer, there, here), there, 0) == []
    assert server.refused == {"not asked for": 1}
    assert server.chord.neighbours.successors == []


def test_those_who_claim_to_be_the_predecessor_are_asked_a_few_at_a_time():
    server, here, _ = pair()
    asked = 0
    for number in range(100):
        there = Endpoint(number.to_bytes(18, "big"))
        actions = server.receive(ring(chord.Ask(1, 2, True), there, here), there, 0)
        asked += len(actions) - 1
    assert asked == 4


def test_a_question_on_its_way_ends_at_its_hop_limit(large):
    start = sorted(large.servers)[0]
    server = large.servers[start]
    other = Endpoint(b"2" * 18)
    place = (server.chord.neighbours.place + 1) % 2**64
    for hops, onward in ((1, 1), (0, 0)):
        seek = ring(chord.Seek(1, place, HOST, hops), other, start)
        sent = server.receive(seek, other, large.engine.now)
        assert len(sent) == onward
    assert server.refused["hop limit"] == 1


def test_seven_servers_in_a_row_that_crash_together_are_bridged_by_the_successor_list():
    world = settled(12)
    ring = sorted(world.servers, key=position_of)
    for who in ring[3:10]:
        world.crash(who)
    world.engine.run(world.engine.now + 40 * SECOND)
    assert world.faults() == []
    assert world.servers[ring[2]].chord.neighbours.successors[0] == ring[10]
