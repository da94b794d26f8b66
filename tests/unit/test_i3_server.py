"""One i3 server: forwarding along chains, and whom it believes."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from agents.core import SECOND
from agents.i3.actions import SendDatagram
from agents.i3.config import ServerConfig
from agents.i3.identifiers import chained, may_chain
from agents.i3.ring import Ring
from agents.i3.server import Server
from agents.i3.tokens import EPOCH
from agents.wire.i3 import (
    HOP_LIMIT,
    Accepted,
    Challenge,
    Endpoint,
    Identifier,
    Insert,
    Packet,
    Reason,
    Refused,
    Remove,
)

HERE, THERE, HOST, OTHER = (Endpoint(bytes([n]) * 18) for n in range(1, 5))
LOW = Identifier(b"\x10" + bytes(31))
"""This server has it; the other server has those above the middle."""
RING = Ring({1 << 63: HERE, (1 << 64) - 1: THERE})


def server() -> Server:
    return Server(HERE, RING, b"secret", ServerConfig(triggers_per_identifier=3))


def below(upper: Identifier, first: int = 0x11) -> Identifier:
    return chained(upper, bytes([first]) * 8, bytes(8))


def insert(core: Server, identifier: Identifier, target, source: Endpoint = HOST, now: int = 0):
    """Ask, answer the challenge, and say what came of it."""
    (challenge,) = core.receive(Insert(identifier, target), source, now)
    assert isinstance(challenge.message, Challenge)
    request = Insert(identifier, target, challenge.message.token)
    (answer,) = core.receive(request, source, now)
    return answer.message


def test_a_packet_follows_a_chain_of_triggers_to_the_hosts():
    core, middle = server(), below(LOW)
    assert insert(core, LOW, middle) == Accepted(LOW, middle, 30)
    insert(core, middle, HOST)
    insert(core, middle, OTHER, OTHER)
    sent = core.receive(Packet(LOW, b"data"), HOST, 0)
    packet = Packet(middle, b"data", HOP_LIMIT - 1)
    assert sent == [SendDatagram(packet, HOST), SendDatagram(packet, OTHER)]


def test_a_chain_goes_on_at_the_server_that_has_the_next_identifier():
    core, far = server(), below(LOW, 0xF0)
    insert(core, LOW, far)
    (sent,) = core.receive(Packet(LOW, b"data"), HOST, 0)
    assert sent == SendDatagram(Packet(far, b"data", HOP_LIMIT - 2), THERE)


def test_a_packet_without_a_trigger_is_counted_and_dropped():
    core = server()
    assert core.receive(Packet(LOW, b""), HOST, 0) == []
    assert core.refused == {"no trigger": 1}


def test_a_trigger_counts_once_its_endpoint_has_answered():
    """Nobody has packets sent to another: the challenge goes to whom the trigger points to."""
    core = server()
    (challenge,) = core.receive(Insert(LOW, OTHER), HOST, 0)
    assert challenge.destination == OTHER
    assert core.receive(Packet(LOW, b""), HOST, 0) == []
    assert core.receive(Insert(LOW, OTHER, b"?" * 16), HOST, 0)[0].destination == OTHER
    core.receive(Insert(LOW, OTHER, challenge.message.token), OTHER, 0)
    assert core.receive(Packet(LOW, b""), HOST, 0)[0].destination == OTHER


def test_a_token_is_one_endpoints_and_for_a_time():
    core = server()
    (challenge,) = core.receive(Insert(LOW, HOST), HOST, 0)
    token = challenge.message.token
    assert isinstance(core.receive(Insert(LOW, OTHER, token), HOST, 0)[0].message, Challenge)
    later = core.receive(Insert(LOW, HOST, token), HOST, 2 * EPOCH)
    assert isinstance(later[0].message, Challenge)


def test_triggers_cannot_be_a_loop():
    core, middle = server(), below(LOW)
    insert(core, LOW, middle)
    assert insert(core, middle, LOW) == Refused(middle, LOW, Reason.UNCONSTRAINED)
    assert insert(core, LOW, LOW) == Refused(LOW, LOW, Reason.UNCONSTRAINED)
    assert core.refused["unconstrained"] == 2


@given(st.integers(0, 2**32), st.integers(2, 6))
def test_no_chain_of_derived_identifiers_leads_back(seed, length):
    random = Random(seed)
    chain = [Identifier(random.randbytes(32))]
    while len(chain) < length:
        chain.append(chained(chain[-1], random.randbytes(8), random.randbytes(8)))
        assert may_chain(chain[-2], chain[-1])
    assert not any(may_chain(chain[-1], earlier) for earlier in chain)


def test_a_full_identifier_says_so():
    core = server()
    for number in range(3):
        who = Endpoint(bytes([100 + number]) * 18)
        assert isinstance(insert(core, LOW, who, who), Accepted)
    assert insert(core, LOW, HOST) == Refused(LOW, HOST, Reason.IDENTIFIER_FULL)


def test_only_the_owner_removes():
    core, middle = server(), below(LOW)
    insert(core, LOW, middle, HOST)
    stranger = core.receive(Remove(LOW, middle), OTHER, 0)[0].message.token
    core.receive(Remove(LOW, middle, stranger), OTHER, 0)
    assert core.refused["not the owner"] == 1
    assert core.triggers.at(LOW) == (middle,)
    owner = core.receive(Remove(LOW, middle), HOST, 0)[0].message.token
    core.receive(Remove(LOW, middle, owner), HOST, 0)
    assert core.triggers.at(LOW) == ()


def test_triggers_expire():
    core = server()
    insert(core, LOW, HOST)
    assert core.next_deadline() == 30 * SECOND
    core.timer(30 * SECOND)
    assert core.next_deadline() is None
    assert core.receive(Packet(LOW, b""), HOST, 30 * SECOND) == []


def test_another_servers_triggers_are_not_taken():
    core = server()
    high = Identifier(b"\xf0" + bytes(31))
    refusal = Refused(high, HOST, Reason.ELSEWHERE)
    assert core.receive(Insert(high, HOST), HOST, 0) == [SendDatagram(refusal, HOST)]
    assert core.refused == {"elsewhere": 1}


def test_a_packet_ends_at_its_hop_limit():
    core, middle = server(), below(LOW)
    insert(core, LOW, middle)
    insert(core, middle, HOST)
    assert core.receive(Packet(LOW, b"", hops=1), HOST, 0) == []
    high = Identifier(b"\xf0" + bytes(31))
    assert core.receive(Packet(high, b"", hops=1), HOST, 0) == []
    assert core.refused == {"hop limit": 2}


def test_what_is_not_for_a_server_is_counted():
    core = server()
    assert core.receive(Accepted(LOW, HOST, 30), HOST, 0) == []
    assert core.refused == {"not for a server": 1}
