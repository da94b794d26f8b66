"""Members that speak NEMO in virtual time: what each promise of docs/nemo.md comes to."""

from __future__ import annotations

from ipaddress import IPv6Address
from itertools import pairwise
from random import Random

import pytest

from agents.core import SECOND
from agents.overlay.interface import Place
from agents.overlay.nemo.cluster import centre, halves
from agents.overlay.nemo.config import NemoConfig
from agents.overlay.nemo.member import NemoMember
from agents.overlay.nemo.rendezvous import Rendezvous, Top
from agents.overlay.sealing import Sealer
from agents.wire.nemo import NOBODY, Data, Join, Lead, Nack, Peer, Register, Seat, Way
from agents.wire.nemo_codec import encode
from agents.wire.overlay import MemberId
from agents.wire.overlay_items import Interest
from tests.unit import nemo_schedule
from tests.unit.nemo_world import DEFAULT, NemoWorld, faults
from tests.unit.overlay_world import EVERY, GROUP, Impairment, public, source_of

WITHOUT = NemoConfig(retransmissions=False)
KEYS = {1: b"a secret for tests, which is long"}


def settled(size: int, seed: int = 1, seconds: float = 15, **options) -> NemoWorld:
    """Members of which all but the first two, the rendezvous points, want the group."""
    world = NemoWorld(seed, size, **options)
    for node in world.nodes[2:]:
        world.want(node)
        world.run(0.05)
    world.run(seconds)
    return world


def stream(world: NemoWorld, seconds: float, rate: int = 20, sender: int = 0) -> list[bytes]:
    """Packets of one member; what was sent."""
    packets = [b"%d of %d at %d" % (n, sender, world.now) for n in range(int(seconds * rate))]
    for packet in packets:
        world.send(world.nodes[sender], packet)
        world.run(1 / rate)
    world.run(2)
    return packets


def shares(world: NemoWorld, packets: list[bytes]) -> list[float]:
    """Which share of the packets each that wants them has got."""
    wanting = [node for node in world.nodes if node.alive and node.wants]
    return [sum(p in node.delivered for p in packets) / len(packets) for node in wanting]


def leads(world: NemoWorld, node) -> int:
    return sum(leader == node.member for leader, _ in node.core.clusters(GROUP))


def root_of(world: NemoWorld):
    return max((n for n in world.nodes if n.alive), key=lambda node: leads(world, node))


@pytest.mark.parametrize("first", range(0, 12, 3))
def test_clusters_span_exactly_those_that_want_it_whatever_happens(first):
    wrong = {seed: nemo_schedule.run_schedule(seed) for seed in range(first, first + 3)}
    assert {seed: found for seed, found in wrong.items() if found} == {}


def test_sixty_members_make_layers_of_clusters_of_their_sizes():
    world = settled(62, seconds=25)
    assert faults(world) == []
    assert max(len(node.core.clusters(GROUP)) for node in world.nodes) >= 3
    packets = stream(world, 2) + stream(world, 2, sender=30)
    got = [sum(node.delivered.values()) for node in world.nodes]
    assert got == [0, 0, *(len(packets) - 40 * (n == 30) for n in range(2, 62))]
    assert world.wrong == []


def test_a_packet_comes_to_each_member_once_or_little_more():
    world = settled(32)
    world.sent.clear()
    packets = stream(world, 2)
    assert world.sent["Data"] <= 1.1 * 30 * len(packets)


def test_the_first_packet_waits_until_the_top_is_found():
    world = settled(12)
    world.send(world.nodes[0], b"only one")
    world.run(2)
    assert [sum(node.delivered.values()) for node in world.nodes] == [0, 0] + [1] * 10


def test_what_nobody_wants_is_not_kept():
    world = NemoWorld(1, 3)
    for number in range(200):
        world.send(world.nodes[2], b"%d" % number)
        world.run(0.01)
    world.run(10)
    assert world.sent["Data"] == 0
    (publication,) = world.nodes[2].core._publications.values()
    assert (len(publication._waiting), publication.due) == (0, None)


def test_leaders_are_at_the_centre_of_their_clusters():
    world = settled(26, seconds=60)
    places = {node.member: node for node in world.nodes}

    def radius(member, seats) -> float:
        return max(world.delay(places[member], places[other]) for other in seats)

    ratios = []
    for node in world.nodes:
        for leader, seats in node.core.clusters(GROUP):
            if leader == node.member and len(seats) > 2:
                ratios.append(radius(leader, seats) / min(radius(m, seats) for m in seats))
    # Where it leads higher up, too, a leader stays that of its lower clusters.
    assert sum(ratios) / len(ratios) < 1.35


