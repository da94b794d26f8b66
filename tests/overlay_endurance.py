"""A stream over an overlay for long, in virtual time: who stays gets every packet, just once.

``python -m tests.overlay_endurance --minutes 30``: 100 packets a second to 64 receivers, of which
half come and go all the time, and a new key every five minutes. It ends with 1 if anything was
wrong.
"""

from __future__ import annotations

import argparse
import sys

from tests.unit.overlay_world import EVERY, World

RECEIVERS, STAY = 64, 32
RATE = 100
_CHANGE_S = 2
_REKEY_S = 300
_STAGE_S = 5


def main() -> int:
    """Run it; how the command ends."""
    parser = argparse.ArgumentParser(prog="python -m tests.overlay_endurance", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30, help="in virtual time (30)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    wrong = run(int(options.minutes * 60), options.seed)
    print(
        f"{options.minutes:g} min, {RECEIVERS} receivers, {len(wrong)} faults", *wrong, sep="\n  "
    )
    return 1 if wrong else 0


def run(seconds: int, seed: int = 1, rekey_s: int = _REKEY_S) -> list[str]:
    """What was wrong within so much virtual time."""
    world = World(seed, RECEIVERS + 1, keys={1: secret(1)})
    world.run(10)
    for node in world.nodes[1:]:
        world.want(node)
    world.run(2)
    wrong: list[str] = []
    late: list[bytes] = []
    for second in range(seconds):
        _rekey(world, second % rekey_s, 1 + second // rekey_s)
        if second % _CHANGE_S == 0:
            node = world.random.choice(world.nodes[1 + STAY :])
            world.want(node, None if node.wants else EVERY)
        packets = [b"%d of %d" % (number, second) for number in range(RATE)]
        for packet in packets:
            world.send(world.nodes[0], packet)
            world.run(1 / RATE)
        wrong += _missed(world, late, second - 1)
        late = packets  # they may still be on their way
    return wrong + world.wrong


def secret(number: int) -> bytes:
    """A key of the overlay."""
    return b"the secret number %d" % number


def _rekey(world: World, second: int, number: int) -> None:
    """In three steps: all have the new key, all use it, nobody has the old one."""
    old, new = {number: secret(number)}, {number + 1: secret(number + 1)}
    steps = {
        _STAGE_S: ({**old, **new}, number),
        2 * _STAGE_S: ({**old, **new}, number + 1),
        3 * _STAGE_S: (new, number + 1),
    }
    if second in steps:
        for node in world.nodes:
            node.core.set_keys(*steps[second])


def _missed(world: World, packets: list[bytes], second: int) -> list[str]:
    """Who of those that stay lacks any of these; they are then forgotten, to save memory."""
    found = []
    for node in world.nodes[1:]:
        lacking = sum(packet not in node.delivered for packet in packets)
        if node.number <= STAY and lacking:
            found.append(f"second {second}: {node.number} lacks {lacking}")
        for packet in packets:
            node.delivered.pop(packet, None)
    return found


if __name__ == "__main__":
    sys.exit(main())
