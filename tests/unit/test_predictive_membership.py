"""A listener that is announced is served where it is expected, and handed over in one step."""

from dataclasses import replace
from ipaddress import IPv6Address
from random import Random

import pytest
from proxies import (
    ALLOW,
    BLOCK,
    CONFIG,
    IS_IN,
    MN1,
    MN2,
    PEER,
    S1,
    S2,
    G,
    forwarding,
    mac,
    report,
    run,
)

from agents.core import SECOND
from agents.multicast.actions import HoldLink, ReleaseLink, SetForwarding
from agents.multicast.multi_upstream import MultiUpstream
from agents.multicast.proxy import MldProxy
from agents.wire.channel import ChannelScope
from agents.wire.mld import AddressRecord

RECORDS = (AddressRecord(IS_IN, G, (S1,)),)
EXPIRY = 5 * SECOND


def domain(config):
    proxy = MldProxy(config, Random(1), MultiUpstream(config.ongoing_session_window))
    for number, name in enumerate(("radio", "waiting"), 1):
        address = IPv6Address(f"fe80::{number}")
        proxy.add_link(name, address, 0, upstream=False, downstream=True)
    proxy.add_link("core", IPv6Address("fe80::3"), 0, upstream=True, downstream=False)
    proxy.add_link(
        "tunnel", IPv6Address("fe80::4"), 0, upstream=True, downstream=True, on_demand=True
    )
    return proxy


@pytest.fixture
def proxy():
    return domain(CONFIG)


def listen(proxy, host, now=0):
    """A host of the radio that listens natively."""
    proxy.attached(host, "radio", now, mac(host))
    proxy.bound(host, "radio", None, now)
    proxy.receive(report(ALLOW, S1), host, "radio", now)
    proxy.upcall(S1, G, "core", now)


def entries(actions):
    return [(e.incoming, e.outgoing) for e in forwarding(actions) if isinstance(e, SetForwarding)]


class TestWhereItIsExpected:
    def expect(self, proxy, scope=ChannelScope.REMOTE):
        actions = proxy.anticipation.expected(
            MN1, "waiting", mac(MN1), "tunnel", RECORDS, EXPIRY, 0
        )
        return [*actions, *proxy.decided(G, S1, scope, 0)]

    def test_the_channel_is_fetched_for_the_waiting_room(self, proxy):
        assert HoldLink("tunnel") in self.expect(proxy)
        assert entries(proxy.upcall(S1, G, "tunnel", 0)) == [("tunnel", ("waiting",))]

    @pytest.mark.parametrize(
        ("scope", "upstream"),
        [
            (ChannelScope.REMOTE, "tunnel"),
            (ChannelScope.LOCAL, "core"),
            (ChannelScope.BOTH, "tunnel"),
        ],
    )
    def test_there_is_an_entry_before_its_first_packet(self, proxy, scope, upstream):
        """Of a channel without one the kernel keeps four packets, whoever is slow to answer."""
        assert entries(self.expect(proxy, scope)) == [(upstream, ("waiting",))]
        over = proxy.anticipation.not_expected(MN1, "waiting", SECOND)
        assert entries(over) == [(upstream, ())]
        run(proxy, SECOND + CONFIG.source_lifetime)
        assert entries(self.expect(proxy, scope)) == [(upstream, ("waiting",))]

    def test_it_is_changed_if_the_data_comes_by_another_way(self, proxy):
        self.expect(proxy, ChannelScope.BOTH)
        assert {*entries(proxy.upcall(S1, G, "core", 0))} == {("core", ("waiting",))}

    def test_an_expected_channel_takes_nobody_elses_place(self):
        proxy = domain(replace(CONFIG, maximum_entries=1))
        listen(proxy, MN2)
        other = (AddressRecord(IS_IN, G, (S2,)),)
        proxy.anticipation.expected(MN1, "waiting", mac(MN1), "tunnel", other, EXPIRY, 0)
        assert entries(proxy.decided(G, S2, ChannelScope.REMOTE, 0)) == []

    def test_it_comes_natively_if_channel_control_says_so(self, proxy):
        self.expect(proxy, ChannelScope.LOCAL)
        assert entries(proxy.upcall(S1, G, "core", 0)) == [("core", ("waiting",))]

    def test_arrived_it_is_served_in_one_step_before_it_is_bound(self, proxy):
        self.expect(proxy)
        proxy.upcall(S1, G, "tunnel", 0)
        assert entries(proxy.attached(MN1, "radio", SECOND, mac(MN1))) == []
        arrived = proxy.anticipation.arrived(MN1, "waiting", "radio", "tunnel", RECORDS, SECOND)
        assert entries(arrived) == [("tunnel", ("radio",))]
        assert entries(proxy.bound(MN1, "radio", "tunnel", 2 * SECOND)) == []
        assert [(r.upstream, set(r.listeners)) for r in proxy.membership()] == [
            ("tunnel", {str(MN1)})
        ]

    def test_sent_in_advance_it_goes_on(self, proxy):
        proxy.anticipation.expected(MN1, "radio", mac(MN1), "tunnel", RECORDS, EXPIRY, 0)
        proxy.decided(G, S1, ChannelScope.REMOTE, 0)
        assert entries(proxy.upcall(S1, G, "tunnel", 0)) == [("tunnel", ("radio",))]
        proxy.attached(MN1, "radio", SECOND, mac(MN1))
        assert (
            entries(proxy.anticipation.arrived(MN1, "radio", "radio", "tunnel", RECORDS, SECOND))
            == []
        )
        assert entries(run(proxy, EXPIRY + SECOND)) == []

    def test_who_does_not_come_leaves_nothing(self, proxy):
        self.expect(proxy)
        proxy.upcall(S1, G, "tunnel", 0)
        over = proxy.anticipation.not_expected(MN1, "waiting", SECOND)
        assert entries(over) == [("tunnel", ())]
        over += run(proxy, 10 * SECOND)
        assert ReleaseLink("tunnel") in over
        assert proxy.membership() == []

    def test_nobody_has_to_say_that_it_does_not_come(self, proxy):
        self.expect(proxy)
        run(proxy, EXPIRY + 10 * SECOND)
        assert proxy.membership() == []


