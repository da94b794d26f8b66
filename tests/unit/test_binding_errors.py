"""A Mobility Header of an unknown type is answered with a Binding Error (RFC 6275 section 9.2)."""

from __future__ import annotations

from collections import deque
from ipaddress import IPv6Address

import pytest

from agents.binding_errors import BindingErrors
from agents.core import SECOND
from agents.error_limit import BURST
from agents.kernel.sockets import Received
from agents.mobility.authentication import Authenticator
from agents.roles import mobile_ip_port, signalling
from agents.roles.mobile_ip_port import MobileIpPort
from agents.roles.signalling import Signalling
from agents.wire import channel, fast_handover, mobile_packet, mobility, mobility_header
from agents.wire.mobile_packet import MobilePacket
from agents.wire.mobility import BindingError, BindingErrorStatus

OURS, PEER = IPv6Address("2001:db8:ffff::1"), IPv6Address("2001:db8:ffff::2")
HOME, GROUP, NONE = (IPv6Address(text) for text in ("2001:db8:1::7", "ff05::5213", "::"))
ERROR = BindingError(BindingErrorStatus.UNRECOGNIZED_TYPE, NONE)


def unknown(kind: int, source: IPv6Address, destination: IPv6Address) -> bytes:
    return mobility_header.encode(kind, bytes(10), source, destination)


class FakeDaemon:
    """Keeps what watches descriptors, and counts."""

    def __init__(self):
        self.malformed = 0
        self.readers = []

    def on(self, action, handler): ...

    def watch(self, fd, reader):
        self.readers.append(reader)

    def count_malformed(self):
        self.malformed += 1

    def carry_out(self, core, actions):
        assert not actions


class FakeSocket:
    """Messages that have come, and those that were sent."""

    def __init__(self, *_):
        self.waiting, self.sent = deque(), []

    def fileno(self):
        return 0

    def receive(self):
        return self.waiting.popleft() if self.waiting else None

    def send(self, *sent):
        self.sent.append(sent)


class Ignoring:
    """A core that has nothing to say."""

    def receive(self, message, source, now):
        return []


@pytest.fixture
def a_router(monkeypatch):
    """Makes a ``Signalling``; gives what it sends in answer to a message."""
    monkeypatch.setattr(signalling, "MobilitySocket", FakeSocket)

    def answers(data, source=PEER, destination=OURS, **options):
        daemon = FakeDaemon()
        router = Signalling(daemon, OURS, Ignoring(), **options)
        router.on_type(channel.MESSAGE_TYPE, channel.decode)
        router._socket.waiting.append(Received(data, source, destination, 1))
        daemon.readers[0]()
        return router, daemon, router._socket.sent

    return answers


@pytest.mark.parametrize("kind", [8, 9, 16, 255])
def test_a_router_answers_whoever_sent_it(a_router, kind):
    _, daemon, ((data, destination),) = a_router(unknown(kind, PEER, OURS))
    assert destination == PEER
    assert mobility.decode(data, OURS, PEER) == ERROR
    assert daemon.malformed == 1


def test_a_handover_initiate_where_nobody_prepares_handovers(a_router):
    initiate = fast_handover.HandoverInitiate(1, fast_handover.InitiateFlag.P)
    _, _, ((data, _),) = a_router(fast_handover.encode(initiate, PEER, OURS))
    assert mobility.decode(data, OURS, PEER) == ERROR


@pytest.mark.parametrize(
    "data",
    [
        mobility.encode(ERROR, PEER, OURS),
        mobility.encode(mobility.BindingRefreshRequest(), PEER, OURS),
        unknown(channel.MESSAGE_TYPE, PEER, OURS),  # the type is known, the experiment is not
        unknown(99, PEER, OURS)[:-8],
        unknown(99, PEER, HOME),  # a wrong checksum
    ],
)
def test_nothing_is_said_of_types_that_are_known_or_of_broken_messages(a_router, data):
    assert a_router(data)[2] == []


