"""Members of an overlay in virtual time: what each promise of docs/overlay.md comes to."""

from __future__ import annotations

from random import Random

import pytest

from agents.core import SECOND
from agents.overlay.config import OverlayConfig
from agents.overlay.sealing import Sealer
from agents.wire.overlay import (
    HEADER,
    Data,
    Forwarded,
    Hop,
    Item,
    MemberId,
    News,
    Origin,
    Pong,
    Receipts,
    Route,
    decode,
    encode,
)
from agents.wire.overlay_items import Interest
from tests.unit.overlay_world import EVERY, GROUP, Impairment, World, public, source_of, spanned


def settled(size: int, seed: int = 1, **options) -> World:
    """Members that know each other; all but the first want the group."""
    world = World(seed, size, **options)
    world.run(8)
    for node in world.nodes[1:]:
        world.want(node)
    world.run(1)
    return world


def stream(world: World, seconds: float, rate: int = 100, name: bytes = b"") -> list[bytes]:
    """Packets of the first member; what was sent."""
    packets = [b"%s %d at %d" % (name, n, world.now) for n in range(int(seconds * rate))]
    for packet in packets:
        world.send(world.nodes[0], packet)
        world.run(1 / rate)
    world.run(0.5)
    return packets


def missed(world: World, packets: list[bytes], nodes=None) -> dict[int, int]:
    """How many of the packets each of those that want them has not got."""
    nodes = nodes or [n for n in world.nodes[1:] if n.alive and n.wants]
    lacking = {n.number: sum(p not in n.delivered for p in packets) for n in nodes}
    return {number: count for number, count in lacking.items() if count}


def test_the_first_packet_reaches_everybody():
    """Interest is known before anybody sends: one packet of mDNS or SAP is not lost."""
    world = settled(20)
    world.send(world.nodes[0], b"only one")
    world.run(1)
    assert [sum(n.delivered.values()) for n in world.nodes] == [0] + [1] * 19
    assert world.wrong == []


def test_a_packet_that_overtakes_its_route_waits_for_it():
    world = settled(20, seed=3)
    world.impairment = Impairment(loss=0.3)
    got = Random(1)
    for number in range(20):
        world.want(world.nodes[got.randrange(1, 20)], None)
        world.run(1)
        world.send(world.nodes[0], b"%d" % number)
        world.run(1)
    assert world.wrong == []
    waited = sum(n.core._branches.dropped["no route"] for n in world.nodes)
    assert waited < 20


def test_nothing_is_lost_or_repeated_for_those_who_stay():
    """100 packets a second while others come and go, and the key is rolled over."""
    keys = {1: b"an old secret of 16+"}
    world = settled(24, keys=keys)
    stay = world.nodes[1:16]
    packets = stream(world, 1)
    for round_ in range(10):
        node = world.nodes[16 + round_ % 8]
        world.want(node, None if node.wants else EVERY)
        if round_ == 2:
            for each in world.nodes:
                each.core._sealer.set_keys({**keys, 2: b"a newer secret of 16+"}, 1)
        if round_ == 4:
            for each in world.nodes:
                each.core._sealer.set_keys({**keys, 2: b"a newer secret of 16+"}, 2)
        if round_ == 6:
            for each in world.nodes:
                each.core._sealer.set_keys({2: b"a newer secret of 16+"}, 2)
        packets += stream(world, 1, name=b"%d" % round_)
    assert missed(world, packets, stay) == {}
    assert world.wrong == []


def test_a_tree_that_is_used_now_and_then_has_no_gap_in_an_hour():
    world = settled(5)
    for _ in range(20):
        assert missed(world, stream(world, 1, rate=20)) == {}
        world.run(178.5)
    assert world.wrong == []
    assert all(n.logs["overlay_tree"] <= 3 for n in world.nodes)


