"""An access router of host-based mobility: a prefix for each mobile node, as long as it is used."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network

from agents.core import SECOND, Action
from agents.mobility.access_router import AccessRouterConfig, AccessRouterCore
from agents.mobility.actions import (
    Advertise,
    InstallRoute,
    MobileNode,
    RemoveRoute,
    ServingEnded,
    ServingStarted,
)
from agents.wire.ndp import MapOption

ROUTER, AGENT = IPv6Address("fe80::5213:1"), IPv6Address("2001:db8:ffff::1:1")
POOL = IPv6Network("2001:db8:1::/48")
MN = MobileNode("mn1", bytes.fromhex("020000000001"))
OTHER = MobileNode("mn2", bytes.fromhex("020000000002"))
PREFIX = IPv6Network("2001:db8:1:1::/64")
T0 = 1000 * SECOND


class Used:
    """Whether the prefix is bound elsewhere."""

    def __init__(self) -> None:
        self.now = False

    def __call__(self, prefix: IPv6Network) -> bool:
        return self.now


def router(used: Used | None = None) -> AccessRouterCore:
    return AccessRouterCore(AccessRouterConfig(ROUTER, POOL, 60, AGENT), used or Used())


def advertised(actions: list[Action]) -> list[Advertise]:
    return [action for action in actions if isinstance(action, Advertise)]


def test_a_node_gets_a_prefix_of_its_own_and_is_told_at_once():
    core = router()
    actions = core.attach(MN, T0)
    assert InstallRoute(PREFIX, None) in actions
    assert ServingStarted(MN, None) in actions
    (message,) = advertised(actions)
    assert (message.mobile_node, message.router, message.home_agent) == (MN, ROUTER, AGENT)
    assert [p.prefix for p in message.prefixes] == [PREFIX]
    core.attach(OTHER, T0)
    assert len(set(core.prefixes().values())) == 2


def test_it_tells_of_the_mobility_anchor_points():
    """RFC 5380 section 7: in each advertisement."""
    maps = (MapOption(IPv6Address("2001:db8:b001::1"), 60),)
    core = AccessRouterCore(AccessRouterConfig(ROUTER, POOL, 60, maps=maps), Used())
    said = [*core.attach(MN, T0), *core.timer(T0 + SECOND), *core.solicit("mn1", T0 + SECOND)]
    assert [message.maps for message in advertised(said)] == [maps] * 3


def test_it_is_told_again_twice_soon_and_then_seldom():
    core = router()
    core.attach(MN, T0)
    times = []
    for _ in range(3):
        due = core.next_deadline()
        times.append((due - T0) // SECOND)
        assert len(advertised(core.timer(due))) == 1
    assert times == [1, 2, 22]


def test_who_solicits_is_answered_while_it_is_here():
    core = router()
    core.attach(MN, T0)
    assert len(advertised(core.solicit("mn1", T0))) == 1
    assert core.detach("mn1", T0)[-1] == ServingEnded(MN)
    assert core.solicit("mn1", T0) == core.solicit("nobody", T0) == []
    assert core.detach("mn1", T0) == []


def test_who_comes_back_has_its_prefix_again():
    core = router()
    core.attach(MN, T0)
    core.detach("mn1", T0)
    assert not any(isinstance(a, InstallRoute) for a in core.attach(MN, T0 + 30 * SECOND))
    core.timer(T0 + 90 * SECOND)
    assert core.prefixes() == {"mn1": PREFIX}


def test_who_waits_for_a_prefix_gets_the_next_one_that_is_free():
    pool = IPv6Network("2001:db8:1::/63")  # two prefixes, of which one is kept back
    core = AccessRouterCore(AccessRouterConfig(ROUTER, pool, 60, AGENT), Used())
    core.attach(MN, T0)
    assert not advertised(core.attach(OTHER, T0))
    core.detach("mn1", T0)
    actions = core.timer(T0 + 60 * SECOND)
    assert [message.mobile_node for message in advertised(actions)] == [OTHER]
    assert list(core.prefixes()) == ["mn2"]
    core.attach(MN, T0 + 60 * SECOND)
    core.detach("mn1", T0 + 61 * SECOND)
    core.detach("mn2", T0 + 61 * SECOND)
    assert not advertised(core.timer(T0 + 121 * SECOND))


def test_a_prefix_is_kept_while_it_is_bound_and_then_given_back():
    used = Used()
    core = router(used)
    core.attach(MN, T0)
    core.detach("mn1", T0)
    used.now = True
    assert core.timer(T0 + 60 * SECOND) == []
    used.now = False
    assert core.timer(T0 + 75 * SECOND) == [RemoveRoute(PREFIX)]
    assert core.next_deadline() is None
