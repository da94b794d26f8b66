"""A datagram that says it is from elsewhere neither makes an entry nor moves one, at any router."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network
from random import Random

import pytest

from agents.core import SECOND, Action
from agents.multicast.multi_upstream import MultiUpstream
from agents.multicast.proxy import MldProxy
from agents.multicast.selection import MldDmm, UpstreamSelection
from agents.wire.channel import ChannelScope
from tests.unit.proxies import CONFIG, MN1, TO_IN, G, arrive, forwarding, mac, report

LAN, ELSEWHERE = IPv6Network("2001:db8:5e00:1::/64"), IPv6Network("2001:db8:5e00:2::/64")
POOL, PREFIX = IPv6Network("2001:db8:1::/48"), IPv6Network("2001:db8:1:7::/64")
OTHER = IPv6Network("2001:db8:1:8::/64")
SOURCE, HOST, VISITOR = LAN[2], PREFIX[5], OTHER[5]
WINDOW = CONFIG.ongoing_session_window


def router(pool: IPv6Network | None, selection: UpstreamSelection | None = None) -> MldProxy:
    return MldProxy(CONFIG, Random(1), selection, pool)


def plug(proxy: MldProxy, name: str, *, up: bool = False, **more: object) -> None:
    number = 1 + len(proxy._links.upstreams) + len(proxy._links.downstreams)
    address = IPv6Address(f"fe80::{number}")
    proxy.add_link(name, address, 0, upstream=up, downstream=not up, **more)


def mar(selection: UpstreamSelection | None = None) -> MldProxy:
    proxy = router(POOL, selection)
    plug(proxy, "radio")
    plug(proxy, "core", up=True)
    return proxy


def access_router() -> MldProxy:
    """Of Mobile IPv6 and the client-based scheme."""
    proxy = router(None)
    plug(proxy, "radio", hosts=POOL)
    plug(proxy, "core", up=True)
    return proxy


def gateway() -> MldProxy:
    proxy = router(None)
    plug(proxy, "radio", visited=True)
    plug(proxy, "core", up=True)
    proxy.visitor(PREFIX, "radio", 0)
    return proxy


ACCESS = {
    "mar": mar,
    "mar, multi-upstream": lambda: mar(MultiUpstream(WINDOW)),
    "access router": access_router,
    "mag": gateway,
}


@pytest.mark.parametrize("make", ACCESS.values(), ids=ACCESS)
def test_a_nodes_data_in_a_servers_name_changes_nothing(make) -> None:
    """Before anybody listens, while somebody does, and between true packets."""
    proxy = make()
    assert leaves_no_entry(proxy.upcall(SOURCE, G, "radio", 0))
    arrive(proxy, MN1, None, 0)
    proxy.receive(report(TO_IN, SOURCE), MN1, "radio", 1, mac(MN1))
    assert leaves_no_entry(proxy.upcall(SOURCE, G, "radio", 2))
    (entry,) = forwarding(proxy.upcall(SOURCE, G, "core", 3))
    assert (entry.incoming, entry.outgoing) == ("core", ("radio",))
    assert forwarding(proxy.upcall(SOURCE, G, "radio", 4)) == []
    assert proxy.counters.forged == 3


@pytest.mark.parametrize("make", ACCESS.values(), ids=ACCESS)
def test_its_own_goes_out(make) -> None:
    proxy = make()
    (entry,) = forwarding(proxy.upcall(HOST, G, "radio", 0))
    assert (entry.incoming, entry.outgoing) == ("radio", ("core",))
    assert proxy.counters.forged == 0


def test_a_gateway_believes_who_visits_it_alone() -> None:
    """Where the prefixes are the anchor's: not another node of the domain, nor who has left."""
    proxy = gateway()
    assert leaves_no_entry(proxy.upcall(VISITOR, G, "radio", 0))
    assert proxy.counters.forged == 1
    proxy.visitor(OTHER, "radio", 1)
    (entry,) = forwarding(proxy.upcall(VISITOR, G, "radio", 2))
    assert (entry.incoming, entry.outgoing) == ("radio", ("core",))
    (gone,) = forwarding(proxy.visitor(OTHER, None, 3))
    assert (gone.source, gone.group) == (VISITOR, G)
    assert leaves_no_entry(proxy.upcall(VISITOR, G, "radio", 4))
    assert proxy.counters.forged == 2


