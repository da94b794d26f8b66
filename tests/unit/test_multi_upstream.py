"""The complete solution's upstream selection, one MAR at a time."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv6Address
from random import Random

import pytest
from proxies import (
    ALLOW,
    BLOCK,
    CONFIG,
    IS_EX,
    IS_IN,
    MN1,
    MN2,
    PEER,
    S1,
    S2,
    TO_EX,
    TO_IN,
    G,
    arrive,
    mac,
    mar,
    report,
    run,
    told,
)

from agents.core import SECOND, Action
from agents.multicast.actions import AskChannelControl, SetForwarding
from agents.multicast.multi_upstream import MultiUpstream
from agents.multicast.proxy import MldProxy
from agents.wire.channel import ChannelScope
from agents.wire.mld import AddressRecord

NOW = 40 * SECOND
C1 = (AddressRecord(IS_IN, G, (S1,)),)
LOCAL, REMOTE, BOTH = ChannelScope.LOCAL, ChannelScope.REMOTE, ChannelScope.BOTH


@pytest.fixture
def proxy() -> MldProxy:
    config = replace(CONFIG, explicit_tracking=True)
    proxy = MldProxy(config, Random(1), MultiUpstream(config.ongoing_session_window))
    proxy.add_link("radio", IPv6Address("fe80::1"), 0, upstream=False, downstream=True)
    proxy.add_link("core", IPv6Address("fe80::2"), 0, upstream=True, downstream=False)
    for number, name in enumerate(("tun-mar1", "tun-mar3"), 3):
        proxy.add_link(
            name, IPv6Address(f"fe80::{number}"), 0, upstream=True, downstream=True, on_demand=True
        )
    run(proxy, NOW)
    return proxy


def questions(actions: list[Action]) -> list[tuple[IPv6Address | None, IPv6Address]]:
    return [(a.source, a.group) for a in actions if isinstance(a, AskChannelControl)]


def follow(proxy: MldProxy, scope: ChannelScope, now: int = NOW) -> list[Action]:
    """MN1 comes from MAR1, its context says C1, and channel control decides."""
    arrive(proxy, MN1, "tun-mar1", now)
    asked = proxy.context(MN1, "radio", C1, now)
    assert questions(asked) == [(S1, G)]
    return proxy.decided(G, S1, scope, now)


def upstreams(proxy: MldProxy) -> dict[str | None, tuple[str, ...]]:
    return {record.upstream: record.listeners for record in proxy.membership()}


def routes(actions: list[Action]) -> list[tuple[str, tuple[str, ...]]]:
    return [(a.incoming, a.outgoing) for a in actions if isinstance(a, SetForwarding)]


def test_a_new_session_is_native(proxy):
    """Section III.B: "sends an aggregated MLD Report to its upstream MR"."""
    arrive(proxy, MN1, None, NOW)
    actions = proxy.receive(report(ALLOW, S1), MN1, "radio", NOW)
    assert told(actions, "core") == [(ALLOW, G, (S1,))]
    assert questions(actions) == []


def test_context_subscribes_before_any_report(proxy):
    """Section III.B: MAR2 gets the MN1's subscriptions in advance, C1 is remote."""
    actions = follow(proxy, REMOTE)
    assert told(actions, "tun-mar1") == [(ALLOW, G, (S1,))]
    assert upstreams(proxy) == {"tun-mar1": (str(MN1),)}


def test_a_local_channel_is_native_and_the_previous_router_is_told(proxy):
    """Section III.B: "indicated (by the MAR2) to immediately stop forwarding this channel"."""
    actions = follow(proxy, LOCAL)
    assert told(actions, "core") == [(ALLOW, G, (S1,))]
    assert told(actions, "tun-mar1") == [(BLOCK, G, (S1,))]
    again = run(proxy, NOW + 2 * SECOND)
    assert told(again, "tun-mar1") == [(BLOCK, G, (S1,))]


