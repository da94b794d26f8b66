"""Mobile sources (section IV.A): local, remote and both, SSM and ASM, and no detour."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network
from random import Random

import pytest

from agents.core import SECOND
from agents.multicast.actions import SetForwarding
from agents.multicast.config import ProxyConfig
from agents.multicast.filters import EVERYTHING, NOTHING, include
from agents.multicast.multi_upstream import MultiUpstream
from agents.multicast.proxy import MldProxy
from agents.wire.channel import ChannelScope
from tests.unit.mld_network import tunnel
from tests.unit.mobile_domain import MobileDomain

PREFIX = IPv6Network("2001:db8:4:1::/64")
S3 = IPv6Address("2001:db8:4:1::3")
G3, ASM = IPv6Address("ff3e::c3"), IPv6Address("ff0e::c3")
C3 = (S3, G3)
TUNNEL = tunnel("mar2", "mar4")
LOCAL, REMOTE, BOTH = ChannelScope.LOCAL, ChannelScope.REMOTE, ChannelScope.BOTH


@pytest.fixture
def domain() -> MobileDomain:
    """S3 sends at MAR4; MN1 listens at MAR1, MN3 at MAR2, where S3 is going to be."""
    domain = MobileDomain(ProxyConfig(explicit_tracking=True), 1, 5, transfers=True)
    for name, mar in (("mn1", "mar1"), ("mn3", "mar2")):
        domain.node(name, mar)
    domain.run(20 * SECOND)
    for host in domain.hosts.values():
        domain.want(host, G3, include([S3]))
    send(domain, "mar4")
    return domain


def send(domain: MobileDomain, mar: str, group: IPv6Address = G3) -> dict[str, int]:
    """Send at a MAR for 10 s; the ways of the last packet."""
    for _ in range(10):
        domain.run(domain.now + SECOND)
        domain.arrivals.clear()
        carried = domain.send(S3, group, f"{mar}-radio")
    return carried


def move(domain: MobileDomain) -> None:
    """S3 goes from MAR4 to MAR2, and goes on to use its address."""
    domain.connect("mar4", "mar2")
    for name, call in (("mar4", "away"), ("mar2", "guest")):
        router = domain.routers[name]
        domain.perform(router, getattr(router.core, call)(PREFIX, TUNNEL, domain.now))


def c3_records(domain: MobileDomain) -> set[tuple]:
    return {record for record in domain.records("mar2") if record[2] == G3}


def test_before_it_moves_its_router_diffuses(domain):
    carried = send(domain, "mar4")
    assert carried["mar1-radio"] == carried["mar2-radio"] == carried["mar4-core"] == 1
    assert c3_records(domain) == {("core", S3, G3, 1, ("mn3",), ())}
    assert domain.records("mar4") == {("core", S3, G3, 0, (), (str(S3),))}


def test_a_local_channel_is_diffused_where_the_source_is(domain):
    """(MR ID, S3, G3, 1, {MN3}, {S3})."""
    domain.scopes[C3] = LOCAL
    move(domain)
    carried = send(domain, "mar2")
    assert c3_records(domain) == {("core", S3, G3, 1, ("mn3",), (str(S3),))}
    assert carried["mar1-radio"] == 1
    assert TUNNEL not in carried


def test_a_remote_channel_is_diffused_where_the_source_is_anchored(domain):
    """(MAR2 MAR4 ID, S3, G3, 1, {MN3}, {S3})."""
    domain.scopes[C3] = REMOTE
    move(domain)
    carried = send(domain, "mar2")
    assert c3_records(domain) == {(TUNNEL, S3, G3, 1, ("mn3",), (str(S3),))}
    assert carried[TUNNEL] == carried["mar4-core"] == carried["mar1-radio"] == 1
    assert "mar2-core" not in carried


def test_both_go_both_ways(domain):
    """(MR ID, S3, G3, 1, {MN3}, {S3}), (MAR2 MAR4 ID, S3, G3, 1, {MN3}, {S3})."""
    domain.scopes[C3] = BOTH
    domain.node("mn4", "mar4")
    domain.run(domain.now + 20 * SECOND)
    domain.want(domain.hosts["mn4"], G3, include([S3]))
    move(domain)
    carried = send(domain, "mar2")
    assert c3_records(domain) == {
        ("core", S3, G3, 1, ("mn3",), (str(S3),)),
        (TUNNEL, S3, G3, 1, ("mn3",), (str(S3),)),
    }
    assert carried[TUNNEL] == carried["mar2-core"] == carried["mar1-radio"] == 1
    # What is for the listeners of the anchor comes by the tunnel, and only by that.
    assert carried["mar4-radio"] == 1
    assert domain.arrivals["mar4"] == 1
    assert "mar4-core" not in carried


@pytest.mark.parametrize("scope", [LOCAL, REMOTE, BOTH])
@pytest.mark.parametrize("group", [G3, ASM])
def test_source_and_listener_at_one_router_need_no_detour(domain, scope, group):
    """Section IV.A: anchored at different MARs, they are served by the MAR where both are."""
    for host in domain.hosts.values():
        domain.want(host, G3, NOTHING)
        domain.want(host, group, EVERYTHING if group == ASM else include([S3]))
    domain.scopes[S3, group] = scope
    domain.arrive(domain.hosts["mn1"], "mar2")
    move(domain)
    carried = send(domain, "mar2", group)
    # Once by the source, once by MAR2 to those who listen.
    assert carried["mar2-radio"] == 2
    assert domain.arrivals["mar2"] == 1
    assert carried.get(TUNNEL, 0) == (scope is not LOCAL)
    assert carried.get("mar2-core", 0) == (scope is not REMOTE)


def test_an_any_source_channel_keeps_its_other_sources(domain):
    """ASM: the mobile source by the tunnel, all others natively."""
    other = IPv6Address("2001:db8:5e00:1::2")
    domain.want(domain.hosts["mn3"], ASM, EVERYTHING)
    domain.scopes[S3, ASM] = REMOTE
    move(domain)
    send(domain, "mar2", ASM)
    assert {record for record in domain.records("mar2") if record[2] == ASM} == {
        ("core", None, ASM, 1, ("mn3",), ()),
        (TUNNEL, S3, ASM, 1, ("mn3",), (str(S3),)),
    }
    assert domain.send(other, ASM, "lan")["mar2-radio"] == 1


def test_until_it_is_decided_the_tree_stays(domain):
    """Whoever listens goes on to get it from the anchor, by the tunnel."""
    move(domain)
    carried = domain.send(S3, G3, "mar2-radio")
    assert carried[TUNNEL] == carried["mar4-core"] == carried["mar1-radio"] == 1


def test_a_live_change_moves_the_diffusion(domain):
    domain.scopes[C3] = REMOTE
    move(domain)
    send(domain, "mar2")
    domain.change(C3, LOCAL)
    carried = send(domain, "mar2")
    assert TUNNEL not in carried
    assert carried["mar1-radio"] == carried["mar2-core"] == 1


def test_each_stay_is_decided_anew(domain):
    """So the anchor gets some of it by the tunnel, and knows of the source."""
    domain.scopes[C3] = LOCAL
    move(domain)
    send(domain, "mar2")
    for name, call in (("mar4", "away"), ("mar2", "guest")):
        router = domain.routers[name]
        domain.perform(router, getattr(router.core, call)(PREFIX, None, domain.now))
    send(domain, "mar4")
    move(domain)
    assert domain.send(S3, G3, "mar2-radio")[TUNNEL] == 1
    assert TUNNEL not in send(domain, "mar2")


def test_a_source_that_is_back_is_a_source_like_any_other(domain):
    domain.scopes[C3] = REMOTE
    move(domain)
    send(domain, "mar2")
    for name, call in (("mar4", "away"), ("mar2", "guest")):
        router = domain.routers[name]
        domain.perform(router, getattr(router.core, call)(PREFIX, None, domain.now))
    carried = send(domain, "mar4")
    assert carried["mar1-radio"] == carried["mar2-radio"] == carried["mar4-core"] == 1
    assert TUNNEL not in carried


def test_a_source_from_elsewhere_goes_nowhere_until_it_is_a_guest():
    """A native tree that turned to it would have to turn back."""
    config = ProxyConfig()
    selection = MultiUpstream(config.ongoing_session_window)
    proxy = MldProxy(config, Random(1), selection, pool=IPv6Network("2001:db8:2::/48"))
    for name, up, down in (("core", True, False), ("radio", False, True), (TUNNEL, True, True)):
        address = IPv6Address(f"fe80::{len(name)}")
        proxy.add_link(name, address, 0, upstream=up, downstream=down)

    def outgoing(source: IPv6Address) -> tuple[str, ...]:
        actions = proxy.upcall(source, G3, "radio", 1)
        return [action for action in actions if isinstance(action, SetForwarding)][-1].outgoing

    assert outgoing(IPv6Address("2001:db8:2:1::3")) == ("core",)
    assert outgoing(S3) == ()
    proxy.guest(PREFIX, TUNNEL, 2)
    assert outgoing(S3) == (TUNNEL,)
    proxy.guest(PREFIX, None, 3)
    assert outgoing(S3) == ()


def test_a_listener_that_comes_to_its_source_needs_no_detour(domain):
    """Not even if channel control says remote: nothing goes to MAR1 to come back from there."""
    domain.scopes[C3] = REMOTE
    domain.arrive(domain.hosts["mn1"], "mar4")
    carried = send(domain, "mar4")
    assert carried["mar4-radio"] == 2
    assert domain.arrivals["mar4"] == 1
    assert domain.arrivals["mar1"] == 0
    assert ("core", S3, G3, 1, ("mn1",), (str(S3),)) in domain.records("mar4")