def test_who_leaves_is_taken_out_at_once_and_nobody_else_notices():
    world = settled(20)
    packets = stream(world, 1)
    inner = next(n for n in world.nodes[1:] if n.core.status(0)["branches"][0]["children"])
    world.want(inner, None)
    packets += stream(world, 1)
    assert missed(world, packets) == {}
    assert inner.number not in spanned(world, world.nodes[0])


@pytest.mark.parametrize("seed", range(4))
def test_a_crash_is_repaired_in_seconds(seed):
    world = settled(20, seed=seed)
    stream(world, 1)
    inner = next(n for n in world.nodes[1:] if n.core.status(0)["branches"][0]["children"])
    world.crash(inner)
    stream(world, 4)
    assert missed(world, stream(world, 1)) == {}


def test_filters_of_sources_are_kept():
    world = World(2, 6)
    world.run(8)
    one, two = world.nodes[:2]
    world.want(world.nodes[2], Interest(GROUP, False, frozenset({source_of(0)})))
    world.want(world.nodes[3], Interest(GROUP, True, frozenset({source_of(0)})))
    world.want(world.nodes[4], EVERY)
    world.run(1)
    world.send(one, b"from one")
    world.send(two, b"from two")
    world.run(1)
    got = [sorted(n.delivered) for n in world.nodes]
    assert got == [[], [], [b"from one"], [b"from two"], [b"from one", b"from two"], []]


def test_an_address_that_changes_does_not_end_the_session():
    """Whether the member knows it or not: a laptop moves, or a NAT takes another port."""
    for told in (True, False):
        world = settled(12)
        stream(world, 1)
        moved = world.nodes[5]
        world.move(moved, told=told)
        stream(world, 4)
        assert missed(world, stream(world, 2)) == {}
        assert world.wrong == []
        assert len(moved.core.directory.profiles) == 11


def test_members_behind_nats_send_and_receive():
    world = World(4, 3)
    hidden = [world.start(behind_nat=True) for _ in range(5)]
    world.run(15)
    assert all(node.core._peers.is_leaf for node in hidden)
    for node in world.nodes:
        world.want(node)
    world.run(1)
    for number in range(100):
        world.send(hidden[0], b"%d" % number)
        world.run(0.01)
    world.run(1)
    assert [len(n.delivered) for n in world.nodes if n is not hidden[0]] == [100] * 7
    world.run(600)  # longer than any mapping that is not kept alive
    world.send(world.nodes[0], b"later")
    world.run(1)
    assert all(b"later" in n.delivered for n in world.nodes[1:])
    for node in hidden:
        world.rebind(node)
    world.run(12)
    for number in range(100):
        world.send(world.nodes[0], b"again %d" % number)
        world.run(0.05)
    world.send(world.nodes[0], b"in the end")
    world.run(1)
    assert all(b"in the end" in n.delivered for n in world.nodes[1:])


def test_a_liar_does_not_make_others_believe_that_they_are_behind_a_nat():
    world = settled(8)
    liar = world.nodes[3]
    transmit = world._transmit

    def lie(node, datagram, destination):
        message = decode(datagram[HEADER.size :])
        if node is liar and isinstance(message, Pong):
            datagram = node.core._sealer.seal(encode(Pong(message.nonce, public(666))))
        transmit(node, datagram, destination)

    world._transmit = lie
    for _ in range(60):
        world.run(1)
        assert not any(n.core._peers.is_leaf for n in world.nodes)


def test_both_sides_of_a_partition_go_on_and_find_each_other():
    world = settled(16)
    stream(world, 1)
    for node in world.nodes:
        node.side = node.number % 2
    stream(world, 40, rate=10)
    near = [n for n in world.nodes[1:] if n.side == 0]
    assert missed(world, stream(world, 1), near) == {}
    assert len(world.nodes[0].core.directory.profiles) == 7
    for node in world.nodes:
        node.side = 0
    stream(world, 30, rate=10)
    assert missed(world, stream(world, 1)) == {}