def test_an_any_source_session_is_declined_as_a_whole(proxy):
    arrive(proxy, MN1, "tun-mar1", NOW)
    asked = proxy.context(MN1, "radio", (AddressRecord(IS_EX, G),), NOW)
    assert questions(asked) == [(None, G)]
    actions = proxy.decided(G, None, LOCAL, NOW)
    assert told(actions, "core") == [(TO_EX, G, ())]
    assert told(actions, "tun-mar1") == [(TO_IN, G, ())]


@pytest.mark.parametrize(
    ("wanted", "source"),
    [
        (AddressRecord(IS_IN, G, (S1,)), S1),
        (AddressRecord(IS_IN, G, (S1, S2)), None),
        (AddressRecord(IS_EX, G, (S1,)), None),
    ],
)
def test_the_question_names_a_source_if_one_alone_is_wanted(proxy, wanted, source):
    arrive(proxy, MN1, "tun-mar1", NOW)
    assert questions(proxy.context(MN1, "radio", (wanted,), NOW)) == [(source, G)]


def test_both_means_the_tunnel_until_native_data_arrives(proxy):
    """Section III.A, "local or remote, or both of them": make before break."""
    actions = follow(proxy, BOTH)
    assert told(actions, "core") == told(actions, "tun-mar1") == [(ALLOW, G, (S1,))]
    assert set(upstreams(proxy)) == {"core", "tun-mar1"}
    assert routes(proxy.upcall(S1, G, "tun-mar1", NOW)) == [("tun-mar1", ("radio",))]
    actions = proxy.upcall(S1, G, "core", NOW + SECOND)
    assert set(routes(actions)) == {("core", ("radio",))}
    assert told(actions, "tun-mar1") == [(BLOCK, G, (S1,))]
    assert upstreams(proxy) == {"core": (str(MN1),)}


def test_both_needs_no_tunnel_when_native_data_is_first(proxy):
    follow(proxy, BOTH)
    assert set(routes(proxy.upcall(S1, G, "core", NOW))) == {("core", ("radio",))}
    assert upstreams(proxy) == {"core": (str(MN1),)}


def test_nothing_is_chosen_before_channel_control_answers(proxy):
    """Section III.B: "contacts with the MCC to decide"; it is asked once for a channel."""
    for mn in (MN1, MN2):
        arrive(proxy, mn, "tun-mar1", NOW)
    actions = proxy.context(MN1, "radio", C1, NOW)
    assert questions(actions) == [(S1, G)]
    assert told(actions, "core") == told(actions, "tun-mar1") == []
    assert questions(proxy.context(MN2, "radio", C1, NOW)) == []
    proxy.decided(G, S1, REMOTE, NOW)
    assert upstreams(proxy) == {"tun-mar1": (str(MN1), str(MN2))}


def test_channel_control_is_asked_again_for_a_later_session(proxy):
    follow(proxy, LOCAL)
    proxy.receive(report(BLOCK, S1), MN1, "radio", NOW)
    arrive(proxy, MN2, "tun-mar3", NOW)
    assert questions(proxy.context(MN2, "radio", C1, NOW)) == [(S1, G)]


def test_who_shares_with_one_that_becomes_native_becomes_native_too(proxy):
    """MN2 has a source in common with each of the others, which have none with each other."""
    follow(proxy, REMOTE)
    arrive(proxy, MN2, None, NOW)
    proxy.receive(report(ALLOW, S1, S2), MN2, "radio", NOW)
    assert set(upstreams(proxy)) == {"tun-mar1"}
    actions = proxy.receive(report(ALLOW, S2), PEER, "tun-mar3", NOW)
    assert set(upstreams(proxy)) == {"core"}
    assert told(actions, "core") == [(ALLOW, G, (S1, S2))]
    assert told(actions, "tun-mar1") == [(BLOCK, G, (S1, S2))]


def test_an_available_channel_is_shared(proxy):
    """Section III.B: "Since the multicast state [...] is available at MAR2"; MAR3 may stop."""
    follow(proxy, REMOTE)
    arrive(proxy, MN2, "tun-mar3", NOW)
    actions = proxy.context(MN2, "radio", C1, NOW)
    assert questions(actions) == []
    assert told(actions, "core") == told(actions, "tun-mar1") == []
    assert told(actions, "tun-mar3") == [(BLOCK, G, (S1,))]
    assert upstreams(proxy) == {"tun-mar1": (str(MN1), str(MN2))}