@pytest.mark.parametrize("seed", range(2))
def test_the_crash_of_the_root_is_repaired(seed):
    world = settled(22, seed=seed)
    world.crash(root_of(world))
    world.run(15)
    assert shares(world, stream(world, 4)) == [1.0] * 19
    world.run(15)
    assert faults(world) == []
    assert world.wrong == []


def test_while_a_leader_is_dead_its_co_leaders_bring_a_part_of_the_packets():
    """Without co-leaders those below it would get nothing until it is found out."""
    with_crew, without = [], []
    for got, crew in ((with_crew, 3), (without, 0)):
        for seed in range(3):
            config = NemoConfig(crew=crew, retransmissions=False)
            world = settled(12, seed=seed, config=config)
            world.crash(root_of(world))
            got += shares(world, stream(world, 3))
    assert sum(with_crew) / len(with_crew) > 1.5 * sum(without) / len(without)


def test_who_brings_packets_on_is_drawn_for_each_or_stays_for_a_while():
    """What stays keeps packets in order, but for those around a change."""
    disorder = {}
    for each in (True, False):
        world = settled(14, config=NemoConfig(draw_each_packet=each))
        packets = stream(world, 4, rate=100)
        place = {packet: number for number, packet in enumerate(packets)}
        assert shares(world, packets) == [1.0] * 12
        came = [[place[p] for p in n.delivered if p in place] for n in world.nodes[2:]]
        disorder[each] = sum(b < a for order in came for a, b in pairwise(order))
    assert disorder[False] < 0.2 * disorder[True]


def test_two_sides_of_a_partition_are_one_group_again():
    world = settled(14)
    for node in world.nodes:
        node.side = node.number % 2
    world.run(25)
    assert shares(world, stream(world, 2, sender=0)) == [1.0, 0.0] * 6
    for node in world.nodes:
        node.side = 0
    world.run(40)
    assert nemo_schedule.steady(world) == []
    assert shares(world, stream(world, 2)) == [1.0] * 12


def test_a_member_that_leaves_costs_no_packet():
    world = settled(18)
    for _ in range(4):
        leaving = root_of(world)
        packets = stream(world, 1)
        assert shares(world, packets) == [1.0] * len(shares(world, packets))
        world.leave(leaving)
        world.run(5)
    assert faults(world) == []


def test_what_was_lost_is_asked_for_again_or_not():
    losses = {}
    for config in (NemoConfig(), WITHOUT):
        world = settled(14, config=config)
        world.impairment = Impairment(loss=0.05)
        losses[config.retransmissions] = 1 - min(shares(world, stream(world, 10, rate=40)))
        assert world.wrong == []
        assert (world.sent["Nack"] > 0) is config.retransmissions
    assert losses[True] < 0.005
    assert losses[False] > 0.05


def test_sources_are_chosen_where_they_are_wanted():
    world = settled(6)
    world.want(world.nodes[2], Interest(GROUP, False, frozenset({source_of(3)})))
    world.want(world.nodes[3], Interest(GROUP, True, frozenset({source_of(0)})))
    packets = stream(world, 1)
    assert [sum(p in n.delivered for p in packets) for n in world.nodes] == [0, 0, 0, 0, 20, 20]
    packets = stream(world, 1, sender=3)
    assert [sum(p in n.delivered for p in packets) for n in world.nodes] == [0, 0, 20, 0, 20, 20]


def test_keys_are_exchanged_under_way():
    world = settled(12, keys=KEYS)
    both = {**KEYS, 2: b"another secret, which is long"}
    for keys, current in ((both, 1), (both, 2), ({2: both[2]}, 2)):
        for node in world.nodes:
            node.core.set_keys(keys, current)
        assert shares(world, stream(world, 1)) == [1.0] * 10
    stranger = Sealer(MemberId(b"stranger"), KEYS, 1)
    before = dict(world.nodes[2].core.counters)
    world.nodes[2].core.receive(stranger.seal(b"\x40"), public(99), world.now)
    assert world.nodes[2].core.counters["unauthentic"] == before.get("unauthentic", 0) + 1


