"""What becomes of a node's prefixes when it moves in ways that are hard on the signalling."""

import pytest

from agents.core import MILLISECOND, SECOND
from agents.mobility.actions import Advertise
from agents.mobility.config import Variant
from emu.simulator.domain import Domain, DomainConfig
from emu.simulator.network import Quality
from emu.simulator.oracle import Oracle

VARIANTS = [*Variant, None]
"""None: without a CMD."""
DELAY = 10 * MILLISECOND
LIFETIME_S = 300


@pytest.fixture(params=VARIANTS, ids=str)
def domain(request):
    config = DomainConfig(
        4,
        Quality(DELAY),
        variant=request.param or Variant.PROXY,
        distributed=request.param is None,
        binding_lifetime_s=LIFETIME_S,
    )
    return Domain(config, seed=1)


def move(domain, mn, number):
    left = domain.detach(mn)
    if left is not None:
        domain.link_down(mn, left)
    domain.attach(mn, number)


def pause(domain, time=SECOND):
    domain.engine.run(domain.engine.now + time)


def lifetimes(domain, number):
    """{prefix: (preferred, valid)} as the MAR of this number advertised them last."""
    advertised = [a for a in domain.mar(number).actions if isinstance(a, Advertise)]
    prefixes = [p for action in advertised for p in action.prefixes]
    return {p.prefix: (p.preferred_lifetime, p.valid_lifetime) for p in prefixes}


def test_old_prefixes_are_deprecated_and_the_own_one_is_preferred(domain):
    for number in (1, 2, 3):
        move(domain, "mn1", number)
        pause(domain)
    binding = domain.mar(3).core.bindings()["mn1"]
    old = {anchor.prefix: (0, LIFETIME_S) for anchor in binding.anchors}
    assert len(old) == 2
    assert lifetimes(domain, 3) == {binding.prefix: (LIFETIME_S, LIFETIME_S), **old}


def test_a_prefix_is_local_and_preferred_again_after_the_return(domain):
    oracle = Oracle(domain)
    for number in (1, 2):
        move(domain, "mn1", number)
        pause(domain)
    first = domain.mar(1).core.bindings()["mn1"].prefix
    assert domain.mar(1).router.routes[first] is not None
    domain.mar(1).actions.clear()
    move(domain, "mn1", 1)
    pause(domain)
    assert domain.mar(1).router.routes[first] is None
    assert lifetimes(domain, 1)[first] == (LIFETIME_S, LIFETIME_S)
    assert oracle.faults() == []


def test_ping_pong_between_two_mars_keeps_one_prefix_of_each(domain):
    oracle = Oracle(domain)
    for turn in range(20):
        move(domain, "mn1", turn % 2 + 1)
        pause(domain)
        assert oracle.faults() == []
    bindings = [domain.mar(number).core.bindings()["mn1"] for number in (1, 2)]
    assert [len(binding.anchors) for binding in bindings] == [0, 1]
    assert domain.mar(2).router.tunnels == {domain.mar(1).config.address}


def test_two_handovers_before_the_first_completes(domain):
    oracle = Oracle(domain)
    move(domain, "mn1", 1)
    pause(domain)
    move(domain, "mn1", 2)
    pause(domain, DELAY // 2)
    move(domain, "mn1", 3)
    pause(domain, DELAY // 2)
    move(domain, "mn1", 4)
    pause(domain, 60 * SECOND)
    assert oracle.faults() == []
    assert domain.mar(4).core.bindings()["mn1"].prefix in domain.mar(4).router.routes


def test_many_nodes_move_at_once(domain):
    oracle = Oracle(domain)
    names = [f"mn{number}" for number in range(20)]
    for turn in range(4):
        for number, name in enumerate(names):
            move(domain, name, (number + turn) % 4 + 1)
        pause(domain, 3 * SECOND)
        assert oracle.faults() == []
    assert all(len(mar.core.bindings()) == len(names) for mar in domain.mars)


def test_a_refresh_keeps_all_prefixes_alive_for_many_lifetimes(domain):
    oracle = Oracle(domain)
    for number in (1, 2, 3):
        move(domain, "mn1", number)
        pause(domain)
    pause(domain, 5 * LIFETIME_S * SECOND)
    assert oracle.faults() == []
    assert len(domain.mar(3).core.bindings()["mn1"].anchors) == 2