def test_other_sources_of_the_group_are_other_channels(proxy):
    follow(proxy, REMOTE)
    arrive(proxy, MN2, "tun-mar3", NOW)
    records = (AddressRecord(IS_IN, G, (S2,)),)
    assert questions(proxy.context(MN2, "radio", records, NOW)) == [(S2, G)]


def test_what_joins_two_channels_brings_their_upstreams_together(proxy):
    """No tunnel convergence: (*,G) overlaps with (S1,G) by a tunnel and (S2,G) natively."""
    follow(proxy, REMOTE)
    arrive(proxy, MN2, None, NOW)
    proxy.receive(report(ALLOW, S2), MN2, "radio", NOW)
    assert set(upstreams(proxy)) == {"tun-mar1", "core"}
    proxy.upcall(S1, G, "tun-mar1", NOW)
    actions = proxy.receive(report(TO_EX), MN2, "radio", NOW + SECOND)
    assert (BLOCK, G, (S1,)) not in told(actions, "tun-mar1")
    actions = proxy.upcall(S1, G, "core", NOW + 2 * SECOND)
    assert told(actions, "tun-mar1") == [(BLOCK, G, (S1,))]
    assert set(upstreams(proxy)) == {"core"}


def test_another_router_gets_it_natively_and_so_do_all(proxy):
    """Tunnels form no chains; and one copy is enough for who was served by a tunnel so far."""
    follow(proxy, REMOTE)
    proxy.upcall(S1, G, "tun-mar1", NOW)
    actions = proxy.receive(report(ALLOW, S1), PEER, "tun-mar3", NOW)
    assert told(actions, "core") == [(ALLOW, G, (S1,))]
    assert routes(actions)[-1] == ("tun-mar1", ("radio", "tun-mar3"))
    actions = proxy.upcall(S1, G, "core", NOW + SECOND)
    assert routes(actions)[-1] == ("core", ("radio", "tun-mar3"))
    assert told(actions, "tun-mar1") == [(BLOCK, G, (S1,))]


def test_context_says_what_is_ongoing(proxy):
    """With context transfer, what it does not name is new, however early it is reported."""
    arrive(proxy, MN1, "tun-mar1", NOW)
    proxy.context(MN1, "radio", (), NOW)
    actions = proxy.receive(report(ALLOW, S1), MN1, "radio", NOW + SECOND)
    assert questions(actions) == []
    assert told(actions, "core") == [(ALLOW, G, (S1,))]


def test_without_context_the_first_reports_are_ongoing(proxy):
    """As in the base scheme: what a newcomer answers to the query at attachment."""
    arrive(proxy, MN1, "tun-mar1", NOW)
    actions = proxy.receive(report(IS_IN, S1), MN1, "radio", NOW + SECOND)
    assert questions(actions) == [(S1, G)]


def test_context_that_the_host_does_not_confirm_is_forgotten(proxy):
    follow(proxy, REMOTE)
    run(proxy, NOW + CONFIG.newcomer_interval)
    assert proxy.membership() == []


def test_context_that_the_host_confirms_stays(proxy):
    follow(proxy, REMOTE)
    proxy.receive(report(IS_IN, S1), MN1, "radio", NOW + SECOND)
    run(proxy, NOW + CONFIG.newcomer_interval)
    assert upstreams(proxy) == {"tun-mar1": (str(MN1),)}


def test_context_waits_for_the_binding(proxy):
    proxy.attached(MN1, "radio", NOW, mac(MN1))
    assert questions(proxy.context(MN1, "radio", C1, NOW)) == []
    assert questions(proxy.bound(MN1, "radio", "tun-mar1", NOW)) == [(S1, G)]


def test_context_of_a_host_that_is_not_here_means_nothing(proxy):
    assert proxy.context(MN1, "radio", C1, NOW) == []
    assert proxy.membership() == []


