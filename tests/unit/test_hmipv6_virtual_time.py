"""100 randomised runs of Hierarchical Mobile IPv6 end in what the movements ask for.

They are the schedules of test_virtual_time.py. ``run(random_schedule(seed))`` repeats one.
"""

import pytest

from agents.core import MILLISECOND, SECOND
from emu.schemes.hmipv6.virtual import HierarchicalDomain, run
from emu.simulator.domain import DomainConfig
from emu.simulator.network import Quality
from emu.simulator.schedule import random_schedule

SCHEDULES = 100
BATCH = 50


@pytest.mark.parametrize("first", range(0, SCHEDULES, BATCH))
def test_the_network_converges(first):
    for seed in range(first, first + BATCH):
        faults = run(random_schedule(seed))
        assert not faults, f"{seed}: " + "\n".join(faults)


def test_the_home_agent_hears_of_moves_between_domains_only():
    """1 and 2 have one MAP, 3 and 4 another one, 5 has none."""
    world = HierarchicalDomain(DomainConfig(5, Quality(5 * MILLISECOND)), seed=0)
    told = []
    for number in (1, 2, 1, 3, 4, 5, 5, 1):
        world.detach("mn1")
        world.attach("mn1", number)
        world.engine.run(world.engine.now + SECOND)
        told.append(world.to_agent)
        assert world.faults() == []
    assert told == [1, 1, 1, 2, 2, 3, 3, 4]
