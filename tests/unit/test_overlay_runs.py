"""What a run of packets comes to is what its packets come to one by one, whatever is in it."""

from __future__ import annotations

from copy import deepcopy
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.kernel.overlay_socket import _of_one_length
from agents.overlay.actions import Deliver, SendDatagram
from agents.overlay.config import OverlayConfig
from agents.overlay.data_path import COUNTERS
from agents.overlay.interface import Overlay
from agents.overlay.marking import traffic_class
from agents.overlay.sealing import Sealer
from agents.overlay.window import Window
from agents.wire import ipv4, ipv6
from agents.wire.overlay import Data, MemberId, RouteAck, encode
from tests.unit.overlay_world import GROUP, Node, World, framed, one_by_one, public, source_of

KEYS = {1: b"a secret for this test"}
ENDS_V4 = IPv4Address("192.0.2.1"), IPv4Address("239.1.1.1")
ENDS_V6 = IPv6Address("2001:db8::1"), IPv6Address("ff0e::1")


def v4(tos: int, payload: bytes) -> bytes:
    return ipv4.packet(ipv4.IPv4Packet(*ENDS_V4, 17, 9, payload, tos))


def v6(tos: int, payload: bytes) -> bytes:
    packet = ipv6.packet(*ENDS_V6, 17, payload)
    return (6 << 28 | tos << 20).to_bytes(4, "big") + packet[4:]


MARKS = st.sampled_from((0, 0, 0, 1, 2, 3, 0xB8, 0xBA))
PACKETS = st.one_of(
    st.builds(v4, MARKS, st.binary(max_size=3)),
    st.builds(v6, MARKS, st.binary(max_size=3)),
    st.binary(max_size=25),
)


@lru_cache
def settled(keys: bool, nats: bool) -> World:
    """A chain of members, or a tree with some behind NATs; all but the first want the group."""
    world = World(
        3,
        8,
        config=OverlayConfig(degree=3 if nats else 1),
        nats=0.5 if nats else 0,
        keys=KEYS if keys else None,
    )
    world.run(60 if nats else 8)
    for node in world.nodes[1:]:
        world.want(node)
    world.run(1)
    world.send(world.nodes[0], v4(0, b"first"))
    world.run(1)
    return world


def twins(node: Node, keys: bool):
    """A member's core, twice; what they send from now on is sealed alike."""
    cores = deepcopy(node.core, _keys(node)), deepcopy(node.core, _keys(node))
    for core in cores:
        core.set_keys(KEYS if keys else {}, 1 if keys else 0)
    return cores


def _keys(node: Node) -> dict:
    """What a copy need not copy: keys, which it gets anew."""
    sealer = node.core._sealer
    kept = (sealer._sealing, *sealer._opening.values())
    return {id(key): key for key in kept}


def outcome(actions, keys: bool):
    """What is delivered, what goes where, and what is logged; each in its order."""
    delivered, sent, logged = [], {}, []
    for action in one_by_one(actions):
        if isinstance(action, Deliver):
            delivered.append(action.packet)
        elif isinstance(action, SendDatagram):
            for destination in action.destinations:
                body = Sealer(MemberId(b"somebody"), KEYS if keys else {}, 1).open(action.datagram)
                sent.setdefault(destination, []).append((*body, action.traffic_class))
        else:
            logged.append(action)
    return delivered, sent, logged


@given(st.lists(PACKETS.filter(len), min_size=1, max_size=12), st.booleans(), st.booleans())
@settings(max_examples=40, deadline=None)
def test_packets_that_are_sent_together(packets, keys, nats):
    world = settled(keys, nats)
    root = world.nodes[0]
    alone, together = twins(root, keys)
    mark = traffic_class(packets[0])
    packets = [packet for packet in packets if traffic_class(packet) == mark]
    ends = source_of(0), GROUP, world.now
    expected = [action for packet in packets for action in alone.send(packet, *ends)]
    got = together.send_run([framed(packet) for packet in packets], *ends)
    assert outcome(got, keys) == outcome(expected, keys)
    assert sum(map(len, outcome(got, keys)[1].values())) >= len(packets)
    assert together.status(world.now) == alone.status(world.now)
    # The next one has the next numbers.
    assert outcome(together.send(b"next", *ends), keys) == outcome(alone.send(b"next", *ends), keys)


