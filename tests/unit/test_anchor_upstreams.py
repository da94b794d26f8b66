"""MLD-DMM with an upstream to each MAR that anchors a prefix of a listener (paper section II.B)."""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest
from proxies import ALLOW, BLOCK, CONFIG, MN1, MN2, S1, G, arrive, mar, report, run, told

from agents.core import SECOND
from agents.multicast.actions import SetForwarding
from agents.multicast.filters import include
from agents.multicast.proxy import MldProxy
from agents.multicast.selection import MldDmm
from tests.unit.mld_network import tunnel
from tests.unit.mobile_domain import MobileDomain

WINDOW = CONFIG.ongoing_session_window
NOW = 40 * SECOND
ANCHORS = ("tun-mar3", "tun-mar1")
SOURCE, SSM = IPv6Address("2001:db8:f::1"), IPv6Address("ff3e::c1")


@pytest.fixture
def proxy() -> MldProxy:
    """The MAR of MN1, which was at mar1 and then at mar3 before."""
    proxy = mar("tun-mar1", "tun-mar2", "tun-mar3", selection=MldDmm(WINDOW, all_anchors=True))
    run(proxy, NOW)
    arrive(proxy, MN1, "tun-mar3", NOW, ANCHORS)
    return proxy


def upstreams(proxy: MldProxy) -> dict[str | None, tuple[str, ...]]:
    return {record.upstream: record.listeners for record in proxy.membership()}


def incoming(actions: list) -> list[str]:
    return [action.incoming for action in actions if isinstance(action, SetForwarding)]


def test_an_ongoing_session_is_asked_of_each_anchor(proxy: MldProxy) -> None:
    actions = proxy.receive(report(ALLOW, S1), MN1, "radio", NOW + 1)
    assert {link for link in (*ANCHORS, "tun-mar2", "core") if told(actions, link)} == {*ANCHORS}
    assert upstreams(proxy) == dict.fromkeys(ANCHORS, (str(MN1),))
    run(proxy, NOW + 10 * SECOND)
    actions = proxy.receive(report(BLOCK, S1), MN1, "radio", NOW + 10 * SECOND)
    actions += run(proxy, NOW + 13 * SECOND)
    assert all((BLOCK, G, (S1,)) in told(actions, link) for link in ANCHORS)


def test_a_session_that_begins_here_is_native(proxy: MldProxy) -> None:
    proxy.receive(report(ALLOW, S1), MN1, "radio", NOW + WINDOW + 1)
    assert upstreams(proxy) == {"core": (str(MN1),)}


@pytest.mark.parametrize("first", ANCHORS)
def test_the_first_copy_to_come_is_forwarded_and_no_other(proxy: MldProxy, first: str) -> None:
    """Each of the further copies is told once in 3 s (a wrong-interface upcall)."""
    proxy.receive(report(ALLOW, S1), MN1, "radio", NOW)
    (other,) = {*ANCHORS} - {first}
    assert incoming(proxy.upcall(S1, G, first, NOW + SECOND)) == [first]
    for again in range(4):
        now = NOW + (2 + 3 * again) * SECOND
        assert set(incoming(proxy.upcall(S1, G, other, now))) <= {first}
    assert upstreams(proxy) == dict.fromkeys(ANCHORS, (str(MN1),))
    actions = proxy.receive(report(ALLOW, S1), MN2, "radio", NOW + 20 * SECOND)
    assert incoming(actions) == ["core"]  # who begins here has an instance of its own, as ever


@pytest.mark.parametrize("lost", ANCHORS)
def test_one_anchor_less_leaves_the_others(proxy: MldProxy, lost: str) -> None:
    proxy.receive(report(ALLOW, S1), MN1, "radio", NOW)
    proxy.upcall(S1, G, lost, NOW + SECOND)
    (other,) = {*ANCHORS} - {lost}
    proxy.remove_link(lost, NOW + 2 * SECOND)
    assert upstreams(proxy) == {other: (str(MN1),)}
    assert incoming(proxy.upcall(S1, G, other, NOW + 3 * SECOND)) == [other]
    proxy.remove_link(other, NOW + 4 * SECOND)
    assert upstreams(proxy) == {"core": (str(MN1),)}


@pytest.mark.parametrize("all_anchors", [False, True])
def test_the_copies_that_enter_a_mar_grow_with_the_anchors(*, all_anchors: bool) -> None:
    """One listener, three handovers: a copy by the tunnel of each of its MARs before, or one."""
    selection = MldDmm(WINDOW, all_anchors=all_anchors)
    domain = MobileDomain(CONFIG, 1, 4, transfers=False, selection=selection)
    host = domain.node("mn1", "mar1")
    domain.want(host, SSM, include([SOURCE]))
    domain.run(20 * SECOND)
    for here, mar_ in enumerate(domain.mars[1:], 1):
        domain.arrive(host, mar_)
        domain.run(domain.now + 20 * SECOND)
        domain.send(SOURCE, SSM, "lan")  # routers on the way learn from it
        domain.run(domain.now + 4 * SECOND)
        carried = domain.send(SOURCE, SSM, "lan")
        before = domain.mars[:here]
        copies = {mar: carried[tunnel(mar, mar_)] for mar in before}
        asked = before if all_anchors else before[-1:]
        assert copies == {mar: int(mar in asked) for mar in before}
        assert carried[f"{mar_}-radio"] == 1