@pytest.mark.parametrize("seed", range(3))
def test_changed_octets_are_counted_and_do_no_lasting_harm(seed, monkeypatch):
    """Without keys, where only the decoder stands before the members."""
    world = settled(12, seed=seed)
    random = Random(seed)
    receive = NemoMember.receive

    def mutated(self, datagram, sender, now, ecn=0):
        octets = bytearray(datagram)
        if random.random() < 0.3:
            octets[random.randrange(20, len(octets))] ^= 1 << random.randrange(8)
            if random.random() < 0.3:
                del octets[random.randrange(20, len(octets)) :]
        return receive(self, bytes(octets), sender, now, ecn)

    monkeypatch.setattr(NemoMember, "receive", mutated)
    monkeypatch.setattr(world, "_look_at", lambda node, action: None)
    stream(world, 10)
    monkeypatch.setattr(NemoMember, "receive", receive)
    assert sum(node.core.counters["malformed"] for node in world.nodes) > 0
    world.run(40)
    assert nemo_schedule.steady(world) == []
    # Of another sender: the real packet of a forged number is taken for one that has come.
    assert shares(world, stream(world, 2, sender=1)) == [1.0] * 10


# What is bounded.

OTHER = MemberId(b"another1")
POINT = public(99)


def member(config: NemoConfig = DEFAULT) -> tuple[NemoMember, Sealer]:
    """A member that wants the group and leads it alone, and another one's sealer."""
    core = NemoMember(Place("n", (public(0),), (), {}, 0, Random(1), 0), config)
    core.want(GROUP, EVERY, 0)
    return core, Sealer(OTHER, {}, 0)


def peers(number: int) -> tuple[Peer, ...]:
    return tuple(Peer(MemberId(b"%8d" % n), public(n)) for n in range(number))


def test_a_group_too_many_is_refused():
    core, _ = member(NemoConfig(maximum_groups=3))
    for number in range(5):
        core.want(IPv6Address(number), EVERY, 0)
    assert len(core._groups) == 3


def test_joins_of_one_member_that_calls_itself_many_fill_one_cluster_only():
    core, _ = member(NemoConfig(maximum_cluster=8))
    for number in range(50):
        other = Sealer(MemberId(b"%8d" % number), {}, 0)
        core.receive(other.seal(encode(Join(GROUP, 0, ()))), public(number), 0)
    assert len(core.clusters(GROUP)[0][1]) == 8


def test_a_rendezvous_point_knows_so_many_groups():
    config = NemoConfig(maximum_roots=5)
    rendezvous = Rendezvous(config)
    for number in range(50):
        rendezvous.register(IPv6Address(number), OTHER, Top(0, (OTHER,)), 0)
    assert len(rendezvous._tops) == 5


def test_nobody_registers_another_one():
    core, other = member()
    message = Register(GROUP, 5, peers(1))
    core.receive(other.seal(encode(message)), POINT, 0)
    assert core.counters["malformed"] == 1
    assert core._rendezvous.top(GROUP, 0).root == core.member


def test_of_two_roots_the_higher_one_stays_and_a_silent_one_is_forgotten():
    rendezvous, one, two = Rendezvous(NemoConfig()), MemberId(b"a" * 8), MemberId(b"b" * 8)
    assert rendezvous.register(GROUP, two, Top(0, (two,)), 0).root == two
    assert rendezvous.register(GROUP, one, Top(0, (one,)), 0).root == one
    assert rendezvous.register(GROUP, two, Top(0, (two,)), 0).root == one
    assert rendezvous.register(GROUP, two, Top(1, (two,)), 0).root == two
    assert rendezvous.top(GROUP, 7 * SECOND) is None


def test_where_a_root_gives_way_the_next_one_is_found_at_once():
    """It has registered while the one before was still there, and the higher one."""
    for leaves in (True, False):
        rendezvous, one, two = Rendezvous(NemoConfig()), MemberId(b"a" * 8), MemberId(b"b" * 8)
        rendezvous.register(GROUP, one, Top(0, (one,)), 0)
        rendezvous.register(GROUP, two, Top(0, (two,)), 2 * SECOND)
        if leaves:
            assert rendezvous.register(GROUP, one, None, 3 * SECOND).root == two
        else:
            assert rendezvous.top(GROUP, 7 * SECOND).root == two
        assert rendezvous.register(GROUP, two, None, 7 * SECOND) is None


def test_a_rendezvous_point_knows_so_many_tops_of_a_group():
    rendezvous = Rendezvous(NemoConfig())
    for number in range(50):
        root = MemberId(b"%8d" % number)
        rendezvous.register(GROUP, root, Top(0, (root,)), number)
    assert len(rendezvous._tops[GROUP]) == 8


