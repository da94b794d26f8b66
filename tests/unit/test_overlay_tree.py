"""Plans of trees: degree and reach are kept, and all are spanned whenever that can be."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.overlay.tree import Plan
from agents.wire.overlay import MemberId, Route, decode, encode


def member(number: int) -> MemberId:
    return MemberId(number.to_bytes(8, "big"))


ROOT = member(0)


class World:
    """Members in the plane; some are behind a NAT, and reached by their hubs only."""

    def __init__(self, random: Random, size: int, degree: int, leaves: float = 0.0) -> None:
        self.members = [member(number) for number in range(size)]
        self.places = {m: (random.uniform(0, 50), random.uniform(0, 50)) for m in self.members}
        self.degree = degree
        self.hubs = {}
        self.broken = set()
        public = [m for m in self.members[1:] if random.random() >= leaves]
        for m in self.members[1:]:
            if m not in public and public:
                self.hubs[m] = random.sample(public, min(2, len(public)))

    def room(self, m):
        return 0 if m in self.hubs else self.degree

    def delay(self, one, other):
        (a, b), (c, d) = self.places[one], self.places[other]
        return ((a - c) ** 2 + (b - d) ** 2) ** 0.5 + 0.1

    def may_feed(self, parent, child):
        if (parent, child) in self.broken or parent == child:
            return False
        return parent in self.hubs.get(child, (parent,))

    def feeders(self, child):
        return self.hubs.get(child, ())


def check(plan: Plan, world: World, wanted) -> None:
    """It is a tree, within degree and reach, and has nobody who is of no use."""
    tree = plan.tree
    below = tree.below(ROOT)
    assert len(below) == len(set(below)) == len(tree.parents) + 1
    assert set(below) - {ROOT} >= wanted - plan.unplaced
    for m in below:
        assert len(tree.children.get(m, ())) <= world.room(m)
        for child in tree.children.get(m, ()):
            assert tree.parents[child] == m
            assert world.may_feed(m, child)
            assert tree.delays[child] == pytest.approx(tree.delays[m] + world.delay(m, child))
        if m not in wanted and m != ROOT:
            assert any(m in world.feeders(child) for child in tree.children[m])
    for top in tree.children[ROOT]:
        hops = tree.hops(top, frozenset(wanted))
        route = Route(ROOT, 1, 1, 500, hops)
        assert decode(encode(route)) == route
        assert [hop.member for hop in hops if hop.transit] == [
            hop.member for hop in hops if hop.member not in wanted
        ]


def plan(world, wanted, old) -> Plan:
    made = Plan(ROOT, frozenset(wanted), world)
    made.make(old)
    return made


@given(st.integers(0, 1 << 32), st.integers(1, 60), st.integers(2, 6))
def test_a_plan_spans_exactly_those_that_want_it(seed, size, degree):
    random = Random(seed)
    world = World(random, size, degree)
    old = {}
    for _ in range(6):
        wanted = set(random.sample(world.members[1:], random.randint(0, size - 1)))
        made = plan(world, wanted, old)
        check(made, world, wanted)
        assert made.unplaced == set()
        assert set(made.tree.parents) == wanted
        made.improve(random)
        check(made, world, wanted)
        old = made.tree.parents


@given(st.integers(0, 1 << 32), st.integers(2, 40))
def test_members_behind_a_nat_are_below_their_hubs(seed, size):
    random = Random(seed)
    world = World(random, size, 40, leaves=0.5)
    old = {}
    for _ in range(4):
        wanted = set(random.sample(world.members[1:], random.randint(0, size - 1)))
        made = plan(world, wanted, old)
        check(made, world, wanted)
        reachable = {m for m in wanted if m not in world.hubs or world.hubs[m]}
        assert made.unplaced == wanted - reachable
        old = made.tree.parents


@given(st.integers(0, 1 << 32), st.integers(3, 40))
def test_what_is_broken_is_gone_round(seed, size):
    random = Random(seed)
    world = World(random, size, 3)
    wanted = set(world.members[1:])
    old = plan(world, wanted, {}).tree.parents
    for _ in range(min(10, size)):
        child = random.choice(sorted(old))
        world.broken.add((old[child], child))
        made = plan(world, wanted, old)
        check(made, world, wanted)
        for one in set(old) & set(made.tree.parents):
            assert (made.tree.parents[one], one) not in world.broken
        old = made.tree.parents
        if not old:
            return


def test_a_change_moves_only_whom_it_has_to():
    random = Random(5)
    world = World(random, 100, 4)
    wanted = set(world.members[1:])
    old = plan(world, wanted, {}).tree.parents
    inner = next(m for m in old if sum(parent == m for parent in old.values()) == 4)
    made = plan(world, wanted - {inner}, old)
    moved = {m for m, parent in made.tree.parents.items() if old[m] != parent}
    assert moved <= {m for m, parent in old.items() if parent == inner}


def test_improving_ends_near_the_shortest_ways():
    random = Random(7)
    world = World(random, 60, 4)
    wanted = frozenset(world.members[1:])
    made = Plan(ROOT, wanted, world)
    made.make({m: world.members[i // 2] for i, m in enumerate(world.members[1:])})
    before = sum(made.tree.delays.values())
    for _ in range(300):
        made.improve(random)
    check(made, world, set(wanted))
    direct = sum(world.delay(ROOT, m) for m in wanted)
    assert sum(made.tree.delays.values()) < min(before, 2.2 * direct)
