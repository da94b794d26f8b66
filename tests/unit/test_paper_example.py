"""The example of section III.B, step by step: the membership records after each are the paper's."""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest

from agents.core import SECOND
from agents.multicast.config import ProxyConfig
from agents.multicast.filters import EVERYTHING, include
from agents.wire.channel import ChannelScope
from tests.unit.mobile_domain import MobileDomain

S1, S2, S3 = (IPv6Address(f"2001:db8:5e00:{n}::2") for n in (1, 2, 3))
G1, G2, G3 = IPv6Address("ff3e::c1"), IPv6Address("ff0e::c2"), IPv6Address("ff3e::c3")
C1, C2, C3 = (S1, G1), (S2, G2), (S3, G3)
CHANNELS = (C1, C2, C3)
TUNNEL = "tun-mar1-mar2"


@pytest.fixture
def domain() -> MobileDomain:
    """Figure 2: MN1 at MAR1, MN2 at MAR2, MN3 at MAR3; C1 is remote, C3 local (figure 4)."""
    config = ProxyConfig(explicit_tracking=True)
    domain = MobileDomain(config, 1, 3, transfers=True)
    domain.scopes = {C1: ChannelScope.REMOTE, C3: ChannelScope.LOCAL}
    mn1, mn2, mn3 = (domain.node(f"mn{n}", f"mar{n}") for n in (1, 2, 3))
    domain.run(20 * SECOND)
    domain.want(mn1, G1, include([S1]))
    domain.want(mn2, G2, include([S2]))
    domain.want(mn3, G1, include([S1]))
    domain.want(mn3, G2, EVERYTHING)
    domain.want(mn3, G3, include([S3]))
    settle(domain)
    return domain


def settle(domain: MobileDomain) -> None:
    """3 s, with data all the time."""
    for _ in range(30):
        domain.run(domain.now + SECOND // 10)
        for source, group in CHANNELS:
            domain.send(source, group, "lan")


def copies(domain: MobileDomain, mar: str) -> int:
    """How many packets enter a MAR when each channel carries one."""
    before = domain.arrivals[mar]
    for source, group in CHANNELS:
        domain.send(source, group, "lan")
    return domain.arrivals[mar] - before


def test_at_the_initial_stage_everything_is_native(domain):
    """Figure 2."""
    assert domain.records("mar1") == {("core", S1, G1, 1, ("mn1",), ())}
    assert domain.records("mar2") == {("core", S2, G2, 1, ("mn2",), ())}
    assert domain.records("mar3") == {
        ("core", S1, G1, 1, ("mn3",), ()),
        ("core", None, G2, 1, ("mn3",), ()),
        ("core", S3, G3, 1, ("mn3",), ()),
    }


def test_a_remote_channel_follows_through_the_tunnel(domain):
    """Figures 3 and 4: MN1 moves from MAR1 to MAR2, C1 is remote."""
    domain.arrive(domain.hosts["mn1"], "mar2")
    settle(domain)
    assert domain.questions == [("mar2", C1)]
    assert domain.records("mar2") == {
        (TUNNEL, S1, G1, 1, ("mn1",), ()),
        ("core", S2, G2, 1, ("mn2",), ()),
    }
    # MAR2 is what listens at MAR1 now.
    assert domain.records("mar1") == {("core", S1, G1, 1, (), ())}
    assert domain.send(*C1, "lan")[TUNNEL] == 1
    assert "mar1-radio" not in domain.send(*C1, "lan")


def test_what_is_available_is_shared_and_what_is_local_is_native(domain):
    """MN3 moves to MAR2, too: C1 and C2 are available there, C3 is local."""
    domain.arrive(domain.hosts["mn1"], "mar2")
    settle(domain)
    domain.arrive(domain.hosts["mn3"], "mar2")
    settle(domain)
    assert domain.questions == [("mar2", C1), ("mar2", C3)]
    assert domain.records("mar2") == {
        (TUNNEL, S1, G1, 2, ("mn1", "mn3"), ()),
        ("core", None, G2, 2, ("mn2", "mn3"), ()),
        ("core", S3, G3, 1, ("mn3",), ()),
    }
    assert domain.records("mar3") == set()
    assert copies(domain, "mar2") == len(CHANNELS)
    assert copies(domain, "mar3") == 0


def test_a_newcomer_shares_the_tunnel_and_keeps_it(domain):
    """Section IV.B: MN4 joins C1, available by the tunnel; MN1 goes on; the tunnel is held."""
    domain.arrive(domain.hosts["mn1"], "mar2")
    settle(domain)
    mn4 = domain.node("mn4", "mar2")
    domain.run(domain.now + SECOND)
    domain.want(mn4, G1, include([S1]))
    settle(domain)
    assert (TUNNEL, S1, G1, 2, ("mn1", "mn4"), ()) in domain.records("mar2")
    domain.arrive(domain.hosts["mn1"], "mar3")
    settle(domain)
    assert (TUNNEL, S1, G1, 1, ("mn4",), ()) in domain.records("mar2")
    assert TUNNEL in domain.routers["mar2"].held
    assert TUNNEL in domain.routers["mar1"].held
    # C1 is available at MAR3.
    assert ("core", S1, G1, 2, ("mn1", "mn3"), ()) in domain.records("mar3")
    domain.want(mn4, G1, include(()))
    settle(domain)
    assert TUNNEL not in domain.routers["mar2"].held
    assert TUNNEL not in domain.routers["mar1"].held


def test_a_local_channel_ends_at_the_previous_router_at_once(domain):
    """Section III.B: MAR1 "will be indicated (by the MAR2) to immediately stop forwarding"."""
    domain.scopes[C1] = ChannelScope.LOCAL
    domain.arrive(domain.hosts["mn1"], "mar2")
    domain.run(domain.now + SECOND // 5)
    assert domain.records("mar2") == {
        ("core", S1, G1, 1, ("mn1",), ()),
        ("core", S2, G2, 1, ("mn2",), ()),
    }
    assert domain.records("mar1") == set()
    assert "mar1-core" not in domain.send(*C1, "lan")
