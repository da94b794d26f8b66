"""SCTP messages arrive once and in order, whatever the network does, once both ends agree."""

from functools import partial
from random import Random

import pytest

from agents.core import MILLISECOND, SECOND
from agents.sctp.actions import Deliver, SendPacket
from agents.sctp.association import RTO_INITIAL
from agents.sctp.cookie import LIFETIME, Cookie, open_cookie
from agents.wire.sctp import Packet
from agents.wire.sctp_chunks import Abort, CookieEcho, Data, Heartbeat, HeartbeatAck, Init, Sack
from tests.unit.sctp_net import PORT, STRANGER, A, B, Net, kinds


def test_an_association_takes_four_packets_and_a_message_rides_along():
    net = Net()
    net.send(A, B, b"hello")
    net.run()
    assert kinds(net) == ["Init", "InitAck", "CookieEcho", "Data", "CookieAck", "Sack"]
    assert net.got[B] == [b"hello"]
    assert net.last == 20 * MILLISECOND


def test_then_a_message_takes_half_a_round_trip():
    net = Net()
    net.send(A, B, b"first")
    net.run()
    net.packets.clear()
    net.send(B, A, b"second")
    net.run()
    assert kinds(net) == ["Data", "Sack"]
    assert net.got[A] == [b"second"]


@pytest.mark.parametrize("seed", range(400))
def test_messages_arrive_once(seed):
    random = Random(seed)
    net = Net(seed, loss=random.choice((0, 0.1, 0.3)), copies=0.2, spread=40 * MILLISECOND)
    sent = {A: [], B: []}

    def send(source, to, message):
        sent[to].append(message)
        net.send(source, to, message)

    for number in range(random.randint(1, 40)):
        source, to = random.choice(((A, B), (B, A)))
        message = bytes((number,)) * random.choice((1, 100, 900))
        net.engine.at(random.randint(0, 90) * MILLISECOND, partial(send, source, to, message))
    net.run()
    assert {at: sorted(messages) for at, messages in net.got.items()} == {
        at: sorted(messages) for at, messages in sent.items()
    }
    assert net.ends[A].established() == [B]
    assert net.ends[B].established() == [A]


@pytest.mark.parametrize("seed", range(30))
def test_both_may_begin_at_once(seed):
    net = Net(seed, loss=0.2 * (seed % 2), spread=seed * MILLISECOND)
    net.send(A, B, b"from a")
    net.send(B, A, b"from b")
    net.run()
    assert net.got == {A: [b"from b"], B: [b"from a"]}
    assert net.ends[A].established() == [B]


def test_who_starts_anew_is_heard():
    net = Net()
    net.send(A, B, b"before")
    net.run()
    net.ends[A] = net.endpoint(A, 77)
    net.send(A, B, b"after")
    net.run()
    assert net.got[B] == [b"before", b"after"]
    net.send(B, A, b"answer")
    net.run()
    assert net.got[A] == [b"answer"]


def test_who_has_forgotten_says_so_and_the_next_message_finds_it():
    net = Net()
    net.send(A, B, b"before")
    net.run()
    net.ends[A] = net.endpoint(A, 77)
    net.send(B, A, b"lost")
    net.run()
    assert net.packets[-1] == (A, Packet(PORT, PORT, net.packets[-2][1].tag, (Abort(True),)))
    net.send(B, A, b"found")
    net.run()
    assert net.got[A] == [b"found"]


def test_a_shutdown_leaves_nothing():
    net = Net()
    net.send(A, B, b"hello")
    net.run()
    net.packets.clear()
    net.do(A, net.ends[A].shutdown(net.engine.now))
    net.run()
    assert kinds(net) == ["Shutdown", "ShutdownAck", "ShutdownComplete"]
    assert net.ends[A].established() == net.ends[B].established() == []
    assert net.ends[A].next_deadline() is None


def test_nobody_there_is_given_up():
    net = Net(loss=1.0)
    net.send(A, B, b"hello")
    net.run()
    assert kinds(net) == ["Init"] * 11
    assert net.ends[A].next_deadline() is None


