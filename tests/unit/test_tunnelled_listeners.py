"""A home agent's MLD proxy: what a listener wants moves from tunnel to tunnel with its binding."""

from __future__ import annotations

from ipaddress import IPv6Address
from random import Random

import pytest

from agents.core import SECOND, Action
from agents.multicast.actions import SetForwarding
from agents.multicast.config import ProxyConfig
from agents.multicast.proxy import MldProxy
from tests.unit.proxies import (
    CONFIG,
    IS_EX,
    MN1,
    MN2,
    S1,
    TO_EX,
    TO_IN,
    G,
    asked,
    forwarding,
    logged,
    report,
    run,
    told,
)

NOW = 100 * SECOND
NEWCOMER = CONFIG.newcomer_interval


def home_agent(config: ProxyConfig = CONFIG) -> MldProxy:
    proxy = MldProxy(config, Random(1))
    proxy.add_link("home", IPv6Address("fe80::1"), 0, upstream=True, downstream=False)
    return proxy


def bind(
    proxy: MldProxy, host: IPv6Address, link: str, before: str | None, now: int
) -> list[Action]:
    """A host's binding is for another care-of address, to which a tunnel leads."""
    actions = proxy.add_link(
        link, IPv6Address("fe80::2"), now, upstream=False, downstream=True, on_demand=True
    )
    actions += proxy.follow(host, link, before, now)
    return actions + (proxy.remove_link(before, now) if before else [])


def listening() -> MldProxy:
    """MN1 is behind tun-1, listens to G, and S1 sends."""
    proxy = home_agent()
    bind(proxy, MN1, "tun-1", None, 0)
    proxy.receive(report(TO_EX), MN1, "tun-1", NOW, b"")
    run(proxy, NOW)
    proxy.upcall(S1, G, "home", NOW)
    return proxy


def test_what_a_node_reports_by_its_tunnel_is_asked_for_on_the_home_link():
    proxy = home_agent()
    assert asked(bind(proxy, MN1, "tun-1", None, NOW), "tun-1")
    joined = proxy.receive(report(TO_EX), MN1, "tun-1", NOW, b"")
    assert told(joined, "home") == [(TO_EX, G, ())]
    (entry,) = forwarding(proxy.upcall(S1, G, "home", NOW))
    assert entry == SetForwarding(S1, G, "home", ("tun-1",))


def test_with_the_binding_its_channels_take_the_new_tunnel_without_a_word_from_it():
    proxy = listening()
    moved = bind(proxy, MN1, "tun-2", "tun-1", NOW + SECOND)
    assert forwarding(moved)[-1] == SetForwarding(S1, G, "home", ("tun-2",))
    assert [record.listeners for record in proxy.membership()] == [(str(MN1),)]
    assert TO_IN not in [kind for kind, _, _ in told(moved, "home")]  # it is not given up
    assert [entry["link"] for entry in logged(moved, "leave")] == ["tun-1"]
    assert [entry["link"] for entry in logged(moved, "join")] == ["tun-2"]


@pytest.mark.parametrize("confirms", [True, False])
def test_it_is_to_confirm_what_it_wants(confirms):
    proxy = listening()
    assert asked(bind(proxy, MN1, "tun-2", "tun-1", NOW), "tun-2")
    if confirms:
        proxy.receive(report(IS_EX), MN1, "tun-2", NOW + SECOND, b"")
    run(proxy, NOW + NEWCOMER + SECOND)
    assert bool(proxy.membership()) is confirms


def test_other_nodes_keep_what_they_have():
    proxy = listening()
    bind(proxy, MN2, "tun-9", None, NOW)
    proxy.receive(report(TO_EX), MN2, "tun-9", NOW, b"")
    moved = bind(proxy, MN1, "tun-2", "tun-1", NOW)
    assert forwarding(moved)[-1] == SetForwarding(S1, G, "home", ("tun-9", "tun-2"))


def test_the_end_of_a_binding_is_the_end_of_its_memberships():
    proxy = listening()
    gone = proxy.remove_link("tun-1", NOW)
    assert told(gone, "home") == [(TO_IN, G, ())]
    assert proxy.membership() == []
