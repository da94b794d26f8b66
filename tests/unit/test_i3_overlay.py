"""Trees on i3 as an overlay, with real servers on a ring, in virtual time."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address

import pytest

from agents.core import SECOND
from agents.i3.config import ServerConfig
from agents.i3.ring_server import RingServer
from agents.overlay.actions import SendDatagram
from agents.overlay.interface import Overlay, Place
from agents.roles.i3_overlay import I3Overlay, TreeOptions
from agents.wire import i3
from agents.wire.errors import MalformedPacket
from agents.wire.overlay_items import Interest
from emu.simulator.uplinks import Hosts, Network

GROUP, OTHER = IPv6Address("ff0e::1"), IPv6Address("ff0e::2")
SOURCE = IPv6Address("2001:db8:5::1")
FAST = Network(1_000_000_000)
TREE = b"what all identifiers come from"


class Server(Overlay):
    """An i3 server, played like a member."""

    def __init__(self, place: Place):
        known = () if place.endpoints == place.seeds else place.seeds
        secret = place.random.randbytes(16)
        key = bytes(32)
        self._core = RingServer(
            place.endpoints[0], key, known, secret, place.random, ServerConfig()
        )

    def receive(self, datagram, sender, now, ecn=0):
        try:
            return self._out(self._core.receive(i3.decode(datagram), sender, now))
        except MalformedPacket:
            return []

    def timer(self, now):
        return self._out(self._core.timer(now))

    def next_deadline(self):
        return self._core.next_deadline()

    def _out(self, actions):
        return [SendDatagram(i3.encode(a.message), (a.destination,)) for a in actions]


@dataclass
class Group:
    """Hosts of which the first are servers, the next one is the founder."""

    world: Hosts
    servers: int

    @property
    def members(self):
        return self.world.hosts[self.servers :]

    def want(self, host, group=GROUP, interest=None):
        interest = interest or Interest(group, True)
        self.world.act(host, lambda core, now: core.want(group, interest, now))

    def send(self, host, packet, group=GROUP):
        self.world.act(host, lambda core, now: core.send(packet, SOURCE, group, now))

    def run(self, seconds):
        self.world.run(int(seconds * SECOND))

    def got(self):
        return [[packet for _, packet in host.came] for host in self.members]


def group_of(members: int, servers: int = 3, seed: int = 1, network: Network = FAST) -> Group:
    def make(place: Place) -> Overlay:
        number = int(place.name.removeprefix("h"))
        if number < servers:
            return Server(place)
        return I3Overlay(place, TreeOptions(place.seeds, TREE, number == servers))

    group = Group(Hosts(seed, servers + members, network, make), servers)
    group.run(30)
    return group


@pytest.mark.parametrize("seed", range(3))
def test_whoever_wants_a_group_gets_its_packets_whoever_sends_them(seed):
    group = group_of(14, seed=seed)
    for host in group.members[2:]:
        group.want(host)
        group.run(0.2)
    group.run(20)
    assert all(host.core.in_tree(GROUP) for host in group.members[2:])
    for number in range(30):
        for sender in (1, 4):
            group.send(group.members[sender], b"%d of %d" % (number, sender))
        group.run(0.05)
    group.run(2)
    ones, fours = ([b"%d of %d" % (n, sender) for n in range(30)] for sender in (1, 4))
    assert group.got()[:2] == [[], []]
    for number, packets in enumerate(group.got()[2:], start=2):
        due = ones if number == 4 else ones + fours
        assert sorted(packets) == sorted(due), number


def test_groups_have_trees_of_their_own_and_who_leaves_gets_nothing():
    group = group_of(5)
    _, one, two, three, sender = group.members
    group.want(one)
    group.want(two, OTHER)
    group.want(three)
    group.want(three, OTHER, Interest(OTHER, False, frozenset({IPv6Address("::9")})))
    group.run(20)
    group.world.act(three, lambda core, now: core.want(GROUP, None, now))
    group.run(2)
    group.send(sender, b"to one")
    group.send(sender, b"to two", OTHER)
    group.run(2)
    assert group.got() == [[], [b"to one"], [b"to two"], [], []]


def test_a_founder_gives_up_what_nobody_wants_any_more():
    group = group_of(3)
    founder, one, _ = group.members
    group.want(one)
    group.run(10)
    assert founder.core.in_tree(GROUP)
    group.world.act(one, lambda core, now: core.want(GROUP, None, now))
    group.run(80)
    assert founder.core.status(group.world.engine.now)["groups"] == {}


def test_a_member_that_moves_keeps_its_place():
    group = group_of(4)
    for host in group.members[1:]:
        group.want(host)
    group.run(20)
    mover = group.members[2]
    group.world.move(mover)
    group.run(40)
    group.send(group.members[0], b"where are you")
    group.run(2)
    assert group.got() == [[], *[[b"where are you"]] * 3]


def test_what_is_changed_under_way_is_counted():
    group = group_of(3)
    group.want(group.members[1])
    group.run(20)
    member = group.members[1].core
    (root,) = {tree.member.identifier for tree in member._trees.values()}
    forged = i3.encode(i3.Packet(root, bytes((1,)) + bytes(60)))
    for datagram in (b"", b"\xff" * 40, forged):
        member.receive(datagram, group.world.hosts[0].endpoint, group.world.engine.now)
    assert member.counters["malformed"] + member.counters["unauthentic"] == 3
    group.send(group.members[2], b"still there")
    group.run(1)
    assert group.got()[1] == [b"still there"]