@pytest.mark.parametrize("seconds", [3, 6])
def test_a_root_that_was_cut_off_goes_on_with_those_who_are_there(seconds):
    """Its receivers, one or several, were all silent for a while."""
    for size in (2, 4):
        world = settled(size)
        stream(world, 1)
        world.nodes[0].side = 1
        stream(world, seconds)
        world.nodes[0].side = 0
        stream(world, 3)
        assert missed(world, stream(world, 2)) == {}, size
        assert world.wrong == []


@pytest.mark.parametrize(("size", "seconds"), [(2, 9), (2, 12), (2, 29), (6, 25)])
def test_who_was_cut_off_gets_packets_a_second_after_the_path_is_back(size, seconds):
    """The only receiver, or one of several: however long nothing has reached it."""
    world = settled(size)
    stream(world, 1)
    world.nodes[1].side = 1
    stream(world, seconds, rate=20)
    world.nodes[1].side = 0
    stream(world, 1, rate=20)
    assert missed(world, stream(world, 2)) == {}
    assert world.wrong == []


def test_who_is_heard_but_has_nothing_is_tried_every_ten_seconds():
    """It may be broken: the tree is not planned again for each word of it."""
    world = settled(3)
    deaf = world.nodes[1]
    deaf.core._branches.route = deaf.core._branches.data = lambda *_, **__: None
    before = world.nodes[0].logs["overlay_tree"]
    stream(world, 60, rate=20)
    assert world.nodes[0].logs["overlay_tree"] - before <= 12
    assert missed(world, stream(world, 1), world.nodes[2:]) == {}


def test_who_forwards_nothing_gets_no_children():
    """It answers everything, claims to be near to all, and drops what it should pass on."""
    world = settled(20)
    bad = world.nodes[3]
    bad.core._branches._routes.replace = lambda *_: None
    bad.core._config = world.config
    original = bad.core._post.send_body
    bad.core._post.send_body = lambda body, members, now: (
        None if body[:1] == bytes((Data.TYPE,)) else original(body, members, now)
    )
    stream(world, 30, rate=20)
    parents = world.nodes[0].core.trees()[source_of(0), GROUP]
    assert bad.member not in parents.values()
    assert missed(world, stream(world, 1)) == {}


def intruder(world: World, keys=None) -> tuple[MemberId, Sealer]:
    member = MemberId(b"intruder")
    return member, Sealer(member, keys or {}, min(keys or {}, default=0))


def test_who_has_no_key_gets_nothing_and_breaks_nothing():
    world = settled(8, keys={1: b"a secret of 16 octets"})
    target, random = world.nodes[0].core, Random(3)
    member, sealer = intruder(world, {1: b"another secret, wrong"})
    news = News((Origin(member, 0, (Item(0, 1, b""),)),))
    before = target.status(world.now)
    for _ in range(200):
        datagram = random.choice((sealer.seal(encode(news)), random.randbytes(60)))
        assert target.receive(datagram, public(99), world.now) == []
    after = target.status(world.now)
    assert after["members"] == before["members"]
    assert sum(after["dropped"].values()) >= sum(before["dropped"].values()) + 200


def test_what_was_recorded_is_not_taken_again():
    """Neither by its receiver, nor by a member that it was not for."""
    keys = {1: b"a secret of 16 octets"}
    world = settled(8, keys=keys)
    recorded = []
    transmit = world._transmit

    def record(node, datagram, destination):
        recorded.append((node, datagram))
        transmit(node, datagram, destination)

    world._transmit = record
    stream(world, 1)
    world._transmit = transmit
    for node in world.nodes:
        before = dict(node.delivered)
        for sender, datagram in recorded:
            if sender is not node:
                world._carry_out(node, node.core.receive(datagram, sender.outside, world.now))
        assert dict(node.delivered) == before
    assert missed(world, stream(world, 1)) == {}
    assert world.wrong == []


