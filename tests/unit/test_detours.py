"""MLD-DMM keeps a guest's data to the proxy instance of its anchor's tunnel (section IV.A)."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network
from random import Random

import pytest
from proxies import ALLOW, BLOCK, CONFIG, MN1, MN2, TO_EX, G, arrive, forwarding, report, run

from agents.core import SECOND, Action
from agents.multicast.actions import RedirectSource
from agents.multicast.proxy import MldProxy

PREFIX = IPv6Network("2001:db8:1:1::/64")
SOURCE = PREFIX[5]
ANCHOR, OTHER, NATIVE = "tun-mar1", "tun-mar2", "core"
APART = RedirectSource(SOURCE, G, ANCHOR)
NOW = 40 * SECOND
ANY = IPv6Address("ff0e::c1")


@pytest.fixture
def proxy() -> MldProxy:
    """MAR3, to which a source comes that MAR1 anchors."""
    proxy = MldProxy(CONFIG, Random(1), pool=IPv6Network("2001:db8:3::/48"), detours=True)
    proxy.add_link("radio", IPv6Address("fe80::1"), 0, upstream=False, downstream=True)
    proxy.add_link("core", IPv6Address("fe80::2"), 0, upstream=True, downstream=False)
    for n, name in ((1, ANCHOR), (2, OTHER)):
        address, anchors = IPv6Address(f"fe80::1{n}"), IPv6Network(f"2001:db8:{n}::/48")
        proxy.add_link(name, address, 0, upstream=True, downstream=True, anchors=anchors)
    run(proxy, NOW)
    return proxy


def listens(proxy: MldProxy, host: IPv6Address, previous: str | None) -> list[Action]:
    """A host comes from another MAR, or from nowhere, and listens."""
    arrive(proxy, host, previous, NOW)
    return proxy.receive(report(ALLOW, SOURCE), host, "radio", NOW)


def leaves(proxy: MldProxy, host: IPv6Address) -> list[Action]:
    actions = proxy.receive(report(BLOCK, SOURCE), host, "radio", NOW)
    return [*actions, *run(proxy, NOW + 5 * SECOND)]


def sends(proxy: MldProxy, link: str = "radio") -> list[Action]:
    """The source's data comes in by a link, and the kernel asks."""
    return proxy.upcall(SOURCE, G, link, NOW)


def redirects(actions: list[Action]) -> list[Action]:
    return [action for action in actions if isinstance(action, RedirectSource)]


def ways(actions: list[Action]) -> list[tuple[str, tuple[str, ...]]]:
    return [(action.incoming, action.outgoing) for action in forwarding(actions)]


@pytest.mark.parametrize(("previous", "upstream"), [(OTHER, OTHER), (None, NATIVE)])
def test_a_listener_of_another_instance_gets_it_by_its_own_upstream(proxy, previous, upstream):
    listens(proxy, MN1, previous)
    proxy.guest(PREFIX, ANCHOR, NOW)
    actions = sends(proxy)
    assert redirects(actions) == [APART]
    assert ways(actions) == [(upstream, ("radio",))]


def test_who_has_it_when_the_source_comes_loses_nothing(proxy):
    listens(proxy, MN1, None)
    sends(proxy, NATIVE)
    actions = proxy.guest(PREFIX, ANCHOR, NOW)
    assert redirects(actions) == [APART]
    assert ways(actions) == []


def test_a_listener_of_the_same_instance_gets_it_at_once(proxy):
    listens(proxy, MN1, OTHER)
    listens(proxy, MN2, ANCHOR)
    proxy.guest(PREFIX, ANCHOR, NOW)
    actions = sends(proxy)
    assert redirects(actions) == []
    assert ways(actions)[-1] == ("radio", (ANCHOR, "radio"))


def test_who_comes_later_gets_it_at_once(proxy):
    proxy.guest(PREFIX, ANCHOR, NOW)
    assert ways(sends(proxy)) == [("radio", (ANCHOR,))]
    actions = listens(proxy, MN1, None)
    assert redirects(actions) == []
    assert ways(actions) == [("radio", (ANCHOR, "radio"))]


def test_another_listener_moves_nothing(proxy):
    """Not even one of the source's own instance, whose tunnel brings nothing."""
    listens(proxy, MN1, OTHER)
    proxy.guest(PREFIX, ANCHOR, NOW)
    sends(proxy)
    actions = listens(proxy, MN2, ANCHOR)
    assert redirects(actions) == ways(actions) == []


def test_it_ends_with_the_last_who_needs_it(proxy):
    listens(proxy, MN1, OTHER)
    listens(proxy, MN2, ANCHOR)
    leaves(proxy, MN2)
    proxy.guest(PREFIX, ANCHOR, NOW)
    assert redirects(sends(proxy)) == [APART]
    assert redirects(leaves(proxy, MN1)) == [RedirectSource(SOURCE, G, None)]
    assert ways(sends(proxy)) == [("radio", (ANCHOR,))]


def test_it_ends_when_the_source_moves_on(proxy):
    listens(proxy, MN1, OTHER)
    proxy.guest(PREFIX, ANCHOR, NOW)
    sends(proxy)
    assert redirects(proxy.guest(PREFIX, None, NOW)) == [RedirectSource(SOURCE, G, None)]
    assert redirects(sends(proxy, OTHER)) == []


def test_there_are_so_many_and_no_more(proxy):
    """Whoever sends in the name of many sources of its prefix makes no program for each."""
    arrive(proxy, MN1, None, NOW)
    proxy.receive(report(TO_EX, group=ANY), MN1, "radio", NOW)
    guests, each = (
        list(PREFIX.supernet(new_prefix=48).subnets(new_prefix=64))[:5],
        CONFIG.maximum_sent,
    )
    assert 4 * each == CONFIG.maximum_detours
    for guest in guests:
        proxy.guest(guest, ANCHOR, NOW)
    for guest in guests[:4]:
        for number in range(each):
            assert redirects(proxy.upcall(guest[number + 1], ANY, "radio", NOW))
        assert redirects(proxy.upcall(guest[number + 2], ANY, "radio", NOW)) == []
    actions = proxy.upcall(guests[4][1], ANY, "radio", NOW)
    assert redirects(actions) == []
    assert ways(actions)[0] == ("radio", (ANCHOR, "radio"))


def test_a_binding_that_is_renewed_changes_nothing(proxy):
    listens(proxy, MN1, OTHER)
    proxy.guest(PREFIX, ANCHOR, NOW)
    sends(proxy)
    assert proxy.guest(PREFIX, ANCHOR, NOW) == []
