"""Gateways of an island: nothing goes round, whoever takes itself for the one that carries."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.core import SECOND, Action
from agents.multicast.actions import SendMld
from agents.multicast.config import ProxyConfig
from agents.multicast.island import Island
from agents.multicast.link_router import LinkRouter
from agents.multicast.querier import KEEP_ALIVE_LOST
from agents.wire.addresses import mapped
from agents.wire.mld import ALL_MLDV2_ROUTERS, ALL_NODES
from tests.unit.overlay_world import Impairment, World

ISLAND = Island([ip_network("10.9.0.0/24"), ip_network("2001:db8:9::/64")])
INSIDE = [mapped(IPv4Address("10.9.0.7")), IPv6Address("2001:db8:9::7")]
OUTSIDE = [
    mapped(IPv4Address("10.80.0.1")),
    IPv6Address("fd80::1"),
    IPv6Address("fe80::7"),
    mapped(IPv4Address("0.0.0.0")),
]
CONFIG = ProxyConfig(query_interval=2 * SECOND, query_response_interval=SECOND // 2)


@pytest.mark.parametrize(("source", "own"), [(s, s in INSIDE) for s in INSIDE + OUTSIDE])
def test_own_packets_go_out_and_those_of_others_come_in(source: IPv6Address, own: bool) -> None:
    assert ISLAND.leaves(source, is_querier=True) == own
    assert ISLAND.enters(source, is_querier=True) != own
    assert not ISLAND.leaves(source, is_querier=False)
    assert not ISLAND.enters(source, is_querier=False)


@given(st.sampled_from(INSIDE + OUTSIDE), st.booleans(), st.lists(st.booleans(), max_size=5))
def test_no_packet_comes_back(source: IPv6Address, inside: bool, queriers: list[bool]) -> None:
    """As many gateways as you like, each of which may believe that it is the querier."""
    on_link, in_overlay = (1, 0) if inside else (0, 1)
    crossings = 0
    while (on_link or in_overlay) and crossings <= len(queriers):
        heard, came = on_link, in_overlay
        on_link = came * sum(ISLAND.enters(source, is_querier=q) for q in queriers)
        in_overlay = heard * sum(ISLAND.leaves(source, is_querier=q) for q in queriers)
        crossings += 1
    assert crossings <= 2
    assert on_link == in_overlay == 0


def queriers(
    config: ProxyConfig, *, keeps_alive: bool, dies: int, until: int
) -> dict[int, list[int]]:
    """Which of two routers, each tenth of a second, of which the first ends."""
    addresses = [IPv6Address("fe80::1"), IPv6Address("fe80::2")]
    routers = [
        LinkRouter(config, "6", address, 0, elects=True, keeps_alive=keeps_alive)
        for address in addresses
    ]
    found: dict[int, list[int]] = {}
    for now in range(0, until, SECOND // 10):
        alive = {0, 1} if now < dies else {1}
        for number in sorted(alive):
            for action in routers[number].timer(now):
                if isinstance(action, SendMld):
                    to_routers = action.destination == ALL_MLDV2_ROUTERS
                    for other in alive - {number}:
                        routers[other].query(
                            action.message, addresses[number], now, to_routers=to_routers
                        )
        found[now] = [number for number in sorted(alive) if routers[number].is_querier]
    return found


def test_two_gateways_agree_and_one_takes_over() -> None:
    """The lower address asks; when it is gone, the other one does soon, whatever the interval."""
    found = queriers(ProxyConfig(), keeps_alive=True, dies=400 * SECOND, until=900 * SECOND)
    assert all(found[now] == [0] for now in found if SECOND <= now < 400 * SECOND)
    assert found[401 * SECOND] == []
    assert all(found[now] == [1] for now in found if now >= 400 * SECOND + KEEP_ALIVE_LOST)


class TwoGateways:
    """Two members of three on one link, each second told to give way if they are alone."""

    def __init__(self) -> None:
        self.world = World(1, 3)
        self.addresses = [IPv6Address("fe80::1"), IPv6Address("fe80::2")]
        self.routers = [
            LinkRouter(ProxyConfig(), "6", address, 0, elects=True, keeps_alive=True)
            for address in self.addresses
        ]
        self.queriers: list[list[int]] = []

    def cut_off(self, *gateways: int) -> None:
        for node in self.world.nodes[1:]:
            node.side = node.number if node.number - 1 in gateways else 0

    def run(self, seconds: int) -> list[list[int]]:
        """Who asks, at each tenth of a second of these."""
        for tenth in range(10 * seconds):
            self.world.run(0.1)
            for node, router in zip(self.world.nodes[1:], self.routers, strict=True):
                if not tenth % 10 and node.core.is_alone():
                    router.give_way(self.world.now)
            for number in (0, 1):
                self._tell(number, self.routers[number].timer(self.world.now))
            self.queriers.append([n for n in (0, 1) if self.routers[n].is_querier])
        return self.queriers[-10 * seconds :]

    def _tell(self, number: int, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, SendMld):
                to_routers = action.destination == ALL_MLDV2_ROUTERS
                ends = action.message, self.addresses[number], self.world.now
                answers = self.routers[1 - number].query(*ends, to_routers=to_routers)
                self._tell(1 - number, answers)


NOTICED_S, TAKEN_S = 6, 4
"""Until a member knows that it is alone, and until another gateway has missed the querier."""


def test_a_gateway_that_has_lost_the_overlay_gives_way() -> None:
    """And carries again when it has been back for a while."""
    island = TwoGateways()
    assert all(one == [0] for one in island.run(30)[10:])
    island.cut_off(0)
    island.run(NOTICED_S + TAKEN_S)
    assert all(one == [1] for one in island.run(300))
    island.cut_off()
    assert all(one == [1] for one in island.run(10)), "the way may fail again"
    island.run(15)
    assert all(one == [0] for one in island.run(300))


def test_a_gateway_that_has_no_other_goes_on_asking() -> None:
    """Both are cut off, at once or one after the other: there is one querier on the link still."""
    for between in (0, 1, 20):
        island = TwoGateways()
        island.run(30)
        island.cut_off(0)
        island.run(between)
        island.cut_off(0, 1)
        island.run(NOTICED_S + 3 * TAKEN_S)
        later = island.run(300)
        assert all(len(one) == 1 for one in later)
        assert len({tuple(one) for one in later}) == 1
        island.cut_off()
        island.run(25)
        assert all(one == [0] for one in island.run(300))


def test_who_knows_nobody_yet_does_not_give_way() -> None:
    world = World(1, 1)
    world.run(60)
    assert not world.nodes[0].core.is_alone()


def test_a_gateway_that_hears_others_but_does_not_reach_them_is_alone() -> None:
    world = World(1, 3)
    world.run(30)
    transmit = world._transmit
    world._transmit = lambda node, *rest: None if node.number == 1 else transmit(node, *rest)
    world.run(NOTICED_S)
    assert [node.core.is_alone() for node in world.nodes] == [False, True, False]


def test_nobody_is_alone_while_a_third_is_lost_or_half_of_the_members_are_gone() -> None:
    world = World(1, 8, Impairment(loss=0.3))
    world.run(30)
    for node in world.nodes[4:]:
        world.crash(node)
    for _ in range(60):
        world.run(1)
        assert not any(node.core.is_alone() for node in world.nodes[:4])


def test_a_router_that_does_not_keep_itself_known_is_missed_later() -> None:
    """RFC 3810 section 9.5."""
    found = queriers(CONFIG, keeps_alive=False, dies=10 * SECOND, until=30 * SECOND)
    assert all(found[now] == [0] for now in found if SECOND <= now < 10 * SECOND)
    assert found[11 * SECOND] == []
    assert all(found[now] == [1] for now in found if now > 16 * SECOND)


def test_hosts_do_not_hear_that_a_querier_is_there() -> None:
    router = LinkRouter(
        ProxyConfig(), "6", IPv6Address("fe80::1"), 0, elects=True, keeps_alive=True
    )
    sent = [
        action.destination
        for second in range(30)
        for action in router.timer(second * SECOND)
        if isinstance(action, SendMld)
    ]
    assert sent.count(ALL_NODES) == 1
    assert sent.count(ALL_MLDV2_ROUTERS) == 30