def test_what_a_host_listens_to_is_known_for_context_transfer(proxy):
    arrive(proxy, MN1, None, NOW)
    other = IPv6Address("ff0e::c2")
    proxy.receive(report(ALLOW, S1), MN1, "radio", NOW)
    proxy.receive(report(TO_EX, group=other), MN1, "radio", NOW)
    proxy.receive(report(ALLOW, S2), MN2, "radio", NOW)
    assert proxy.subscription(MN1, "radio") == (*C1, AddressRecord(IS_EX, other))


@pytest.mark.parametrize("before", [REMOTE, LOCAL])
def test_a_live_change_makes_before_it_breaks(proxy, before):
    """The old upstream goes when the new one delivers."""
    links = ("tun-mar1", "core") if before is REMOTE else ("core", "tun-mar1")
    old, new = links
    follow(proxy, before)
    run(proxy, NOW + 5 * SECOND)
    proxy.upcall(S1, G, old, NOW + 5 * SECOND)
    after = LOCAL if before is REMOTE else REMOTE
    actions = proxy.decided(G, S1, after, NOW + 6 * SECOND)
    assert told(actions, new) == [(ALLOW, G, (S1,))]
    assert told(actions, old) == []
    assert routes(actions) == []
    actions = proxy.upcall(S1, G, new, NOW + 7 * SECOND)
    assert set(routes(actions)) == {(new, ("radio",))}
    assert told(actions, old) == [(BLOCK, G, (S1,))]


def test_a_decision_about_what_nobody_wants_changes_nothing(proxy):
    assert told(proxy.decided(G, S1, REMOTE, NOW), "core") == []
    assert questions([*arrive(proxy, MN1, "tun-mar1", NOW)]) == []
    assert questions(proxy.context(MN1, "radio", C1, NOW)) == [(S1, G)]


def test_the_end_of_the_tunnel_is_not_the_end_of_the_session(proxy):
    follow(proxy, REMOTE)
    actions = proxy.remove_link("tun-mar1", NOW + SECOND)
    assert told(actions, "core") == [(ALLOW, G, (S1,))]
    assert upstreams(proxy) == {"core": (str(MN1),)}


def test_a_third_upstream_does_not_hide_the_one_waited_for(proxy):
    """The kernel tells of one wrong interface at a time: those not used are given up."""
    follow(proxy, BOTH)
    proxy.receive(report(ALLOW, S1), PEER, "tun-mar3", NOW)
    proxy.upcall(S1, G, "tun-mar1", NOW)
    proxy.upcall(S1, G, "tun-mar3", NOW + SECOND)
    proxy.upcall(S1, G, "core", NOW + 2 * SECOND)
    assert set(upstreams(proxy)) == {"core"}


@pytest.mark.parametrize("link", ["core", "tun-mar3"])
def test_data_that_is_not_wanted_from_an_upstream_is_declined(proxy, link):
    """The other router missed our leave, or knew us before we started anew."""
    follow(proxy, REMOTE)
    proxy.upcall(S1, G, "tun-mar1", NOW)
    assert told(proxy.upcall(S1, G, link, NOW), link) == [(BLOCK, G, (S1,))]
    assert told(proxy.upcall(S1, G, "tun-mar1", NOW + SECOND), "tun-mar1") == []
    base = mar("tun-mar1")
    assert told(base.upcall(S1, G, "tun-mar1", NOW), "tun-mar1") == []


def test_an_upstream_kept_for_another_listener_does_not_hide_the_one_waited_for(proxy):
    """All take a channel from the upstream in use: what one keeps besides is given up, too."""
    follow(proxy, BOTH)
    now = NOW + SECOND
    proxy.upcall(S1, G, "tun-mar1", now)
    arrive(proxy, MN2, "tun-mar3", now)
    proxy.receive(report(ALLOW, S2), MN2, "radio", now)
    proxy.decided(G, S2, BOTH, now)
    proxy.receive(report(ALLOW, S1), MN2, "radio", now)
    actions = proxy.upcall(S1, G, "tun-mar3", now)
    assert set(told(actions, "tun-mar3")) == {(BLOCK, G, (S1, S2))}
    actions = proxy.upcall(S1, G, "core", now + 3 * SECOND)
    assert set(routes(actions)) == {("core", ("radio",))}
