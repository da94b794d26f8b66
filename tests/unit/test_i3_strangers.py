"""Strangers on i3: what they send gets them nothing, harms nobody, and is counted."""

from __future__ import annotations

from random import Random

import pytest

from agents.core import SECOND
from agents.i3.actions import SendDatagram
from agents.i3.config import GroupConfig, Recovery
from agents.i3.identifiers import chained, f_hash, j_hash
from agents.i3.member import MAXIMUM_ANSWERS
from agents.i3.server import Server
from agents.wire import i3_group
from agents.wire.errors import MalformedPacket
from agents.wire.i3 import (
    Challenge,
    Endpoint,
    Identifier,
    Insert,
    Message,
    Packet,
    Remove,
    decode,
    encode,
)
from agents.wire.i3_group import QueryDistance, RepairRequest
from emu.simulator.i3 import Host
from emu.simulator.i3_session import Session
from tests.unit.i3_world import grown

STRANGER, VICTIM = (Endpoint(bytes([n]) * 18) for n in (0xFE, 0xFD))


@pytest.fixture
def session() -> Session:
    session = grown(20, GroupConfig(degree=3, recovery=Recovery.LEAST_LOSS))
    session.run(20 * SECOND)
    return session


def say(session: Session, message: Message, host: Host | None = None) -> list[SendDatagram]:
    """Have a host, or the root's server, get it from the stranger; what it sends on."""
    host = host or session.overlay.server_of(session.root)
    actions = host.core.receive(message, STRANGER, session.engine.now + host.skew)
    session.overlay._apply(host, actions)
    return [action for action in actions if isinstance(action, SendDatagram)]


def server_at_root(session: Session) -> Server:
    server = session.overlay.server_of(session.root).core
    assert isinstance(server, Server)
    return server


def assert_well(session: Session) -> None:
    """Every member gets the next packets, and each once."""
    session.run(2 * SECOND)
    numbers = [session.send() for _ in range(3)]
    session.run(5 * SECOND)
    for number in numbers:
        assert session.received(number) == {host.endpoint for host in session.hosts}
    assert session.repeated == 0


def test_a_flood_of_triggers_is_bounded_and_takes_nothing_from_others(session):
    server = server_at_root(session)
    before = len(server.triggers)
    for number in range(2000):
        target = chained(session.root, number.to_bytes(8, "big"), bytes(8))
        other = Identifier(session.root[:8] + bytes(16) + number.to_bytes(8, "big"))
        (answer,) = say(session, Insert(other, STRANGER))
        token = answer.message.token if isinstance(answer.message, Challenge) else b""
        say(session, Insert(other, STRANGER, token))
        say(session, Insert(session.root, target, token))
    assert len(server.triggers) <= before + 256
    assert server.refused["server full"] >= 2000 - 256
    assert_well(session)


def test_forged_refreshes_keep_nothing_alive(session):
    """A member crashes: whatever a stranger says, the triggers to it are gone after a lifetime."""
    host, member = session.members.pop()
    session.overlay.crash(host)
    own = member.identifier
    server = session.overlay.server_of(own)
    for _ in range(31):
        say(session, Insert(own, host.endpoint, bytes([7]) * 16), server)
        say(session, Insert(own, host.endpoint), server)
        say(session, Remove(own, host.endpoint, bytes([7]) * 16), server)
        session.run(SECOND)
    assert server.core.triggers.at(own) == ()
    assert server.core.refused["not proven"] == 2 * 31
    assert_well(session)


def test_a_victim_gets_challenges_no_larger_than_what_was_sent_and_no_packets(session):
    request = Insert(session.root, VICTIM)
    (answer,) = say(session, request)
    assert (type(answer.message), answer.destination) == (Challenge, VICTIM)
    assert len(encode(answer.message)) <= len(encode(request))
    (packet_to_root,) = {Packet(session.root, b"x")}
    assert VICTIM not in {action.destination for action in say(session, packet_to_root)}
    assert_well(session)


def test_members_answer_a_victim_a_few_times_only(session):
    """Who asks names to whom the answers go."""
    answers = []
    session.overlay.hosts[VICTIM] = victim = Host(VICTIM, session.source[0].node, _Silent(answers))
    for number in range(500):
        question = i3_group.encode(QueryDistance(number, VICTIM))
        for identifier in (j_hash(session.root), f_hash(session.root)):
            say(session, Packet(identifier, question), session.overlay.server_of(identifier))
    session.run(2 * SECOND)
    asked = [member for _, member in session.members if len(member.path) == 1]
    assert 0 < len(answers) <= MAXIMUM_ANSWERS * len(asked)
    assert sum(member.refused["too many questions"] for member in asked) > 0
    assert session.overlay.hosts.pop(VICTIM) is victim
    assert_well(session)


def test_a_member_sends_a_victim_no_more_repairs_than_it_keeps_packets(session):
    host, member = session.members[0]
    number = session.source[1].sent
    session.run(2 * SECOND)
    request = Packet(session.root, i3_group.encode(RepairRequest(0, number, VICTIM)))
    repairs = [action for _ in range(1000) for action in say(session, request, host)]
    assert len(repairs) == GroupConfig().kept_packets
    assert member.repairs.counters.refused == 1000 - len(repairs)
    session.run(10 * SECOND)
    assert len(say(session, request, host)) == 1
    assert_well(session)


@pytest.mark.parametrize("seed", range(3))
def test_mutated_messages_harm_nobody(session, seed):
    """Octets of real messages are changed, and reach their destinations from a stranger."""
    random, kept = Random(seed), []
    session.overlay.sent = lambda message, host: kept.append((message, host))
    session.run(12 * SECOND)
    session.overlay.sent = None
    malformed = 0
    for message, host in random.choices(kept, k=1000):
        octets = bytearray(encode(message))
        for _ in range(random.randint(1, 4)):
            octets[random.randrange(len(octets))] = random.randrange(256)
        octets = octets[: random.choice([len(octets), random.randint(0, len(octets))])]
        try:
            mutated = decode(bytes(octets))
        except MalformedPacket:
            malformed += 1
        else:
            say(session, mutated, host)
    assert malformed
    session.run(60 * SECOND)
    assert_well(session)


class _Silent:
    """A core that keeps what it gets."""

    def __init__(self, got: list[Message]) -> None:
        self._got = got

    def receive(self, message: Message, source: Endpoint, now: int) -> list[SendDatagram]:
        self._got.append(message)
        return []

    def timer(self, now: int) -> list[SendDatagram]:
        return []

    def next_deadline(self) -> None:
        return None