def test_a_lost_message_is_sent_again_after_the_timeout():
    net = Net()
    net.send(A, B, b"first")
    net.run()
    start = net.engine.now
    net.loss = 1.0
    net.send(A, B, b"second")
    net.loss = 0.0
    net.run()
    assert net.got[B] == [b"first", b"second"]
    assert net.last == start + RTO_INITIAL + 10 * MILLISECOND


def established():
    net = Net()
    net.send(A, B, b"hello")
    net.run()
    tag = next(p.tag for at, p in net.packets if at == A and p.tag)
    return net, net.ends[B], tag


@pytest.mark.parametrize(
    ("unordered", "stream", "delivered"),
    [
        (False, 0, [b"\x01", b"\x02", b"\x03"]),
        (True, 0, [b"\x02", b"\x03", b"\x05", b"\x01"]),  # RFC 9260 section 3.3.1
        (False, 1, []),  # there is one stream only (section 6.5)
        (True, 1, []),
    ],
)
def test_gaps_are_told_and_kept(unordered, stream, delivered):
    net, core, tag = established()
    first = next(c.tsn for _, p in net.packets for c in p.chunks if isinstance(c, Data))
    numbers = (2, 3, 5, 5, 1)
    later = [Data(first + n, n, bytes((n,)), stream, unordered=unordered) for n in numbers]
    answers = [core.receive(Packet(PORT, PORT, tag, (data,)), A, SECOND) for data in later]
    gaps = [
        a.packet.chunks[0].gaps for answer in answers for a in answer if isinstance(a, SendPacket)
    ]
    assert gaps == [((2, 2),), ((2, 3),), ((2, 3), (5, 5)), ((2, 3), (5, 5)), ((2, 2),)]
    messages = [a.message for answer in answers for a in answer if isinstance(a, Deliver)]
    assert messages == delivered


def test_a_message_does_not_wait_for_a_lost_one_before_it():
    """RFC 4067 section 3.1: DATA chunks are unordered."""
    net, _, _ = established()
    net.loss = 1.0
    net.send(A, B, b"lost")
    net.loss = 0.0
    net.send(A, B, b"behind it")
    net.run()
    assert net.got[B] == [b"hello", b"behind it", b"lost"]
    sent = [chunk for _, p in net.packets for chunk in p.chunks if isinstance(chunk, Data)]
    assert all(data.unordered for data in sent)


def test_a_heartbeat_is_answered():
    _, core, tag = established()
    (answer,) = core.receive(Packet(PORT, PORT, tag, (Heartbeat(b"\0\1\0\6hi"),)), A, SECOND)
    assert answer.packet.chunks == (HeartbeatAck(b"\0\1\0\6hi"),)


@pytest.mark.parametrize("chunk", [Data(1, 0, b"x"), Abort(), Sack(5, 0), CookieEcho(b"forged")])
def test_a_wrong_tag_changes_nothing(chunk):
    _, core, tag = established()
    assert core.receive(Packet(PORT, PORT, tag ^ 1, (chunk,)), A, SECOND) == []
    assert core.established() == [A]
    assert core.dropped


def test_strangers_get_no_answer():
    _, core, tag = established()
    for chunk in (Init(1, 65536, 1), Data(1, 0, b"x")):
        assert core.receive(Packet(PORT, PORT, tag, (chunk,)), STRANGER, SECOND) == []


def test_a_cookie_is_good_for_its_peer_and_for_a_minute():
    cookie = Cookie(SECOND, 1, 2, 3, 4, 5, A)
    sealed = cookie.seal(b"secret")
    assert open_cookie(sealed, b"secret", A, 2 * SECOND) == cookie
    assert open_cookie(sealed, b"secret", B, 2 * SECOND) is None
    assert open_cookie(sealed, b"other", A, 2 * SECOND) is None
    assert open_cookie(sealed[:-1], b"secret", A, 2 * SECOND) is None
    assert open_cookie(sealed, b"secret", A, 2 * SECOND + LIFETIME) is None
