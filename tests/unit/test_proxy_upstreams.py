"""MLD-DMM upstream selection, and several proxy instances at once."""

from __future__ import annotations

from ipaddress import IPv6Address
from random import Random

import pytest
from proxies import (
    ALLOW,
    BLOCK,
    CONFIG,
    LLQT,
    MN1,
    MN2,
    PEER,
    S1,
    TO_EX,
    G,
    arrive,
    logged,
    mac,
    mar,
    report,
    run,
    told,
)

from agents.core import SECOND
from agents.multicast.actions import HoldLink, ReleaseLink
from agents.multicast.proxy import MldProxy
from agents.multicast.selection import Choice, Join

NOW = 40 * SECOND
WINDOW = CONFIG.query_response_interval + CONFIG.last_listener_query_interval


def upstreams(proxy: MldProxy) -> dict[str | None, tuple[str, ...]]:
    return {record.upstream: record.listeners for record in proxy.membership()}


@pytest.fixture
def proxy() -> MldProxy:
    proxy = mar("tun-mar1", "tun-mar3")
    run(proxy, NOW)
    return proxy


def test_new_session_comes_from_the_native_upstream(proxy):
    """Paper section I: sessions initiated at the current MAR."""
    arrive(proxy, MN1, None, NOW)
    actions = proxy.receive(report(ALLOW, S1), MN1, "radio", NOW + SECOND)
    assert told(actions, "core") == [(ALLOW, G, (S1,))]
    assert logged(actions, "upstream") == [{"group": str(G), "link": "core"}]


def test_ongoing_session_comes_through_the_tunnel_to_the_previous_router(proxy):
    """Paper section I: sessions after mobility, reported in answer to the query at attachment."""
    arrive(proxy, MN1, "tun-mar1", NOW)
    actions = proxy.receive(report(ALLOW, S1), MN1, "radio", NOW + WINDOW)
    assert told(actions, "tun-mar1") == [(ALLOW, G, (S1,))]
    assert told(actions, "core") == []
    assert upstreams(proxy) == {"tun-mar1": (str(MN1),)}


def test_session_begun_later_is_native_though_the_host_had_moved(proxy):
    arrive(proxy, MN1, "tun-mar1", NOW)
    proxy.receive(report(ALLOW, S1), MN1, "radio", NOW + WINDOW + 1)
    assert upstreams(proxy) == {"core": (str(MN1),)}


def test_report_before_the_binding_waits_for_it(proxy):
    """RFC 6224 section 4.2: nothing is subscribed for a host that is not bound yet."""
    proxy.attached(MN1, "radio", NOW, mac(MN1))
    actions = proxy.receive(report(ALLOW, S1), MN1, "radio", NOW + 1)
    assert told(actions, "core") == told(actions, "tun-mar1") == []
    actions = proxy.bound(MN1, "radio", "tun-mar1", NOW + 2)
    assert told(actions, "tun-mar1") == [(ALLOW, G, (S1,))]


def test_report_that_overtook_the_trigger_is_ongoing_too(proxy):
    """Layer-2 triggers and packets come by different ways."""
    proxy.receive(report(ALLOW, S1), MN1, "radio", NOW - 1)
    arrive(proxy, MN1, "tun-mar1", NOW)
    assert upstreams(proxy) == {"tun-mar1": (str(MN1),)}


def test_host_that_returns_keeps_what_is_still_served(proxy):
    """Its membership from before had not expired: it goes on by its upstream."""
    arrive(proxy, MN1, None, NOW)
    proxy.receive(report(ALLOW, S1), MN1, "radio", NOW)
    proxy.detached(MN1, "radio", NOW + 20 * SECOND)
    assert upstreams(proxy) == {"core": (str(MN1),)}
    arrive(proxy, MN1, "tun-mar1", NOW + 40 * SECOND)
    proxy.receive(report(ALLOW, S1), MN1, "radio", NOW + 41 * SECOND)
    assert upstreams(proxy) == {"core": (str(MN1),)}


def test_tunnel_peer_is_served_natively(proxy):
    """No chains and no loops of tunnels."""
    actions = proxy.receive(report(ALLOW, S1), PEER, "tun-mar1", NOW)
    assert told(actions, "core") == [(ALLOW, G, (S1,))]
    assert upstreams(proxy) == {"core": (str(PEER),)}


