"""Explicit tracking: who leaves is known to leave, and who has moved is not cut off too early."""

from __future__ import annotations

from dataclasses import replace
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
    TO_IN,
    G,
    arrive,
    asked,
    forwarding,
    mac,
    report,
    run,
    told,
)

from agents.core import SECOND
from agents.multicast.actions import SetForwarding
from agents.multicast.proxy import MldProxy
from agents.wire.mld import ListenerDoneV1, ListenerReportV1

NOW = 40 * SECOND


@pytest.fixture
def proxy() -> MldProxy:
    """MN1 listens, and data comes natively."""
    proxy = MldProxy(replace(CONFIG, explicit_tracking=True), Random(1))
    proxy.add_link("radio", IPv6Address("fe80::1"), 0, upstream=False, downstream=True)
    proxy.add_link("core", IPv6Address("fe80::2"), 0, upstream=True, downstream=False)
    proxy.add_link(
        "tun-mar2", IPv6Address("fe80::3"), 0, upstream=True, downstream=True, on_demand=True
    )
    run(proxy, NOW - 5 * SECOND)
    arrive(proxy, MN1, None, NOW - 5 * SECOND)
    proxy.receive(report(ALLOW, S1), MN1, "radio", NOW - 5 * SECOND)
    proxy.upcall(S1, G, "core", NOW - 4 * SECOND)
    run(proxy, NOW)
    return proxy


def test_the_last_leave_acts_at_once(proxy):
    """Section II.B.3; RFC 6636: no last listener query."""
    actions = proxy.receive(report(BLOCK, S1), MN1, "radio", NOW)
    assert told(actions, "core") == [(BLOCK, G, (S1,))]
    assert asked(actions, "radio") == []
    assert forwarding(actions) == [SetForwarding(S1, G, "core", ())]


def test_a_leave_of_one_of_two_changes_nothing(proxy):
    proxy.receive(report(ALLOW, S1), MN2, "radio", NOW)
    actions = proxy.receive(report(BLOCK, S1), MN1, "radio", NOW)
    assert told(actions, "core") == []
    assert forwarding(actions) == []


def test_old_hosts_are_asked_for(proxy):
    """MLDv1 hosts keep silent when they hear another's report, so not all are known."""
    other = IPv6Address("ff0e::c2")
    proxy.receive(ListenerReportV1(other), MN2, "radio", NOW)
    actions = proxy.receive(ListenerDoneV1(other), MN2, "radio", NOW)
    assert len(asked(actions, "radio")) == 1
    assert told(actions, "core") == []


def test_a_host_that_left_is_not_served_but_its_subscription_lingers(proxy):
    actions = proxy.detached(MN1, "radio", NOW)
    assert proxy.membership() == []
    assert told(actions, "core") == []
    assert forwarding(actions) == [SetForwarding(S1, G, "core", ())]
    assert told(run(proxy, NOW + LLQT - 1), "core") == []
    assert told(run(proxy, NOW + LLQT), "core") == [(BLOCK, G, (S1,))]


def test_a_report_that_was_still_on_the_way_does_not_bring_back_who_left(proxy):
    """Else it would be served for a listener interval where it is not."""
    proxy.detached(MN1, "radio", NOW)
    assert proxy.receive(report(ALLOW, S1), MN1, "radio", NOW + SECOND // 100) == []
    assert proxy.counters.ignored == 1
    assert proxy.membership() == []
    arrive(proxy, MN1, None, NOW + SECOND // 10)
    proxy.receive(report(ALLOW, S1), MN1, "radio", NOW + SECOND // 10)
    assert len(proxy.membership()) == 1


def test_who_left_is_heard_again_later_without_a_trigger(proxy):
    proxy.detached(MN1, "radio", NOW)
    proxy.receive(report(ALLOW, S1), MN1, "radio", NOW + CONFIG.trigger_slack)
    assert len(proxy.membership()) == 1


def test_the_new_router_takes_the_subscription_over(proxy):
    """Figure 3, remote: the MLD report by the tunnel."""
    proxy.detached(MN1, "radio", NOW)
    actions = proxy.receive(report(ALLOW, S1), PEER, "tun-mar2", NOW + SECOND)
    assert forwarding(actions) == [SetForwarding(S1, G, "core", ("tun-mar2",))]
    later = run(proxy, NOW + 2 * LLQT)
    assert told([*actions, *later], "core") == []
    actions = proxy.receive(report(BLOCK, S1), PEER, "tun-mar2", NOW + 2 * LLQT)
    assert told(actions, "core") == [(BLOCK, G, (S1,))]


@pytest.mark.parametrize("record", [report(BLOCK, S1), report(TO_IN)])
def test_the_new_router_says_that_it_does_not_want_it(proxy, record):
    """Section III.B, local: "indicated [...] to immediately stop forwarding this channel"."""
    proxy.detached(MN1, "radio", NOW)
    actions = proxy.receive(record, PEER, "tun-mar2", NOW + SECOND // 10)
    assert told(actions, "core") == [(BLOCK, G, (S1,))]


def test_what_others_listen_to_goes_on(proxy):
    proxy.receive(report(ALLOW, S1), MN2, "radio", NOW)
    proxy.detached(MN1, "radio", NOW)
    actions = proxy.receive(report(BLOCK, S1), PEER, "tun-mar2", NOW + SECOND)
    assert told([*actions, *run(proxy, NOW + 2 * LLQT)], "core") == []
    (record,) = proxy.membership()
    assert record.listeners == (str(MN2),)


def test_who_comes_back_in_time_finds_it(proxy):
    proxy.detached(MN1, "radio", NOW)
    arrive(proxy, MN1, None, NOW + SECOND)
    actions = proxy.receive(report(ALLOW, S1), MN1, "radio", NOW + SECOND)
    assert forwarding(actions) == [SetForwarding(S1, G, "core", ("radio",))]
    assert told([*actions, *run(proxy, NOW + 2 * LLQT)], "core") == []


def test_the_base_scheme_does_not_know_who_left(proxy):
    """Without explicit tracking a host that moved away stays a listener until it expires."""
    proxy = MldProxy(CONFIG, Random(1))
    proxy.add_link("radio", IPv6Address("fe80::1"), 0, upstream=False, downstream=True)
    arrive(proxy, MN1, None, 0)
    proxy.receive(report(ALLOW, S1), MN1, "radio", 0)
    proxy.detached(MN1, "radio", SECOND)
    run(proxy, CONFIG.listener_interval - 1)
    assert len(proxy.membership()) == 1


def test_nobody_leaves_in_the_name_of_another(proxy):
    arrive(proxy, MN2, None, NOW)
    for message in (report(BLOCK, S1), report(TO_IN), ListenerDoneV1(G)):
        ignored = proxy.counters.ignored
        assert proxy.receive(message, MN1, "radio", NOW, mac(MN2)) == []
        assert proxy.counters.ignored == ignored + 1
    actions = proxy.receive(report(BLOCK, S1), MN1, "radio", NOW, mac(MN1))
    assert forwarding(actions) == [SetForwarding(S1, G, "core", ())]