def test_under_a_key_nobody_else_is_answered(a_router):
    router, _, sent = a_router(unknown(99, PEER, OURS), key="correct horse")
    assert sent == []
    assert router.counters["unauthentic"] == 1
    now = signalling.time.time_ns()
    initiate = fast_handover.HandoverInitiate(1, fast_handover.InitiateFlag.P)
    plain = fast_handover.encode(initiate, PEER, OURS)
    ours = Authenticator(b"correct horse", now - SECOND)
    peers = Authenticator(b"correct horse", now - SECOND)
    sealed = peers.seal(plain, PEER, OURS, signalling.time.time_ns() + SECOND)
    _, _, ((data, _),) = a_router(sealed, key="correct horse")
    opened = ours.open(data, OURS, PEER, signalling.time.time_ns())
    assert mobility.decode(opened, OURS, PEER) == ERROR


@pytest.fixture
def a_port(monkeypatch):
    """Makes a ``MobileIpPort``; gives what it sends in answer to a packet."""
    monkeypatch.setattr(mobile_ip_port, "MobilitySocket", FakeSocket)
    monkeypatch.setattr(mobile_ip_port, "MobileSocket", FakeSocket)

    def answers(packet, address, **options):
        daemon = FakeDaemon()
        port = MobileIpPort(daemon, lambda packet: None, address, **options)
        if packet.home_address or packet.routed_to:
            port._mobile.waiting.append(mobile_packet.encode(packet))
        else:
            received = Received(packet.payload, packet.source, packet.destination, 1)
            port._plain.waiting.append(received)
        for reader in daemon.readers:
            reader()
        return [mobile_packet.decode(data) for (data,) in port._mobile.sent]

    return answers


def packet(source, destination, home=None, routed_to=None):
    payload = unknown(99, home or source, routed_to or destination)
    return MobilePacket(source, destination, 135, payload, home, routed_to)


@pytest.mark.parametrize("home", [None, HOME])
@pytest.mark.parametrize("address", [None, OURS])
def test_the_answer_goes_to_the_address_on_the_wire(a_port, home, address):
    """Section 9.3.3; it names the home address of the Home Address option."""
    (answer,) = a_port(packet(PEER, OURS, home), address)
    assert (answer.source, answer.destination) == (OURS, PEER)
    assert (answer.home_address, answer.routed_to) == (None, None)
    expected = BindingError(BindingErrorStatus.UNRECOGNIZED_TYPE, home or NONE)
    assert mobility.decode(answer.payload, OURS, PEER) == expected


def test_a_mobile_node_answers_what_was_routed_to_its_home_address(a_port):
    (answer,) = a_port(packet(PEER, OURS, routed_to=HOME), None)
    assert (answer.source, answer.destination) == (OURS, PEER)


@pytest.mark.parametrize(
    ("came", "address", "options"),
    [
        (packet(GROUP, OURS), OURS, {}),
        (packet(NONE, OURS), OURS, {}),
        (packet(PEER, HOME, home=HOME), OURS, {}),  # it only passes by
        (packet(PEER, GROUP), None, {}),
        (packet(PEER, OURS), OURS, {"beside_signalling": True}),
    ],
)
def test_who_gets_no_answer(a_port, came, address, options):
    assert a_port(came, address, **options) == []


def test_as_many_as_icmp_errors_may_be_sent():
    errors = BindingErrors()
    now = 1000 * SECOND
    assert [errors.unrecognized(PEER, now) for _ in range(2 * BURST)].count(ERROR) == BURST
    sent = sum(errors.unrecognized(PEER, now + n * SECOND // 1000) == ERROR for n in range(1, 3001))
    assert sent == 3 * BURST
    later = now + 60 * SECOND
    assert [errors.unrecognized(PEER, later) for _ in range(2 * BURST)].count(ERROR) == BURST
