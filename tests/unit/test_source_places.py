"""Where a mobile source is, bindings say: its data, on its way back or forged, moves nothing."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network
from random import Random

import pytest
from proxies import ALLOW, CONFIG, MN1, MN2, PEER, TO_EX, G, arrive, forwarding, report, run

from agents.core import SECOND
from agents.multicast.actions import RemoveForwarding
from agents.multicast.multi_upstream import MultiUpstream
from agents.multicast.proxy import MldProxy
from agents.multicast.selection import UpstreamSelection

OWN, FOREIGN = IPv6Network("2001:db8:2:1::/64"), IPv6Network("2001:db8:1:1::/64")
MAR1, MAR3 = "tun-mar1", "tun-mar3"
NOW = 40 * SECOND


@pytest.fixture(params=[None, MultiUpstream(CONFIG.ongoing_session_window)], ids=["base", "all"])
def proxy(request: pytest.FixtureRequest) -> MldProxy:
    """MAR2, in the base scheme and in the complete solution."""
    return mar2(request.param)


def mar2(selection: UpstreamSelection | None) -> MldProxy:
    """A MAR with tunnels to MAR1 and MAR3."""
    proxy = MldProxy(CONFIG, Random(1), selection, IPv6Network("2001:db8:2::/48"))
    proxy.add_link("radio", IPv6Address("fe80::1"), 0, upstream=False, downstream=True)
    proxy.add_link("core", IPv6Address("fe80::2"), 0, upstream=True, downstream=False)
    for n, name in ((1, MAR1), (3, MAR3)):
        address, anchors = IPv6Address(f"fe80::1{n}"), IPv6Network(f"2001:db8:{n}::/48")
        proxy.add_link(name, address, 0, upstream=True, downstream=True, anchors=anchors)
    run(proxy, NOW)
    return proxy


def way(proxy: MldProxy, source: IPv6Address, *links: str) -> tuple[str, tuple[str, ...]]:
    """Where a channel comes in and goes out after its data came by these links."""
    for link in links:
        actions = proxy.upcall(source, G, link, NOW)
    return forwarding(actions)[-1].incoming, forwarding(actions)[-1].outgoing


@pytest.mark.parametrize("first", ["radio", MAR1, "core"])
def test_a_source_at_home_is_at_home_whatever_comes_back(proxy, first):
    """Native data of its own, by the tunnel that a listener's session came with."""
    arrive(proxy, MN1, MAR1, NOW)
    proxy.receive(report(ALLOW, OWN[5]), MN1, "radio", NOW)
    incoming, outgoing = way(proxy, OWN[5], first, MAR1, "core", MAR3)
    assert incoming == "radio"
    assert set(outgoing) == {"core", "radio"}


@pytest.mark.parametrize("back", ["core", MAR3])
def test_a_guest_is_here_whatever_comes_back(proxy, back):
    proxy.guest(FOREIGN, MAR1, NOW)
    assert way(proxy, FOREIGN[5], back, "radio", back) == ("radio", (MAR1,))


def test_a_source_that_is_away_comes_by_its_tunnel_alone(proxy):
    proxy.away(OWN, MAR3, NOW)
    assert way(proxy, OWN[5], MAR3, MAR1, "radio", "core") == (MAR3, ("core",))


def test_a_copy_does_not_make_the_entry():
    """Else the first packet by the tunnel would tell, and be lost for all who listen anywhere."""
    proxy = mar2(None)
    proxy.away(OWN, MAR3, NOW)
    assert way(proxy, OWN[5], "core") == (MAR3, ("core",))


def test_nobody_vouches_for_a_source_from_elsewhere(proxy):
    """An attached host listens, and another one sends in the name of somebody of MAR1's."""
    arrive(proxy, MN1, None, NOW)
    arrive(proxy, MN2, None, NOW)
    proxy.receive(report(TO_EX), MN1, "radio", NOW)
    assert isinstance(forwarding(proxy.upcall(FOREIGN[5], G, "radio", NOW))[-1], RemoveForwarding)
    assert way(proxy, FOREIGN[5], "core") == ("core", ("radio",))
    assert not forwarding(proxy.upcall(FOREIGN[5], G, "radio", NOW))


def test_native_data_does_not_return_to_its_anchor(proxy):
    """MAR1 has it, and would send it natively again if it took the source for a guest here."""
    for link in (MAR1, MAR3):
        proxy.receive(report(ALLOW, FOREIGN[5]), PEER, link, NOW)
    assert way(proxy, FOREIGN[5], "core") == ("core", (MAR3,))
    proxy.guest(FOREIGN, MAR1, NOW)
    assert way(proxy, FOREIGN[5], "radio") == ("radio", (MAR1, MAR3))


def test_a_listener_that_returns_hears_the_source_beside_it():
    """It was still known; what changed is that hosts attach to the link again."""
    proxy = MldProxy(CONFIG, Random(1))
    proxy.add_link("radio", IPv6Address("fe80::1"), 0, upstream=False, downstream=True)
    proxy.add_link("core", IPv6Address("fe80::2"), 0, upstream=True, downstream=False)
    run(proxy, NOW)
    arrive(proxy, MN1, None, NOW)
    proxy.receive(report(ALLOW, OWN[5]), MN1, "radio", NOW)
    proxy.detached(MN1, "radio", NOW)
    assert way(proxy, OWN[5], "radio") == ("radio", ("core",))
    actions = forwarding(arrive(proxy, MN1, None, NOW + 10 * SECOND))
    assert [action.outgoing for action in actions] == [("core", "radio")]
