"""A second CMD: whichever dies, at whatever step, every answered binding and handover survives."""

from __future__ import annotations

from ipaddress import IPv6Address
from random import Random

import pytest

from agents.core import MILLISECOND, SECOND
from agents.mobility.config import Variant
from agents.mobility.sessions import Phase
from emu.simulator.domain import CMD_ADDRESS, STANDBY_ADDRESS, Domain, DomainConfig
from emu.simulator.network import Quality
from emu.simulator.oracle import Oracle
from emu.simulator.schedule import random_schedule, run, with_crashes, with_standby

QUALITY = Quality(delay=5 * MILLISECOND)
VISITS = (1, 2, 3, 1)
ACTIVE, STANDBY = 0, -1
SEEDS = range(25)


def domain(
    variant: Variant = Variant.PROXY, quality: Quality = QUALITY, seed: int = 0, **changes: int
) -> Domain:
    options = {"encoded": True, **changes}
    return Domain(DomainConfig(3, quality, variant=variant, standby=True, **options), seed)


def go(made: Domain, mn: str, number: int | None, seconds: float = 5) -> None:
    left = made.detach(mn)
    if left is not None:
        made.link_down(mn, left)
    if number is not None:
        made.attach(mn, number)
    wait(made, seconds)


def wait(made: Domain, seconds: float) -> None:
    made.engine.run(made.engine.now + int(seconds * SECOND))


def anchors(made: Domain, cmd: int, mn: str) -> list[IPv6Address]:
    """Where the node has been, as that CMD knows it; where it is at the end."""
    binding = made.cmds[cmd].core.bindings()[mn]
    return [*(anchor.address for anchor in binding.previous), binding.serving]


def walk(variant: Variant, victim: int, crash_at: int | None, down: int | None) -> tuple[int, int]:
    """A node visits some MARs and leaves; a CMD is killed once. From when to when it may be."""
    made = domain(variant, encoded=False)
    oracle = Oracle(made)
    killed, other = made.cmds[victim], made.cmds[-1 - victim]
    wait(made, 2)
    first = killed.actions + 1
    if down is not None:
        killed.on_crash = lambda: made.engine.after(down, killed.restart)
    killed.crash_at = crash_at
    for number in VISITS:
        go(made, "mn1", number)
    last = killed.actions
    if crash_at is not None and down is None:
        wait(made, 5)
    expected = [made.mar(number).config.address for number in VISITS[1:]]
    assert anchors(made, made.cmds.index(other), "mn1") == expected
    assert made.mar(1).core.bindings()["mn1"].phase is Phase.SERVING
    if down is not None:
        wait(made, 5)
        assert oracle.faults() == []
    go(made, "mn1", None, seconds=60)  # detachment, then two times what is remembered
    for mar in made.mars:
        assert mar.router.tunnels == set()
        assert mar.router.routes == {}
    for cmd in made.cmds:
        if cmd.runs:
            assert cmd.stored == {}, f"killed before step {crash_at}"
    return first, last


@pytest.mark.parametrize("down", [100 * MILLISECOND, None], ids=["briefly", "for good"])
@pytest.mark.parametrize("victim", [ACTIVE, STANDBY], ids=["active", "standby"])
@pytest.mark.parametrize("variant", Variant)
def test_killed_at_any_step_of_any_exchange(variant, victim, down):
    first, last = walk(variant, victim, None, down)
    assert last - first > 20
    for step in range(first, last + 1):
        walk(variant, victim, step, down)


def assert_converges(variant: Variant, *agents: int) -> None:
    for seed in SEEDS:
        schedule = with_crashes(random_schedule(seed, variant), agents)
        assert run(with_standby(schedule)) == [], f"seed {seed}"


@pytest.mark.parametrize("variant", Variant)
@pytest.mark.parametrize("victims", [(), (ACTIVE,), (STANDBY,), (ACTIVE, STANDBY)], ids=str)
def test_lost_duplicated_and_late_messages_while_either_or_both_are_killed(variant, victims):
    assert_converges(variant, *victims)


@pytest.mark.parametrize("variant", Variant)
def test_every_mar_and_both_cmds_are_killed_once(variant):
    assert_converges(variant, ACTIVE, STANDBY, 1, 2, 3, 4, 5)