def test_each_instance_wants_what_its_own_listeners_want(proxy):
    """RFC 4605 section 4.2, with one instance an upstream: the tunnel convergence problem."""
    arrive(proxy, MN1, "tun-mar1", NOW)
    proxy.receive(report(ALLOW, S1), MN1, "radio", NOW)
    actions = proxy.receive(report(TO_EX), MN2, "radio", NOW)
    assert told(actions, "core") == [(TO_EX, G, ())]
    assert upstreams(proxy) == {"core": (str(MN2),), "tun-mar1": (str(MN1),)}
    # Who stays is known, so the leaver's instance is done at once.
    run(proxy, NOW + 10 * SECOND)
    actions = proxy.receive(report(BLOCK, S1), MN1, "radio", NOW + 10 * SECOND)
    assert told(actions, "tun-mar1") == [(BLOCK, G, (S1,))]


def test_tunnel_is_held_while_it_is_an_upstream(proxy):
    """Paper section IV.B: until the leave is told for the last time."""
    arrive(proxy, MN1, "tun-mar1", NOW)
    actions = proxy.receive(report(ALLOW, S1), MN1, "radio", NOW)
    assert [a for a in actions if isinstance(a, HoldLink)] == [HoldLink("tun-mar1")]
    now = NOW + 10 * SECOND
    run(proxy, now)
    actions = proxy.receive(report(BLOCK, S1), MN1, "radio", now)
    actions += run(proxy, now + LLQT)
    assert told(actions, "tun-mar1") == [(BLOCK, G, (S1,))]
    assert ReleaseLink("tun-mar1") not in actions
    actions = run(proxy, now + LLQT + SECOND)
    assert told(actions, "tun-mar1") == [(BLOCK, G, (S1,))]
    assert actions[-1] == ReleaseLink("tun-mar1")


def test_tunnel_is_held_while_its_peer_listens(proxy):
    actions = proxy.receive(report(ALLOW, S1), PEER, "tun-mar3", NOW)
    assert HoldLink("tun-mar3") in actions
    actions = run(proxy, NOW + CONFIG.listener_interval)
    assert ReleaseLink("tun-mar3") in actions


def test_lost_tunnel_gives_way_to_the_native_upstream(proxy):
    arrive(proxy, MN1, "tun-mar1", NOW)
    proxy.receive(report(ALLOW, S1), MN1, "radio", NOW)
    actions = proxy.remove_link("tun-mar1", NOW + SECOND)
    assert told(actions, "core") == [(ALLOW, G, (S1,))]
    assert ReleaseLink("tun-mar1") in actions
    assert upstreams(proxy) == {"core": (str(MN1),)}


def test_lost_downstream_link_ends_its_listeners(proxy):
    proxy.receive(report(ALLOW, S1), MN1, "radio", NOW)
    actions = proxy.remove_link("radio", NOW + 10 * SECOND)
    assert told(actions, "core") == [(BLOCK, G, (S1,))]
    assert len(logged(actions, "leave")) == 1
    assert proxy.membership() == []


def test_listeners_that_come_before_the_upstream_get_it():
    proxy = mar()
    proxy.remove_link("core", NOW)
    proxy.receive(report(ALLOW, S1), MN1, "radio", NOW)
    assert upstreams(proxy) == {None: (str(MN1),)}
    actions = proxy.add_link("core", IPv6Address("fe80::2"), NOW, upstream=True, downstream=False)
    assert told(actions, "core") == [(ALLOW, G, (S1,))]


def test_selection_can_be_replaced():
    """One function decides; here everything comes through a tunnel."""

    class Tunnel:
        shares = False

        def __call__(self, join: Join) -> Choice:
            return Choice((min(join.tunnels),))

    proxy = MldProxy(CONFIG, Random(1), Tunnel())
    for name, upstream in {"radio": False, "tun-a": True, "tun-b": True}.items():
        address = IPv6Address("fe80::1")
        proxy.add_link(name, address, 0, upstream=upstream, downstream=True)
    proxy.receive(report(ALLOW, S1), MN1, "radio", 0)
    assert upstreams(proxy) == {"tun-a": (str(MN1),)}