@pytest.mark.parametrize("seed", [5, 7])
def test_who_begins_to_send_while_a_root_leaves_loses_nothing(seed):
    """The old root has said that it goes, and nobody yet that it is there."""
    world = settled(14, seed)
    stranger = world.start()
    world.run(1)
    world.leave(root_of(world))
    world.run(0.02)
    world.send(stranger, b"the first")
    world.run(3)
    wanting = [node for node in world.nodes if node.alive and node.wants]
    assert [node.delivered[b"the first"] for node in wanting] == [1] * len(wanting)


def packet(publisher: MemberId, sequence: int, way: Way = Way.KEEP, layer: int = 0) -> bytes:
    ids = GROUP, publisher, sequence, way, layer, NOBODY, 0, source_of(9)
    return encode(Data(*ids, b"x" * 100))


def test_publishers_and_packets_that_are_kept_are_so_many():
    core, other = member(NemoConfig(maximum_publishers=4, kept_packets=20))
    for number in range(100):
        publisher = MemberId(b"%8d" % (number % 10))
        core.receive(other.seal(packet(publisher, 1000 * number)), POINT, 0)
    flow = core._groups[GROUP].flow
    assert len(flow._publishers) == len(flow.recovery._publishers) == 4
    assert len(flow.recovery._kept) == 20
    assert len(flow.recovery._tries) <= 20


def test_one_that_asks_for_everything_again_gets_so_much():
    core, other = member(NemoConfig(again_rate=10))
    for number in range(60):
        core.receive(other.seal(packet(OTHER, number)), POINT, 0)
    nack = encode(Nack(GROUP, OTHER, tuple(range(60))))
    sent = sum(len(core.receive(other.seal(nack), POINT, 0)) for _ in range(20))
    assert sent <= 2 * 10 + 1


def test_control_messages_of_one_member_are_so_many():
    core, other = member(NemoConfig(control_rate=10))
    for _ in range(50):
        core.receive(other.seal(encode(Join(GROUP, 0, ()))), POINT, 0)
    assert core.counters["too many"] >= 29


def test_only_the_leader_makes_one_lead():
    core, other = member()
    core.receive(other.seal(encode(Join(GROUP, 0, ()))), POINT, 0)
    before = core.clusters(GROUP)
    lead = Lead(GROUP, 0, tuple(Seat(peer) for peer in peers(5)), ())
    core.receive(other.seal(encode(lead)), POINT, 0)
    assert core.clusters(GROUP) == before


@pytest.mark.parametrize("way", Way)
@pytest.mark.parametrize("layer", [0, 1, 15])
def test_forged_data_goes_no_further_than_one_cluster(way, layer):
    core, other = member()
    core.receive(other.seal(encode(Join(GROUP, 0, ()))), POINT, 0)
    actions = core.receive(other.seal(packet(MemberId(b"somebody"), 1, way, layer)), POINT, 0)
    again = core.receive(other.seal(packet(MemberId(b"somebody"), 1, way, layer)), POINT, 0)
    assert sum(hasattr(action, "datagram") for action in actions) <= 1
    assert again == []


@pytest.mark.parametrize("way", [Way.DOWN, Way.UP])
def test_a_packet_for_layers_that_are_gone_is_brought_on_by_those_that_are_left(way):
    core, other = member()
    core.receive(other.seal(encode(Join(GROUP, 0, ()))), POINT, 0)
    actions = core.receive(other.seal(packet(MemberId(b"somebody"), 1, way, 3)), POINT, 0)
    assert sum(hasattr(action, "datagram") for action in actions) == 1


def test_a_stranger_reaches_all_though_a_layer_has_come_of_which_it_has_not_heard():
    """The rendezvous points are told at the next registration; a cluster becomes two before."""
    world = settled(10)
    stranger = world.start()
    world.run(1)
    world.send(stranger, b"it knows the top now")
    world.run(0.2)
    before = max(len(node.core.clusters(GROUP)) for node in world.nodes)
    for _ in range(20):
        world.want(world.start())
    for number in range(100):
        world.send(stranger, b"%d" % number)
        world.run(0.02)
    assert max(len(node.core.clusters(GROUP)) for node in world.nodes) > before
    world.run(3)
    early = [node for node in world.nodes[2:10] if node.wants]
    assert all(node.delivered[b"%d" % number] for node in early for number in range(100))


def test_the_centre_and_the_halves_of_a_line():
    places = {MemberId(bytes(7) + bytes((n,))): float(n) for n in range(9)}

    def distance(one: MemberId, other: MemberId) -> float:
        return abs(places[one] - places[other])

    members = list(places)
    assert centre(members, distance) == members[4]
    assert halves(members[0], members, distance) == (members[:4], members[4:])
    assert centre(members, lambda one, other: None) is None