@pytest.mark.parametrize("victim", [ACTIVE, STANDBY], ids=["active", "standby"])
@pytest.mark.parametrize("variant", Variant)
def test_no_binding_is_lost_that_was_answered_before_the_death(variant, victim):
    for seed in SEEDS:
        random = Random(seed)
        quality = Quality(
            QUALITY.delay, 5 * MILLISECOND, random.uniform(0, 0.3), 0.2, 0.2, 500 * MILLISECOND
        )
        made = domain(variant, quality, seed, detach_delay=100 * SECOND)
        killed = made.cmds[victim]
        made.engine.at(random.randrange(60 * SECOND), killed.crash)
        for _ in range(random.randint(3, 12)):
            go(made, random.choice(("mn1", "mn2")), random.randint(1, 3), random.uniform(0.1, 9))
        wait(made, 60)
        survivor = made.cmds.index(made.cmds[-1 - victim])
        for event in made.logged("binding_complete"):
            mar = made.mar(int(event.node[3:])).config.address
            known = anchors(made, survivor, event.log.fields["mn"])
            assert mar in known, f"seed {seed}: {event}"


def test_nobody_is_answered_before_the_standby_has_it():
    made = domain()
    wait(made, 2)
    made.cmds[STANDBY].crash()
    began = made.engine.now
    go(made, "mn1", 1, seconds=0.9)
    assert made.logged("binding_complete") == []
    wait(made, 10)
    told = [event.time - began for event in made.logged("binding_complete")]
    assert len(told) == 1  # the wait is bounded
    assert told[0] < 5 * SECOND
    assert made.cmd.alone
    assert [event.node for event in made.logged("peer_lost")] == ["cmd"]
    go(made, "mn1", 2, seconds=0.5)  # and is not begun anew
    assert made.mar(2).core.bindings()["mn1"].phase is Phase.SERVING


def test_an_active_that_was_dead_comes_back_as_the_standby_and_knows_all():
    made = domain()
    go(made, "mn1", 1)
    made.cmds[ACTIVE].crash()
    for number in (2, 3):
        go(made, "mn1", number)
        assert made.mar(number).core.bindings()["mn1"].phase is Phase.SERVING
    made.cmds[ACTIVE].restart()
    wait(made, 1)
    assert anchors(made, ACTIVE, "mn1") == anchors(made, STANDBY, "mn1")
    assert len(anchors(made, ACTIVE, "mn1")) == 3
    before = len(made.events)
    go(made, "mn1", 2, seconds=0.5)
    asked = [
        event.log.fields["source"]
        for event in made.events[before:]
        if event.node == "mar2" and event.log.kind == "received"
    ]
    assert asked  # by the MARs that have heard the standby it is still asked first


def test_a_handover_that_the_standby_has_taken_over_costs_one_timeout():
    made = domain()
    go(made, "mn1", 1)
    made.cmds[ACTIVE].crash()
    began = made.engine.now
    go(made, "mn1", 2)
    (done,) = (e.time for e in made.logged("binding_complete") if e.node == "mar2")
    assert SECOND < done - began < 1.1 * SECOND + 4 * SECOND
    began = made.engine.now
    go(made, "mn1", 1)
    assert made.logged("binding_complete")[-1].time - began < 50 * MILLISECOND


def test_two_that_do_not_reach_each_other_agree_again():
    """Each serves whom it hears; then the later state counts, and the anchors of both."""
    made = domain()
    go(made, "mn1", 1)
    carry = made.network.send
    between = {CMD_ADDRESS, STANDBY_ADDRESS}

    def cut(message, source, destination):
        if not {source, destination} <= between:
            carry(message, source, destination)

    made.network.send = cut
    wait(made, 6)
    assert [event.node for event in made.logged("peer_lost")] == ["cmd", "cmd2"]
    go(made, "mn1", 2)
    made.mar(3).core._state.exchange._asked_first = STANDBY_ADDRESS
    go(made, "mn1", 3)
    assert anchors(made, ACTIVE, "mn1") != anchors(made, STANDBY, "mn1")
    made.network.send = carry
    wait(made, 3)
    here = [made.mar(number).config.address for number in (1, 2, 3)]
    for cmd in (ACTIVE, STANDBY):
        assert sorted(anchors(made, cmd, "mn1")) == here
        assert anchors(made, cmd, "mn1")[-1] == here[-1]
