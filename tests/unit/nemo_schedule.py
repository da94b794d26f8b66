"""Random schedules of NEMO: joins, leaves, crashes, partitions, moves, under loss and disorder."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from tests.unit.nemo_world import NemoWorld, faults
from tests.unit.overlay_world import EVERY, SEEDS, Impairment, Node

_QUIET = 40
"""Seconds until all is settled: two partitions find each other, clusters get their sizes."""
_PACKETS = 20


@dataclass(frozen=True)
class Size:
    """How large a schedule may be."""

    members: int = 14
    steps: int = 16
    loss: float = 0.3


SMALL = Size()
LARGE = Size(100, 30)


def run_schedule(seed: int, size: Size = SMALL) -> list[str]:
    """What was wrong in one schedule."""
    random = Random(seed)
    worst = Impairment(
        random.choice((0, 0.05, size.loss)), random.choice((0, 0.2)), random.choice((0, 20))
    )
    world = NemoWorld(seed, random.randint(3, size.members), worst)
    for node in world.nodes:
        if random.random() < 0.7:
            world.want(node)
    number = 0
    for _ in range(random.randint(3, size.steps)):
        _disturb(world, random)
        for _ in range(random.randint(1, 30)):
            number += 1
            sender = random.choice([node for node in world.nodes if node.alive])
            world.send(sender, b"%d" % number)
            world.run(random.choice((0.02, 0.1)))
    return [*world.wrong, *_settle(world, random)]


def _disturb(world: NemoWorld, random: Random) -> None:
    """One thing that happens in networks."""
    alive = [node for node in world.nodes if node.alive]
    others = [node for node in alive if node.number >= SEEDS]
    node = random.choice(alive)
    what = random.choice(("want", "want", "want", "crash", "leave", "start", "part", "move"))
    if what == "want":
        world.want(node, None if node.wants else EVERY)
    elif what in ("crash", "leave") and others:
        victim = random.choice(others)
        world.crash(victim) if what == "crash" else world.leave(victim)
    elif what == "start":
        world.want(world.start())
    elif what == "part":
        for each in alive:
            each.side = random.choice((0, 0, 1)) if random.random() < 0.5 else 0
    elif what == "move" and node.number >= SEEDS:
        world.move(node, told=random.random() < 0.7)


def _settle(world: NemoWorld, random: Random) -> list[str]:
    """After the last disturbance: the clusters span who wants it, and each packet comes once."""
    world.impairment = Impairment(jitter_ms=5)
    for node in world.nodes:
        node.side = 0
    world.run(_QUIET)
    wrong = steady(world)
    for node in world.nodes:
        node.delivered.clear()
    alive = [node for node in world.nodes if node.alive]
    senders: list[Node] = random.sample(alive, min(2, len(alive)))
    for number in range(_PACKETS):
        for sender in senders:
            world.send(sender, b"last %d from %d" % (number, sender.number))
        world.run(0.02)
    world.run(3)
    for sender in senders:
        for node in alive:
            got = [p for p in node.delivered if p.endswith(b"from %d" % sender.number)]
            due = _PACKETS if node.wants and node is not sender else 0
            if len(got) != due:
                wrong.append(f"{node.number} got {len(got)} of {due} from {sender.number}")
    return wrong + world.wrong


def steady(world: NemoWorld) -> list[str]:
    """What is wrong with the clusters; a leader that just gives way to another one is not."""
    wrong = faults(world)
    for _ in range(10):
        if not wrong:
            break
        world.run(0.7)
        wrong = faults(world)
    return wrong
