"""Forwarding entries: made on upcalls, kept in step with the membership, removed when idle."""

from __future__ import annotations

from ipaddress import IPv6Address

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
    S2,
    TO_EX,
    G,
    arrive,
    forwarding,
    logged,
    mar,
    report,
    run,
)

from agents.core import SECOND
from agents.multicast.actions import RemoveForwarding, SetForwarding
from agents.multicast.membership import MembershipRecord
from agents.multicast.proxy import MldProxy

NOW = 40 * SECOND


@pytest.fixture
def proxy() -> MldProxy:
    proxy = mar("tun-mar1")
    run(proxy, NOW)
    return proxy


def test_data_goes_to_the_links_that_want_it(proxy):
    """RFC 4605 section 4.3."""
    proxy.receive(report(ALLOW, S1), MN1, "radio", NOW)
    proxy.receive(report(TO_EX), PEER, "tun-mar1", NOW)
    actions = proxy.upcall(S1, G, "core", NOW)
    assert forwarding(actions) == [SetForwarding(S1, G, "core", ("radio", "tun-mar1"))]
    assert logged(actions, "forwarding") == [
        {
            "source": str(S1),
            "group": str(G),
            "incoming": "core",
            "outgoing": ["radio", "tun-mar1"],
        }
    ]
    actions = proxy.upcall(S2, G, "core", NOW)
    assert forwarding(actions) == [SetForwarding(S2, G, "core", ("tun-mar1",))]


def test_unwanted_data_gets_a_negative_entry(proxy):
    """So that the kernel does not ask for every packet."""
    assert forwarding(proxy.upcall(S1, G, "core", NOW)) == [SetForwarding(S1, G, "core", ())]


def test_entry_follows_joins_and_leaves(proxy):
    proxy.upcall(S1, G, "core", NOW)
    actions = proxy.receive(report(ALLOW, S1), MN1, "radio", NOW)
    assert forwarding(actions) == [SetForwarding(S1, G, "core", ("radio",))]
    assert forwarding(proxy.receive(report(ALLOW, S1), MN2, "radio", NOW)) == []
    assert forwarding(proxy.receive(report(BLOCK, S1), MN2, "radio", NOW)) == []
    proxy.receive(report(BLOCK, S1), MN1, "radio", NOW)
    assert forwarding(run(proxy, NOW + LLQT)) == [SetForwarding(S1, G, "core", ())]


def test_entry_is_removed_when_it_has_had_no_listener_for_long(proxy):
    """RFC 7761 section 4.11: Keepalive_Period, 210 s; traffic that goes on is an upcall again."""
    proxy.upcall(S1, G, "core", NOW)
    proxy.receive(report(ALLOW, S1), MN1, "radio", NOW)
    gone = NOW + CONFIG.listener_interval
    assert forwarding(run(proxy, gone)) == [SetForwarding(S1, G, "core", ())]
    assert forwarding(run(proxy, gone + 210 * SECOND - 1)) == []
    assert forwarding(run(proxy, gone + 210 * SECOND)) == [RemoveForwarding(S1, G)]


def test_every_upcall_is_answered(proxy):
    """The kernel has no entry, whatever was told before."""
    proxy.receive(report(ALLOW, S1), MN1, "radio", NOW)
    first = proxy.upcall(S1, G, "core", NOW)
    assert forwarding(proxy.upcall(S1, G, "core", NOW)) == forwarding(first) != []


def test_data_is_taken_from_where_it_is_expected(proxy):
    """An ongoing session comes by the tunnel; what else arrives is not forwarded."""
    arrive(proxy, MN1, "tun-mar1", NOW)
    proxy.receive(report(ALLOW, S1), MN1, "radio", NOW)
    actions = proxy.upcall(S1, G, "core", NOW)
    assert forwarding(actions) == [SetForwarding(S1, G, "tun-mar1", ("radio",))]


def test_native_upstream_is_preferred(proxy):
    """Two instances want the channel: each packet is forwarded once."""
    arrive(proxy, MN1, "tun-mar1", NOW)
    proxy.receive(report(ALLOW, S1), MN1, "radio", NOW)
    proxy.upcall(S1, G, "tun-mar1", NOW)
    actions = proxy.receive(report(ALLOW, S1), MN2, "radio", NOW)
    assert forwarding(actions) == [SetForwarding(S1, G, "core", ("radio",))]
    actions = proxy.receive(report(BLOCK, S1), MN2, "radio", NOW)
    assert forwarding(actions) == [SetForwarding(S1, G, "tun-mar1", ("radio",))]


