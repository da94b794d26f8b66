"""500 randomised runs of Proxy Mobile IPv6 with fast handovers end in what the movements ask for.

They are the schedules of test_virtual_time.py, with announcements in time, too late, too early, and
wrong. ``run(random_schedule(seed, prepared=True), predictive=...)`` repeats one.
"""

import pytest

from agents.core import MILLISECOND, SECOND
from emu.schemes.fpmipv6.virtual import FastDomainConfig, FastProxyDomain, run
from emu.simulator.network import Quality
from emu.simulator.schedule import random_schedule

SCHEDULES = 250
BATCH = 50


@pytest.mark.parametrize("predictive", [True, False])
@pytest.mark.parametrize("first", range(0, SCHEDULES, BATCH))
def test_the_domain_converges(first, predictive):
    for seed in range(first, first + BATCH):
        faults = run(random_schedule(seed, prepared=True), predictive=predictive)
        assert not faults, f"{seed}, predictive={predictive}: " + "\n".join(faults)


def domain(*, predictive):
    quality = Quality(delay=5 * MILLISECOND)
    return FastProxyDomain(FastDomainConfig(3, quality, predictive=predictive), seed=0)


def come(world, mn, number):
    world.attach(mn, number)
    world.engine.run(world.engine.now + SECOND)


def leads_to(world, mn, *, start):
    """Where a packet that the LMA sends to the node's prefix ends, and whether it is kept there."""
    prefix = world.lma.bindings()[mn].prefix
    numbers = {mag.address: mag.number for mag in world.mags}
    mag = world.mag(start)
    for _ in world.mags:
        if prefix in mag.router.kept:
            return mag.number, "kept"
        if prefix not in mag.router.routes:
            return mag.number, "lost"
        peer = mag.router.routes[prefix]
        if peer is None:
            return mag.number, "delivered"
        mag = world.mag(numbers[peer])
    raise AssertionError("a loop")


@pytest.mark.parametrize("predictive", [True, False])
def test_no_packet_is_lost_on_the_way(predictive):
    """Whatever the LMA sends to is followed every millisecond, from before the node leaves on."""
    world = domain(predictive=predictive)
    come(world, "mn1", 1)
    addresses = {mag.address: mag.number for mag in world.mags}
    start = world.engine.now
    steps = {
        10: lambda: world.announce("mn1", 2),
        60: lambda: world.link_down("mn1", world.detach("mn1")),
        110: lambda: world.attach("mn1", 2),
    }
    seen = []
    for ms in range(400):
        steps.get(ms, lambda: None)()
        world.engine.run(start + (ms + 1) * MILLISECOND)
        serving = addresses[world.lma.bindings()["mn1"].serving]
        end = leads_to(world, "mn1", start=serving)
        if not seen or seen[-1] != (serving, *end):
            seen.append((serving, *end))
    announced = [(1, 1, "delivered"), (1, 2, "kept"), (1, 2, "delivered"), (2, 2, "delivered")]
    asked = [(1, 1, "delivered"), (1, 1, "kept"), (1, 2, "delivered"), (2, 2, "delivered")]
    assert seen == (announced if predictive else asked)


def test_a_node_is_served_before_the_lma_knows():
    """Section 5.2: it has its prefix, and sends by its previous MAG, while the PBU is out."""
    world = domain(predictive=True)
    come(world, "mn1", 1)
    prefix = world.lma.bindings()["mn1"].prefix
    world.announce("mn1", 2)
    world.engine.run(world.engine.now + 20 * MILLISECOND)
    world.link_down("mn1", world.detach("mn1"))
    world.attach("mn1", 2)
    previous, following = world.mag(1), world.mag(2)
    assert following.router.routes == {prefix: None}
    assert following.router.source_routes == {prefix: previous.address}
    assert previous.router.return_routes[prefix][0] == following.address
    assert world.lma.bindings()["mn1"].serving == previous.address


def test_the_exchange_of_a_prediction():
    """Figure 2, then the end of the forwarding; the LMA hears of it from the next MAG alone."""
    world = domain(predictive=True)
    come(world, "mn1", 1)
    before = len(world.logged("sent"))
    world.announce("mn1", 2)
    world.engine.run(world.engine.now + 100 * MILLISECOND)
    world.link_down("mn1", world.detach("mn1"))
    world.attach("mn1", 2)
    world.engine.run(world.engine.now + 10 * SECOND)
    messages = [(e.node, e.log.fields["message"]) for e in world.logged("sent")[before:]]
    assert messages[:4] == [("mag1", "HI"), ("mag2", "HAck"), ("mag2", "PBU"), ("lma", "PBA")]
    ends = [("mag1", "HI"), ("mag1", "PBU"), ("mag2", "HAck"), ("lma", "PBA")]
    assert sorted(messages[4:]) == sorted(ends)
    assert world.faults() == []


def test_the_exchange_of_a_reaction():
    """Figure 3, with buffering asked for before forwarding (section 4.2)."""
    world = domain(predictive=False)
    come(world, "mn1", 1)
    before = len(world.logged("sent"))
    world.announce("mn1", 2)
    world.link_down("mn1", world.detach("mn1"))
    world.engine.run(world.engine.now + 50 * MILLISECOND)
    come(world, "mn1", 2)
    messages = [(e.node, e.log.fields["message"]) for e in world.logged("sent")[before:]]
    context, forwarding = [[("mag2", "HI"), ("mag1", "HAck")]] * 2
    assert messages == [*context, *forwarding, ("mag2", "PBU"), ("lma", "PBA")]


def test_all_ends_by_itself():
    world = domain(predictive=True)
    come(world, "mn1", 1)
    world.announce("mn1", 3)  # where it does not go
    world.engine.run(world.engine.now + 20 * MILLISECOND)
    world.link_down("mn1", world.detach("mn1"))
    come(world, "mn1", 2)
    world.link_down("mn1", world.detach("mn1"))
    world.engine.run(world.engine.now + 60 * SECOND)
    assert world.faults() == []
    assert [mag.core.next_deadline() for mag in world.mags] == [None] * 3
    assert [mag.core.tunnels() for mag in world.mags] == [{}] * 3