def test_a_recorded_member_that_is_gone_is_not_believed():
    world = settled(4, keys={1: b"a secret of 16 octets"})
    ghost = world.nodes[3]
    recorded = []
    world._transmit = lambda node, datagram, _: recorded.append(datagram) if node is ghost else None
    world.run(3)
    fresh = World(9, 1, keys=world.keys).nodes[0].core
    for datagram in recorded:
        fresh.receive(datagram, public(77), 0)
    assert fresh.status(0)["members"] == []
    assert fresh.counters["stranger"] > 0


def test_any_octets_under_the_right_key_take_nothing_down():
    """A member that is broken: random bodies, and random changes of real ones."""
    world = settled(6)
    random = Random(11)
    bodies = [
        encode(message)
        for message in (
            Data(world.nodes[0].member, 1, 1, 5, b"forged"),
            Route(world.nodes[0].member, 1, 9, 500, (Hop(world.nodes[2].member, 0),)),
            News((Origin(world.nodes[4].member, 0, (Item(0, 1, b"x"),)),)),
            Forwarded(world.nodes[1].member, world.nodes[2].member, b"\x09"),
            Receipts(()),
        )
    ]
    sealer = world.nodes[3].core._sealer
    for _ in range(2000):
        body = bytearray(random.choice(bodies) if random.random() < 0.8 else random.randbytes(40))
        for _ in range(random.randrange(4)):
            body[random.randrange(len(body))] = random.randrange(256)
        target = random.choice([n for n in world.nodes if n.number != 3])
        target.core.receive(sealer.seal(bytes(body)), world.nodes[3].outside, world.now)
        world.now += SECOND // 200
    for node in world.nodes:
        node.core.timer(world.now)
    world.run(45)
    stream(world, 20, rate=20)
    honest = [n for n in world.nodes[1:] if n.number != 3]
    assert missed(world, stream(world, 1), honest) == {}


def test_floods_are_bounded():
    config = OverlayConfig(maximum_members=50, maximum_groups=20, maximum_trees=30)
    world = settled(4, config=config)
    target = world.nodes[0].core
    liar = world.nodes[1]

    def flood(message, times=1):
        for _ in range(times):
            target.receive(liar.core._sealer.seal(encode(message)), liar.outside, world.now)
            world.now += SECOND // 100

    for number in range(200):
        member = MemberId(b"m" + number.to_bytes(7, "big"))
        flood(News((Origin(member, 0, (Item(0, 1, b"not a profile"),)),)))
        hops = (Hop(world.nodes[0].member, 0),)
        flood(Route(liar.member, number, 1, 500, hops))
        flood(Data(liar.member, 1000 + number, 1, 1, b"x"))
        target.send(b"x", source_of(number), GROUP, world.now)
    slots = tuple(Item(2 + n, 10_000 + n, b"") for n in range(100))
    flood(News((Origin(world.nodes[2].member, 0, slots),)))
    assert len(target._gossip.versions()) <= 50
    assert len(target._branches._branches) <= 30
    assert len(target._roots.trees()) <= 30
    assert len(target._branches._held) <= config.held_packets
    assert len(target._gossip.items(world.nodes[2].member)) <= 22
    sent = target.counters["too many"]
    for _ in range(3000):
        datagram = liar.core._sealer.seal(encode(News(())))
        target.receive(datagram, liar.outside, world.now)
    assert target.counters["too many"] - sent >= 2000


def test_interest_in_too_many_groups_is_refused_and_named():
    world = World(1, 2, config=OverlayConfig(maximum_groups=3))
    for number in range(5):
        world.want(world.nodes[1], EVERY, group=type(GROUP)(int(GROUP) + number))
    assert world.nodes[1].logs["refused"] == 2
    world.want(world.nodes[1], None)
    world.want(world.nodes[1], EVERY, group=type(GROUP)(int(GROUP) + 9))
    assert world.nodes[1].logs["refused"] == 2


def test_an_idle_member_says_little():
    world = settled(30)
    world.run(60)
    before = sum(world.sent.values())
    world.run(60)
    assert (sum(world.sent.values()) - before) / 30 / 60 < 10  # messages a second of each
