"""Random schedules of an overlay: joins, leaves, crashes, partitions, moves, NATs that rebind."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from tests.unit.overlay_world import EVERY, SEEDS, Impairment, Node, World, spanned

_STEPS = 20
_QUIET = 60
"""Seconds until all is settled: the longest time for which a way that failed is not used."""
_SENT_AFTER = 25


@dataclass(frozen=True)
class Size:
    """How large a schedule may be."""

    members: int = 12
    steps: int = _STEPS
    loss: float = 0.3


SMALL = Size()
LARGE = Size(100, 30)


def run_schedule(seed: int, size: Size = SMALL) -> list[str]:
    """What was wrong in one schedule."""
    random = Random(seed)
    members = random.randint(3, size.members)
    worst = Impairment(
        random.choice((0, 0.05, size.loss)), random.choice((0, 0.2)), random.choice((0, 20))
    )
    world = World(seed, members, worst, nats=random.choice((0, 0, 0.3)))
    world.run(10)
    roots = world.nodes[: random.choice((1, 2))]
    for node in world.nodes:
        if random.random() < 0.6:
            world.want(node)
    number = 0
    for _ in range(random.randint(3, size.steps)):
        _disturb(world, random, roots)
        for _ in range(random.randint(1, 40)):
            number += 1
            for root in roots:
                world.send(root, b"%d from %d" % (number, root.number))
            world.run(random.choice((0.02, 0.1)))
    return [*world.wrong, *_settle(world, roots)]


def _disturb(world: World, random: Random, roots: list[Node]) -> None:
    """One thing that happens in networks."""
    alive = [node for node in world.nodes if node.alive]
    others = [node for node in alive if node not in roots and node.number >= SEEDS]
    node = random.choice(alive)
    what = random.choice(("want", "want", "want", "crash", "leave", "start", "part", "move", "nat"))
    if what == "want":
        world.want(node, None if node.wants else EVERY)
    elif what in ("crash", "leave") and others:
        victim = random.choice(others)
        world.crash(victim) if what == "crash" else world.leave(victim)
    elif what == "start":
        world.want(world.start(behind_nat=random.random() < 0.2))
    elif what == "part":
        for each in alive:
            each.side = random.choice((0, 0, 1)) if random.random() < 0.5 else 0
    elif what == "move" and not node.nat and node.number >= SEEDS:
        world.move(node, told=random.random() < 0.7)
    elif what == "nat" and node.nat:
        world.rebind(node)


def _settle(world: World, roots: list[Node]) -> list[str]:
    """After the last disturbance: who must get everything, and whether it does, just once."""
    wrong = []
    world.impairment = Impairment(jitter_ms=5)
    for node in world.nodes:
        node.side = 0
    for root in roots:
        world.send(root, b"wake %d" % root.number)
    world.run(_QUIET)
    # Trees that were idle find out what is broken when they are used.
    for number in range(_SENT_AFTER * 10):
        for root in roots:
            world.send(root, b"settling %d from %d" % (number, root.number))
        world.run(0.1)
    for node in world.nodes:
        node.delivered.clear()
    last = [b"last %d" % n for n in range(50)]
    for packet in last:
        for root in roots:
            world.send(root, packet + b" from %d" % root.number)
        world.run(0.02)
    world.run(3)
    for root in roots:
        expected = {n.number for n in world.nodes if n.alive and n.wants and n is not root}
        relays = spanned(world, root) - expected
        hubs = _hubs_of(world, expected)
        if not spanned(world, root) >= expected:
            wrong.append(f"root {root.number} spans {spanned(world, root)}, not {expected}")
        if not relays <= hubs:
            wrong.append(f"root {root.number} spans {relays}, who do not want it")
        for node in world.nodes:
            got = [p for p in node.delivered if p.endswith(b"from %d" % root.number)]
            due = len(last) if node.number in expected else 0
            if node.alive and len(got) != due:
                wrong.append(f"{node.number} got {len(got)} of {due} from {root.number}")
    return wrong + world.wrong


def _hubs_of(world: World, numbers: set[int]) -> set[int]:
    """By whom those of these are reached who seem to be behind a NAT."""
    profiles = world.nodes[0].core.directory.profiles
    members = {node.member for node in world.nodes if node.number in numbers}
    hubs = {hub for m in members if m in profiles for hub in profiles[m].hubs}
    return {node.number for node in world.nodes if node.member in hubs}