KINDS = ("next",) * 12 + ("again", "lost", "late", "broken", "heartbeat", "stranger", "other tree")
KINDS += ("other version", "no data", "short", "ours", "not from the parent", "other key")
ARRIVALS = st.lists(st.tuples(st.sampled_from(KINDS), PACKETS), min_size=1, max_size=25)


class Upstream:
    """Makes the datagrams that come to a member: its parent's, and what others make up."""

    def __init__(self, world: World, node: Node, keys: bool) -> None:
        self._keys = KEYS if keys else {}
        (branch,) = node.core._branches._branches.items()
        (self._root, self._tree), place = branch
        self._version = next(reversed(place.places))
        self.parent = place.places[self._version].parent
        self._parent = self._sealer(self.parent)
        self._parent._path.draw(COUNTERS, 10_000)
        self._us = node.member
        self._other = next(n.member for n in world.nodes if n.member not in (self.parent, self._us))
        self._sequence, _ = place.places[self._version].arrivals.read()
        self._sent = [b""]
        self._late: list[bytes] = []

    def _sealer(self, member: MemberId, keys=None) -> Sealer:
        keys = self._keys if keys is None else keys
        return Sealer(member, keys, min(keys, default=0))

    def make(self, kind: str, packet: bytes) -> list[bytes]:
        """The datagrams that come, in this order."""
        if kind == "again":
            return [self._sent[-1]]
        self._sequence += 1
        tree = self._tree + (kind == "other tree")
        version = self._version + (kind == "other version")
        content = b"" if kind == "heartbeat" else packet
        body = encode(Data(self._root, tree, version, self._sequence, content))
        if kind == "no data":
            body = encode(RouteAck(self._root, tree, version))
        if kind == "short":
            body = body[: len(packet)]
        sender = {
            "stranger": MemberId(b"stranger"),
            "ours": self._us,
            "not from the parent": self._other,
        }.get(kind)
        sealer = self._parent
        if sender is not None:
            sealer = self._sealer(sender)
            sealer._path.draw(COUNTERS, 50_000 + self._sequence)
        if kind == "other key":
            sealer = self._sealer(self.parent, {1: b"the secret of somebody else"})
            sealer._path.draw(COUNTERS, 20_000)
        datagram = sealer.seal(body)
        if kind == "broken":
            datagram = datagram[:-1] + bytes((datagram[-1] ^ 1,)) if self._keys else datagram[1:]
        if kind == "late":
            self._late.append(datagram)
            return []
        self._sent.append(datagram)
        late, self._late = self._late, []
        return [] if kind == "lost" else [datagram, *late]


@pytest.mark.parametrize("keys", [False, True])
@pytest.mark.parametrize("transit", [False, True])
@given(ARRIVALS, st.sampled_from((0, 0, 0, 1, 2, 3)), st.data())
@settings(max_examples=60, deadline=None)
def test_datagrams_that_come_together(keys, transit, arrivals, ecn, data):
    world = settled(keys, nats=False)
    node = next(n for n in world.nodes[1:] if n.core._branches.status()[0]["children"])
    alone, together = twins(node, keys)
    upstream = Upstream(world, node, keys)
    for core in (alone, together):
        (branch,) = core._branches._branches.values()
        for place in branch.places.values():
            place.transit = transit
    sender = next(n.outside for n in world.nodes if n.member == upstream.parent)
    if data.draw(st.integers(0, 9)) == 0:
        sender = public(77)
    datagrams = [d for kind, packet in arrivals for d in upstream.make(kind, packet)]
    now = world.now
    while datagrams:
        count = data.draw(st.integers(1, len(datagrams)))
        part, datagrams = datagrams[:count], datagrams[count:]
        expected = [a for d in part for a in alone.receive(d, sender, now, ecn)]
        views = [memoryview(bytearray(datagram)) for datagram in part]
        got = together.receive_run(views, sender, now, ecn)
        assert outcome(got, keys) == outcome(expected, keys)
        assert together.status(now) == alone.status(now)
        assert together.next_deadline() == alone.next_deadline()
        now += data.draw(st.integers(0, 10**8))
    settle = now + 3 * 10**9
    assert outcome(together.timer(settle), keys) == outcome(alone.timer(settle), keys)