class TestWhereItLeaves:
    def test_the_next_routers_report_takes_it_over_in_one_step(self, proxy):
        listen(proxy, MN1)
        proxy.anticipation.leaving(MN1, "radio", "tunnel")
        told = proxy.receive(report(ALLOW, S1), PEER, "tunnel", SECOND)
        assert entries(told) == [("core", ("tunnel",))]
        assert proxy.subscription(MN1, "radio") == RECORDS

    def test_its_own_late_report_does_not_bring_it_back(self, proxy):
        listen(proxy, MN1)
        proxy.anticipation.leaving(MN1, "radio", "tunnel")
        proxy.receive(report(ALLOW, S1), PEER, "tunnel", SECOND)
        assert entries(proxy.receive(report(IS_IN, S1), MN1, "radio", SECOND)) == []

    def test_others_on_the_link_are_served_on(self, proxy):
        listen(proxy, MN1)
        listen(proxy, MN2)
        proxy.anticipation.leaving(MN1, "radio", "tunnel")
        told = proxy.receive(report(ALLOW, S1), PEER, "tunnel", SECOND)
        assert entries(told) == [("core", ("radio", "tunnel"))]

    def test_it_is_over_too_when_the_next_router_needs_nothing(self, proxy):
        listen(proxy, MN1)
        proxy.anticipation.leaving(MN1, "radio", "tunnel")
        assert entries(proxy.receive(report(BLOCK, S1), PEER, "tunnel", SECOND)) == [("core", ())]

    def test_who_stays_is_served_again(self, proxy):
        listen(proxy, MN1)
        proxy.anticipation.leaving(MN1, "radio", "tunnel")
        proxy.receive(report(ALLOW, S1), PEER, "tunnel", SECOND)
        proxy.receive(report(BLOCK, S1), PEER, "tunnel", 2 * SECOND)
        run(proxy, 6 * SECOND)
        assert entries(proxy.anticipation.staying(MN1, "radio", 7 * SECOND)) == [
            ("core", ("radio",))
        ]
        assert entries(proxy.anticipation.staying(MN1, "radio", 8 * SECOND)) == []

    def test_who_is_known_to_be_gone_is_not(self, proxy):
        listen(proxy, MN1)
        proxy.anticipation.leaving(MN1, "radio", "tunnel")
        proxy.receive(report(ALLOW, S1), PEER, "tunnel", SECOND)
        proxy.detached(MN1, "radio", 2 * SECOND)
        assert proxy.anticipation.staying(MN1, "radio", 3 * SECOND) == []
        assert proxy.subscription(MN1, "radio") == ()
