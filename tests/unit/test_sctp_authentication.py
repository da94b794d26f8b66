"""SCTP under a key (RFC 4895): whoever has not got it changes nothing, and nothing comes twice."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from agents.core import MILLISECOND, SECOND
from agents.sctp.actions import Deliver, SendPacket
from agents.wire import sctp, sctp_authentication, sctp_chunks
from agents.wire.sctp import Packet
from agents.wire.sctp_chunks import (
    Abort,
    Authentication,
    CookieEcho,
    Data,
    Heartbeat,
    Init,
    Sack,
    Shutdown,
    ShutdownAck,
    ShutdownComplete,
)
from tests.unit.sctp_net import PORT, A, B, Net

KEY = b"correct horse battery staple"
PLAIN = (Init, sctp_chunks.InitAck)


def under_key(**options):
    return Net(keys=(KEY, KEY), **options)


def established():
    net = under_key()
    net.send(A, B, b"hello")
    net.run()
    tag = next(p.tag for at, p in net.packets if at == A and p.tag)
    return net, net.ends[B], tag


def delivered(actions):
    return [action.message for action in actions if isinstance(action, Deliver)]


def received(core, packet, now=SECOND):
    """What a core makes of a packet that comes over the wire."""
    return core.receive(sctp.decode(sctp.encode(packet)), A, now)


@pytest.mark.parametrize("seed", range(60))
def test_messages_arrive_once(seed):
    random = Random(seed)
    loss = random.choice((0, 0.1, 0.3))
    net = under_key(seed=seed, loss=loss, copies=0.2, spread=40 * MILLISECOND)
    messages = [bytes((number,)) * random.choice((1, 100, 900)) for number in range(20)]
    for message in messages:
        net.send(A, B, message)
        net.send(B, A, message)
    net.run()
    assert {at: sorted(got) for at, got in net.got.items()} == {A: messages, B: messages}
    assert [end.unauthentic for end in net.ends.values()] == [0, 0]
    for _, packet in net.packets:
        assert isinstance(packet.chunks[0], (*PLAIN, Authentication))


def test_every_association_has_a_key_of_its_own():
    net, again = under_key(), under_key(seed=1)
    for one in (net, again):
        one.send(A, B, b"hello")
        one.run()
    greetings = [p.chunks[0].key_vector for n in (net, again) for _, p in n.packets[:2]]
    assert len(set(greetings)) == 4


@pytest.mark.parametrize("keys", [(KEY, b"another key"), (KEY, None), (None, KEY)])
def test_who_has_another_key_or_none_is_no_peer(keys):
    net = Net(keys=keys)
    net.send(A, B, b"hello")
    net.send(B, A, b"hello")
    net.run()
    assert net.got == {A: [], B: []}
    assert net.ends[A].unauthentic or net.ends[B].unauthentic


@pytest.mark.parametrize(
    "chunk",
    [Data(1, 0, b"x"), Abort(), Abort(reflected=True), Sack(5, 0), Shutdown(1), ShutdownAck(),
     Heartbeat(b"hi"), CookieEcho(b"forged")],
)  # fmt: skip
@pytest.mark.parametrize("sealed", [False, True])
def test_what_is_not_sealed_with_the_key_changes_nothing(chunk, sealed):
    _, core, tag = established()
    packet = Packet(PORT, PORT, tag, (chunk,))
    if sealed:
        packet = sctp_authentication.seal(packet, sctp_authentication.Key(KEY, 3))
    assert received(core, packet) == []
    assert core.established() == [A]
    assert core.unauthentic == 1


def test_a_shutdown_complete_that_nobody_waits_for_changes_nothing():
    _, core, tag = established()
    assert received(core, Packet(PORT, PORT, tag, (ShutdownComplete(),))) == []
    assert core.established() == [A]


def test_a_changed_message_is_dropped():
    net, core, _ = established()
    net.loss = 1.0  # it is intercepted
    net.send(A, B, b"second")
    at, packet = net.packets[-1]
    assert at == A
    signature, data = packet.chunks
    for chunks in (
        (signature, replace(data, payload=b"forged")),
        (replace(signature, code=bytes(32)), data),
        (replace(signature, algorithm=1), data),
        (replace(signature, key=0), data),
        (data, signature),
    ):
        assert received(core, replace(packet, chunks=chunks)) == []
    assert core.unauthentic == 5
    assert delivered(received(core, packet)) == [b"second"]


def test_an_association_is_not_begun_anew_without_the_key():
    _, core, _ = established()
    vector = sctp_authentication.key_vector(bytes(32))
    (answer,) = received(core, Packet(PORT, PORT, 0, (Init(1, 65536, 1, vector),)))
    cookie = answer.packet.chunks[0].cookie
    echo = Packet(PORT, PORT, answer.packet.chunks[0].tag, (CookieEcho(cookie), Data(1, 0, b"x")))
    assert received(core, echo) == []
    assert core.established() == [A]
    assert core.unauthentic == 1


@pytest.mark.parametrize("ended", [False, True])
def test_what_was_recorded_is_not_believed_again(ended):
    """Not even when the association is over, while its cookie would still do."""
    net = under_key()
    core = net.ends[B]
    for message in (b"first", b"second"):
        net.send(A, B, message)
        net.run_for(SECOND)
    if ended:
        net.do(A, net.ends[A].shutdown(net.engine.now))
        net.run_for(SECOND)
        assert core.established() == []
    recorded = [packet for at, packet in net.packets if at == A]
    answers = [received(core, packet, net.engine.now) for packet in recorded * 2]
    assert [delivered(actions) for actions in answers] == [[]] * len(answers)
    assert core.established() == ([] if ended else [A])
    assert bool(core.unauthentic) is ended


def test_who_starts_anew_is_heard():
    net = under_key()
    net.send(A, B, b"before")
    net.run()
    net.ends[A] = net.endpoint(A, 77)
    net.do(A, net.ends[A].connect(B, net.engine.now))
    net.run()
    net.send(B, A, b"after")
    net.run()
    assert net.got == {A: [b"after"], B: [b"before"]}


def test_of_no_association_nothing_is_said_under_a_key():
    net, core, tag = established()
    fresh = net.endpoint(B, 5)
    assert received(fresh, Packet(PORT, PORT, tag, (Data(1, 0, b"x"),))) == []
    assert fresh.dropped == 1
    assert not any(isinstance(a, SendPacket) for a in received(core, Packet(PORT, PORT, 9, ())))


def test_a_reflected_greeting_is_none():
    net = under_key()
    ((init,),) = [net.ends[A].connect(B, 0)]
    assert net.ends[A].receive(init.packet, B, 0) == []
    assert net.ends[A].unauthentic == 1