def test_forged_data_does_not_take_a_channel_from_where_its_source_is() -> None:
    """The source is at another gateway, its data comes natively; somebody here says he is it."""
    proxy = gateway()
    arrive(proxy, MN1, None, 0)
    proxy.receive(report(TO_IN, VISITOR), MN1, "radio", 1, mac(MN1))
    (entry,) = forwarding(proxy.upcall(VISITOR, G, "core", 2))
    assert (entry.incoming, entry.outgoing) == ("core", ("radio",))
    assert forwarding(proxy.upcall(VISITOR, G, "radio", 3)) == []
    assert proxy.counters.forged == 1


def leaves_no_entry(actions: list[Action]) -> bool:
    """The kernel is rid of the packet, and of what it would have kept behind it."""
    held, gone = forwarding(actions)
    return held.outgoing == () and (held.source, held.group) == (gone.source, gone.group)


def test_data_of_a_connected_prefix_comes_from_its_lan_only() -> None:
    """From another server's LAN, and from below; nor does a LAN's host send as any other."""
    proxy = router(None)
    plug(proxy, "lan", hosts=LAN)
    plug(proxy, "other", hosts=ELSEWHERE)
    plug(proxy, "mar1")
    (entry,) = forwarding(proxy.upcall(SOURCE, G, "lan", 0))
    assert entry.incoming == "lan"
    for link in ("other", "mar1"):
        assert forwarding(proxy.upcall(SOURCE, G, link, SECOND)) == []
    assert leaves_no_entry(proxy.upcall(HOST, G, "lan", SECOND))
    (entry,) = forwarding(proxy.upcall(HOST, G, "mar1", SECOND))
    assert entry.incoming == "mar1"
    assert proxy.counters.forged == 3


def test_an_anchor_takes_a_source_from_the_tunnel_of_its_binding_alone() -> None:
    """LMA and home agent: the move is the binding's, whatever data comes from where."""
    proxy = router(POOL, MldDmm(WINDOW))
    plug(proxy, "native", up=True)
    for tunnel in ("tun-1", "tun-2"):
        plug(proxy, tunnel, on_demand=True)
    assert leaves_no_entry(proxy.upcall(HOST, G, "tun-1", 0))
    proxy.away(PREFIX, "tun-1", 0)
    (entry,) = forwarding(proxy.upcall(HOST, G, "tun-1", 0))
    assert (entry.incoming, entry.outgoing) == ("tun-1", ("native",))
    assert forwarding(proxy.upcall(HOST, G, "tun-2", 1)) == []
    proxy.away(PREFIX, "tun-2", 2)
    assert leaves_no_entry(proxy.upcall(HOST, G, "tun-1", 3))
    (entry,) = forwarding(proxy.upcall(HOST, G, "tun-2", 4))
    assert (entry.incoming, entry.outgoing) == ("tun-2", ("native",))
    assert leaves_no_entry(proxy.upcall(SOURCE, G, "tun-2", 5))


def test_channel_control_does_not_make_a_forged_move_true() -> None:
    """Whatever it says of a channel: where a source is, bindings say."""
    for scope in ChannelScope:
        proxy = mar(MultiUpstream(WINDOW))
        proxy.add_link(
            "tun", IPv6Address("fe80::9"), 0, upstream=True, downstream=True, on_demand=True
        )
        proxy.upcall(HOST, G, "radio", 0)
        proxy.decided(G, HOST, scope, 1)
        for link in ("tun", "core"):
            moved = [a.incoming for a in forwarding(proxy.upcall(HOST, G, link, 2))]
            assert set(moved) <= {"radio"}
