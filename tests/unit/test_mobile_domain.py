"""Random joins, leaves, moves, crashes under the complete solution end as the oracle works out.

Every listener gets each packet once, nobody else gets any, and each router takes each channel in
once. A failure names its seed: ``run_schedule(seed, SMALL)`` repeats it. ``make soak`` runs 5,000
of the large ones.
"""

import pytest

from tests.unit.mobile_schedule import FULL, SMALL, run_schedule

BATCHES, BATCH = 8, 50
LARGE = 10


@pytest.mark.parametrize("first", range(0, BATCHES * BATCH, BATCH))
def test_small_domains_converge(first):
    for seed in range(first, first + BATCH):
        found = run_schedule(seed, SMALL)
        assert not found, f"run_schedule({seed}, SMALL): " + "\n".join(found)


@pytest.mark.parametrize("seed", range(LARGE))
def test_a_domain_of_20_mars_and_200_nodes_converges(seed):
    assert run_schedule(seed, FULL) == []
