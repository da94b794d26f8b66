"""Gateways of an island: nothing goes round, whoever takes itself for the one that carries."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.core import SECOND
from agents.multicast.actions import SendMld
from agents.multicast.config import ProxyConfig
from agents.multicast.island import Island
from agents.multicast.link_router import LinkRouter
from agents.wire.addresses import mapped

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


def test_two_gateways_agree_and_one_takes_over() -> None:
    """The lower address asks; when it is gone, the other one does after a while."""
    addresses = [IPv6Address("fe80::1"), IPv6Address("fe80::2")]
    routers = [LinkRouter(CONFIG, "6", address, 0, elects=True) for address in addresses]
    alive = {0, 1}
    queriers: dict[int, list[int]] = {}
    for now in range(0, 30 * SECOND, SECOND // 10):
        if now >= 10 * SECOND:
            alive = {1}
        for number in sorted(alive):
            for action in routers[number].timer(now):
                if isinstance(action, SendMld):
                    for other in alive - {number}:
                        routers[other].query(action.message, addresses[number], now)
        queriers[now] = [number for number in sorted(alive) if routers[number].is_querier]
    assert all(queriers[now] == [0] for now in queriers if SECOND <= now < 10 * SECOND)
    assert queriers[11 * SECOND] == []
    assert all(queriers[now] == [1] for now in queriers if now > 16 * SECOND)