def test_local_source_goes_up_and_to_other_links(proxy):
    """RFC 4605 section 4.3: from a downstream link; never back where it came from."""
    proxy.receive(report(ALLOW, S1), MN1, "radio", NOW)
    proxy.receive(report(ALLOW, S1), PEER, "tun-mar1", NOW)
    actions = proxy.upcall(S1, G, "radio", NOW)
    assert forwarding(actions) == [SetForwarding(S1, G, "radio", ("core", "tun-mar1"))]


def test_data_left_over_in_a_tunnel_is_no_local_source(proxy):
    """It may be what the peer still sends after our leave: sent up, it would come back."""
    actions = proxy.upcall(S1, G, "tun-mar1", NOW)
    assert forwarding(actions) == [SetForwarding(S1, G, "tun-mar1", ())]
    assert proxy.membership() == []


def test_link_local_sources_are_not_forwarded(proxy):
    """RFC 4291 section 2.5.6."""
    proxy.receive(report(TO_EX), PEER, "tun-mar1", NOW)
    actions = proxy.upcall(MN1, G, "radio", NOW)
    assert forwarding(actions) == [SetForwarding(MN1, G, "radio", ())]
    assert [record.local_sources for record in proxy.membership()] == [()]


@pytest.mark.parametrize("source", ["::", "::1", "ff0e::1", "::ffff:192.0.2.1"])
def test_what_is_no_nodes_address_makes_no_entry(proxy, source):
    """RFC 4291 sections 2.5.2 to 2.7; for Linux an entry (::, G) covers every source of G."""
    proxy.receive(report(TO_EX), PEER, "tun-mar1", NOW)
    assert proxy.upcall(IPv6Address(source), G, "radio", NOW) == []
    assert proxy.counters.sources == 1
    assert [record.local_sources for record in proxy.membership()] == [()]
    assert forwarding(proxy.upcall(S1, G, "radio", NOW))


def test_lost_link_takes_its_entries_along(proxy):
    arrive(proxy, MN1, "tun-mar1", NOW)
    proxy.receive(report(ALLOW, S1), MN1, "radio", NOW)
    proxy.receive(report(ALLOW, S2), PEER, "tun-mar1", NOW)
    proxy.upcall(S1, G, "tun-mar1", NOW)
    proxy.upcall(S2, G, "core", NOW)
    actions = forwarding(proxy.remove_link("tun-mar1", NOW))
    assert actions == [RemoveForwarding(S1, G), SetForwarding(S2, G, "core", ())]


def test_lost_upstream_is_taken_out_of_local_sources_entries(proxy):
    proxy.upcall(S1, G, "radio", NOW)
    actions = proxy.remove_link("core", NOW)
    assert forwarding(actions) == [SetForwarding(S1, G, "radio", ())]


def test_membership_records_of_the_paper(proxy):
    """Section III.B: (upstream, S, G, n, {listeners}, {local sources})."""
    other = IPv6Address("ff0e::c2")
    arrive(proxy, MN1, "tun-mar1", NOW)
    proxy.receive(report(ALLOW, S1), MN1, "radio", NOW)
    proxy.receive(report(TO_EX, group=other), MN2, "radio", NOW)
    proxy.receive(report(TO_EX, group=other), PEER, "tun-mar1", NOW)
    proxy.upcall(S2, other, "radio", NOW)
    proxy.upcall(S2, G, "radio", NOW)
    records = proxy.membership()
    assert records == [
        MembershipRecord("tun-mar1", S1, G, (str(MN1),), ()),
        MembershipRecord("core", S2, G, (), (str(S2),)),
        MembershipRecord("core", None, other, (str(MN2), str(PEER)), (str(S2),)),
    ]
    assert [record.count for record in records] == [1, 0, 2]


def test_root_router_forwards_without_an_upstream():
    """The root of the tree: sources and routers below it are all downstream."""
    proxy = mar()
    proxy.remove_link("core", NOW)
    proxy.add_link("lan", IPv6Address("fe80::8"), NOW, upstream=False, downstream=True)
    proxy.receive(report(ALLOW, S1), MN1, "radio", NOW)
    actions = proxy.upcall(S1, G, "lan", NOW)
    assert forwarding(actions) == [SetForwarding(S1, G, "lan", ("radio",))]
    assert proxy.membership() == [
        MembershipRecord(None, S1, G, (str(MN1),), (str(S1),)),
    ]