def test_a_run_is_taken_at_once():
    """Else the tests above would compare one thing with itself."""
    for keys in (False, True):
        world = settled(keys, nats=False)
        node = next(n for n in world.nodes[1:] if n.core._branches.status()[0]["children"])
        core, _ = twins(node, keys)
        upstream = Upstream(world, node, keys)
        sender = next(n.outside for n in world.nodes if n.member == upstream.parent)
        made = [upstream.make("next", v4(0, b"%d" % n))[0] for n in range(11)]
        core.receive(made[0], sender, world.now)  # sets the keys up
        came = [memoryview(bytearray(datagram)) for datagram in made[1:]]
        delivered, sent = core.receive_run(came, sender, world.now)
        assert [bytes(packet) for packet in delivered.packets] == [
            v4(0, b"%d" % n) for n in range(1, 11)
        ]
        assert len(sent.datagrams) == 10
        assert core.status(world.now)["branches"][0]["received"] == 12


@given(st.lists(st.integers(0, 12000), max_size=30))
def test_a_window_takes_runs_as_it_takes_each(numbers):
    one, many = Window(), Window()
    for first in numbers:
        count = first % 64 + 1
        run = range(first, first + count)
        assert many.is_ahead(first) <= all(map(many.is_new, run))
        if many.is_ahead(first):
            many.accept_run(first, count)
        else:
            for number in filter(many.is_new, run):
                many.accept(number)
        for number in filter(one.is_new, run):
            one.accept(number)
        assert vars(many) == vars(one)


@given(st.lists(st.integers(1, 1500).map(bytes) | st.just(bytes(1361)), max_size=200))
def test_what_the_kernel_takes_at_once_is_of_one_length(datagrams):
    groups = list(_of_one_length(datagrams))
    assert [d for group, _ in groups for d in group] == datagrams
    for group, length in groups:
        assert all(len(datagram) == length for datagram in group[:-1])
        assert len(group[-1]) <= length
        assert len(group) <= 64
        assert sum(map(len, group)) <= 65_000


@given(st.integers(2, 255), st.integers(0, 65535), st.integers(0, 20))
def test_a_hop_less_in_place_is_a_hop_less(ttl, check, start):
    packet = bytearray(v4(0, b"data"))
    packet[8] = ttl
    packet[10:12] = check.to_bytes(2, "big")
    buffer = bytearray(start) + packet
    ipv4.forward_in_place(buffer, start)
    assert bytes(buffer[start:]) == ipv4.forwarded(bytes(packet))


class Plain(Overlay):
    """A protocol that knows nothing of runs."""

    def send(self, packet, source, group, now):
        return [SendDatagram(packet, (source.packed,))]

    def receive(self, datagram, sender, now, ecn=0):
        return [Deliver(datagram)]


def test_a_protocol_that_knows_nothing_of_runs_gets_each_packet():
    sent = Plain().send_run([framed(b"one"), framed(b"two")], source_of(0), GROUP, 0)
    assert [action.datagram for action in sent] == [b"one", b"two"]
    came = Plain().receive_run([memoryview(b"one"), memoryview(b"two")], public(0), 0)
    assert [action.packet for action in came] == [b"one", b"two"]


def test_a_datagram_in_clear_is_not_taken_by_who_has_keys():
    for keys, others in ((KEYS, {}), ({}, KEYS)):
        sealer = Sealer(MemberId(b"receiver"), keys, 1)
        other = Sealer(MemberId(b"a sender"), others, min(others, default=0))
        assert sealer.open_run([memoryview(other.seal(b"body"))]) == [None]
