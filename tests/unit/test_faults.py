"""What docs/guarantees.md promises when nodes are killed, clocks differ, or names are not unique.

The schedules are those of ``test_virtual_time``, signalling loss of up to 30 % included.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import pytest

from agents.core import MILLISECOND, SECOND
from agents.mobility.config import Variant
from agents.mobility.sessions import Phase
from emu.simulator.domain import Domain, DomainConfig
from emu.simulator.network import Quality
from emu.simulator.oracle import Oracle
from emu.simulator.schedule import random_schedule, run, with_crashes, with_skew

SEEDS = range(60)
CMD, EVERYBODY = (0,), (0, 1, 2, 3, 4, 5)
SCHEMES = [*((variant, False) for variant in Variant), (Variant.PROXY, True)]
NAMES = [*(variant.value for variant in Variant), "distributed"]
LIFETIME_S = 20


def assert_converges(spoil, variant: Variant, distributed: bool) -> None:
    for seed in SEEDS:
        schedule = spoil(random_schedule(seed, variant, distributed=distributed))
        assert run(schedule) == [], f"seed {seed}"


@pytest.mark.parametrize("variant", Variant)
def test_a_cmd_that_is_killed_at_any_time(variant):
    assert_converges(lambda schedule: with_crashes(schedule, CMD), variant, False)


@pytest.mark.parametrize(("variant", "distributed"), SCHEMES, ids=NAMES)
def test_every_mar_and_the_cmd_are_killed_once(variant, distributed):
    agents = EVERYBODY[1:] if distributed else EVERYBODY
    assert_converges(lambda schedule: with_crashes(schedule, agents), variant, distributed)


@pytest.mark.parametrize(("variant", "distributed"), SCHEMES, ids=NAMES)
def test_clocks_that_differ_by_up_to_ten_seconds(variant, distributed):
    apart = 20 if distributed else 6
    assert_converges(
        lambda schedule: with_skew(schedule, 5 * SECOND, apart * SECOND), variant, distributed
    )


def domain(**changes) -> Domain:
    quality = Quality(delay=5 * MILLISECOND)
    return Domain(DomainConfig(3, quality, binding_lifetime_s=LIFETIME_S, **changes), seed=0)


def go(made: Domain, mn: str, number: int, seconds: float = 2) -> None:
    left = made.detach(mn)
    if left is not None:
        made.link_down(mn, left)
    made.attach(mn, number)
    wait(made, seconds)


def wait(made: Domain, seconds: float) -> None:
    made.engine.run(made.engine.now + int(seconds * SECOND))


def phase(made: Domain, number: int, mn: str) -> Phase | None:
    binding = made.mar(number).core.bindings().get(mn)
    return binding.phase if binding else None


@pytest.mark.parametrize("ahead", [2, 5])
def test_a_slow_clock_delays_a_handover_by_no_more_than_the_difference(ahead):
    made = domain(skews=(ahead * SECOND, 0))
    go(made, "mn1", 1, seconds=0.5)
    go(made, "mn1", 2, seconds=ahead + 1)
    assert phase(made, 2, "mn1") is Phase.SERVING
    assert phase(made, 1, "mn1") is Phase.ANCHORING


def test_of_two_nodes_with_one_identifier_the_last_that_came_is_served():
    made = domain()
    oracle = Oracle(made)
    go(made, "mn2", 3)
    made.attach("mn1", 1)
    wait(made, 2)
    made.attach("mn1", 2)  # while the other one is still at the first MAR
    wait(made, 2)
    assert oracle.faults() == []
    settled = made.network.carried
    wait(made, LIFETIME_S // 2 - 3)
    assert made.network.carried - settled <= 8  # refreshes; they do not fight for it
    assert oracle.faults() == []


def test_of_two_nodes_that_claim_one_prefix_the_one_at_its_anchor_has_it():
    made = domain()
    go(made, "mn1", 1)
    (claimed,) = made.mar(1).router.routes
    go(made, "mn1", 2)
    first = made.mar(1)
    first.config = replace(first.config, first_prefix=1 - 1000)
    made.crash_mar(1)
    made.restart_mar(1)  # as if it did not take care to begin with another one
    go(made, "mn2", 1)
    assert first.router.routes == {claimed: None}
    wait(made, 2 * LIFETIME_S)
    assert first.router.routes == {claimed: None}
    assert made.cmd.bindings()["mn1"].previous == ()
    assert made.mar(2).core.bindings()["mn1"].anchors == ()
    assert phase(made, 1, "mn2") is Phase.SERVING
    assert phase(made, 2, "mn1") is Phase.SERVING


def test_a_mar_that_starts_again_does_not_begin_with_what_it_gave_before():
    made = domain()
    go(made, "mn1", 1)
    (given,) = made.mar(1).router.routes
    go(made, "mn1", 2)
    made.crash_mar(1)
    made.restart_mar(1)
    go(made, "mn2", 1)
    assert given not in made.mar(1).router.routes
    wait(made, LIFETIME_S)
    assert made.mar(1).router.routes[given] == made.mar(2).config.address


def test_sessions_go_on_while_there_is_no_cmd_and_new_ones_wait_for_it():
    made = domain()
    oracle = Oracle(made)
    go(made, "mn1", 1)
    go(made, "mn1", 2)
    made.cmds[0].crash()
    forwarding = [deepcopy(vars(mar.router)) for mar in made.mars[:2]]
    go(made, "mn2", 3, seconds=LIFETIME_S // 2 - 4)
    assert phase(made, 3, "mn2") is Phase.REGISTERING
    assert [vars(mar.router) for mar in made.mars[:2]] == forwarding
    made.cmds[0].restart()
    wait(made, 40)
    assert oracle.faults() == []
    assert phase(made, 3, "mn2") is Phase.SERVING
