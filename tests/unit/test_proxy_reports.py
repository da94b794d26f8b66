"""A proxy as router: which messages it acts upon, and what it asks."""

from __future__ import annotations

from ipaddress import IPv6Address
from random import Random

import pytest
from proxies import (
    ALLOW,
    BLOCK,
    CONFIG,
    IS_EX,
    IS_IN,
    LLQT,
    MN1,
    MN2,
    S1,
    S2,
    TO_EX,
    TO_IN,
    G,
    asked,
    forwarding,
    logged,
    mac,
    mar,
    report,
    run,
    told,
)

from agents.core import SECOND
from agents.multicast.proxy import MldProxy
from agents.wire.mld import (
    ALL_NODES,
    UNSPECIFIED,
    AddressRecord,
    ListenerDoneV1,
    ListenerReportV1,
    MulticastListenerQuery,
    MulticastListenerReport,
)

LATER = 40 * SECOND  # after the startup queries
PEER_ROUTER = IPv6Address("fe80::77")
SSM = IPv6Address("ff3e::c1")


def test_new_link_is_asked_at_once():
    """RFC 3810 section 7.6.2: a router starts up as querier."""
    proxy = mar()
    actions = proxy.add_link("lan", IPv6Address("fe80::9"), 0, upstream=False, downstream=True)
    (query,) = asked(actions, "lan")
    assert query.message.group == UNSPECIFIED
    assert (query.destination, query.link_layer) == (ALL_NODES, None)
    assert logged(actions, "query_sent") == [{"link": "lan", "group": None}]


def test_newcomer_is_asked_alone():
    """RFC 6085: a multicast query in a frame to one host; [Robustness] times."""
    proxy = mar()
    run(proxy, LATER)
    (query,) = asked(proxy.attached(MN1, "radio", LATER, mac(MN1)), "radio")
    assert query.message.group == UNSPECIFIED
    assert (query.destination, query.link_layer) == (ALL_NODES, mac(MN1))
    (again,) = asked(run(proxy, LATER + 100 * SECOND), "radio")
    assert again == query


def test_host_that_left_is_asked_no_more():
    proxy = mar()
    run(proxy, LATER)
    proxy.attached(MN1, "radio", LATER, mac(MN1))
    proxy.detached(MN1, "radio", LATER + SECOND)
    assert asked(run(proxy, LATER + 100 * SECOND), "radio") == []


def test_join_and_leave_are_aggregated_upstream():
    """RFC 4605 section 4.2: the upstream hears the merge, when it changes."""
    proxy = mar()
    told_upstream = []
    for step, (host, message) in enumerate(
        [
            (MN1, report(ALLOW, S1)),
            (MN2, report(ALLOW, S1)),
            (MN2, report(ALLOW, S2)),
            (MN2, report(TO_EX)),
        ]
    ):
        now = LATER + step * 2 * SECOND  # after the retransmissions
        run(proxy, now)
        told_upstream.append(told(proxy.receive(message, host, "radio", now), "core"))
    assert told_upstream == [[(ALLOW, G, (S1,))], [], [(ALLOW, G, (S2,))], [(TO_EX, G, ())]]
    now = LATER + 8 * SECOND
    run(proxy, now)
    assert told(proxy.receive(report(TO_IN), MN2, "radio", now), "core") == []
    assert told(run(proxy, now + LLQT), "core") == [(TO_IN, G, (S1,))]


def test_leave_takes_the_last_listener_query_time():
    """RFC 3810 section 9.10; the log tells the leave when its traffic ends."""
    proxy = mar()
    run(proxy, LATER)
    proxy.receive(report(TO_EX), MN1, "radio", LATER)
    left = LATER + 10 * SECOND
    run(proxy, left)
    actions = proxy.receive(report(TO_IN), MN1, "radio", left)
    assert [(q.message.group, q.destination) for q in asked(actions, "radio")] == [(G, G)]
    actions = run(proxy, left + LLQT - 1)
    assert len(asked(actions, "radio")) == 1
    assert told(actions, "core") == logged(actions, "leave") == []
    actions = run(proxy, left + LLQT)
    assert told(actions, "core") == [(TO_IN, G, ())]
    line = {"link": "radio", "host": str(MN1), "group": str(G), "source": None}
    assert logged(actions, "leave") == [line]


def test_answer_of_another_listener_keeps_the_group():
    """RFC 3810 section 7.4.1: also of one that was not known before."""
    proxy = mar()
    run(proxy, LATER)
    proxy.receive(report(TO_EX), MN1, "radio", LATER)
    run(proxy, LATER + 10 * SECOND)
    proxy.receive(report(TO_IN), MN1, "radio", LATER + 10 * SECOND)
    actions = proxy.receive(report(IS_EX), MN2, "radio", LATER + 11 * SECOND)
    actions += run(proxy, LATER + 20 * SECOND)
    assert asked(actions, "radio") == told(actions, "core") == []
    (record,) = proxy.membership()
    assert record.listeners == (str(MN2),)


def test_leave_of_one_of_two_is_not_asked_about():
    """RFC 6636: explicit tracking."""
    proxy = mar()
    run(proxy, LATER)
    for host in (MN1, MN2):
        proxy.receive(report(ALLOW, S1), host, "radio", LATER)
    actions = proxy.receive(report(BLOCK, S1), MN1, "radio", LATER)
    assert asked(actions, "radio") == []
    assert len(logged(actions, "leave")) == 1


def test_silent_listener_is_gone_after_the_listener_interval():
    """RFC 3810 section 9.4."""
    proxy = mar()
    proxy.receive(report(ALLOW, S1), MN1, "radio", 0)
    actions = run(proxy, 260 * SECOND - 1)
    assert proxy.membership()
    actions = run(proxy, 260 * SECOND)
    assert told(actions, "core") == [(BLOCK, G, (S1,))]
    assert proxy.membership() == []


def test_version_1_hosts_listen_and_leave():
    """RFC 3810 section 8.3.2: report is IS_EX({}), done is TO_IN({})."""
    proxy = mar()
    run(proxy, LATER)
    actions = proxy.receive(ListenerReportV1(G), MN1, "radio", LATER)
    assert told(actions, "core") == [(TO_EX, G, ())]
    actions = proxy.receive(ListenerDoneV1(G), MN1, "radio", LATER)
    assert [query.message.group for query in asked(actions, "radio")] == [G]


@pytest.mark.parametrize(
    "joined",
    [report(IS_EX, group=SSM), report(TO_EX, S1, group=SSM), ListenerReportV1(SSM)],
)
def test_who_wants_any_source_of_a_source_specific_group_is_refused(joined):
    """RFC 4604 sections 3.1 and 3.5: it makes no state, and others keep what they have."""
    proxy = mar()
    proxy.receive(report(ALLOW, S1, group=SSM), MN1, "radio", LATER)
    before = proxy.membership()
    actions = proxy.receive(joined, MN1, "radio", LATER)
    assert proxy.receive(joined, MN2, "radio", LATER)
    assert proxy.membership() == before
    assert told(actions, "core") == []
    why = "any source of a source-specific group"
    line = {"whom": str(MN1), "what": str(SSM), "sources": 0, "why": why}
    assert logged(actions, "refused") == [line]


def test_other_records_of_the_same_report_count():
    """RFC 4604 section 3.1: "it MUST process any other group records"."""
    proxy = mar()
    records = (AddressRecord(TO_EX, SSM), AddressRecord(TO_EX, G), AddressRecord(IS_IN, SSM, (S1,)))
    proxy.receive(MulticastListenerReport(records), MN1, "radio", LATER)
    assert [(r.group, r.source) for r in proxy.membership()] == [(G, None), (SSM, S1)]


def test_version_1_gives_up_nothing_that_is_source_specific():
    """RFC 4604 section 3.7; a change to INCLUDE is processed as ever (section 3.1)."""
    proxy = mar()
    proxy.receive(report(ALLOW, S1, group=SSM), MN1, "radio", LATER)
    assert not asked(proxy.receive(ListenerDoneV1(SSM), MN1, "radio", LATER), "radio")
    assert [record.source for record in proxy.membership()] == [S1]
    assert asked(proxy.receive(report(TO_IN, group=SSM), MN1, "radio", LATER), "radio")


@pytest.mark.parametrize("source", ["::", "2001:db8::1", "fe80::1"])
def test_reports_of_no_link_local_source_are_counted_only(source):
    """RFC 3810 section 5.2.13; and a router does not hear itself."""
    proxy = mar()
    assert proxy.receive(report(TO_EX), IPv6Address(source), "radio", 0) == []
    assert proxy.counters.ignored == 1
    assert proxy.membership() == []


def test_reports_are_heard_downstream_only():
    proxy = mar()
    assert proxy.receive(report(TO_EX), PEER_ROUTER, "core", 0) == []
    assert proxy.receive(report(TO_EX), MN1, "unknown", 0) == []
    assert proxy.counters.ignored == 2


@pytest.mark.parametrize("group", ["ff02::1:ff00:1", "ff01::1", "ff12::5", "ff00::1"])
def test_groups_that_are_not_routed_are_of_no_interest(group):
    """RFC 4291 section 2.7: scopes up to link-local."""
    proxy = mar()
    actions = proxy.receive(report(TO_EX, group=IPv6Address(group)), MN1, "radio", 0)
    assert told(actions, "core") == []
    assert proxy.membership() == []


def test_upstream_queries_are_answered():
    """RFC 3810 section 6.2: the host part, within the maximum response delay."""
    proxy = mar()
    proxy.receive(report(ALLOW, S1), MN1, "radio", LATER)
    run(proxy, LATER + 2 * SECOND)
    now = LATER + 2 * SECOND
    proxy.receive(MulticastListenerQuery(UNSPECIFIED, 1000), PEER_ROUTER, "core", now)
    kinds = [kind.name for kind, _, _ in told(run(proxy, now + SECOND), "core")]
    assert kinds == ["MODE_IS_INCLUDE"]


def test_lost_election_silences_the_querier_and_its_forwarding():
    """RFC 3810 section 7.6.2, RFC 4605 section 4.3: only the querier forwards."""
    proxy = mar()
    proxy.add_link("lan", IPv6Address("fe80::99"), 0, upstream=False, downstream=True)
    proxy.receive(report(ALLOW, S1), MN1, "lan", LATER)
    proxy.upcall(S1, G, "core", LATER)
    query = MulticastListenerQuery(UNSPECIFIED, 10_000)
    actions = proxy.receive(query, PEER_ROUTER, "lan", LATER)
    assert [action.outgoing for action in actions if hasattr(action, "outgoing")] == [()]
    proxy.receive(report(ALLOW, S1), MN1, "lan", LATER + 200 * SECOND)
    proxy.upcall(S1, G, "core", LATER + 200 * SECOND)
    actions = run(proxy, LATER + 255 * SECOND)
    assert len(asked(actions, "lan")) == 1
    assert [action.outgoing for action in actions if hasattr(action, "outgoing")] == [("lan",)]


@pytest.mark.parametrize("question", [UNSPECIFIED, G])
def test_where_hosts_attach_nobody_else_may_ask(question):
    """A host with the lowest address of all says that it is a router: it is counted, and no more.

    Else it would keep us from forwarding, and could end what others listen to.
    """
    proxy = MldProxy(CONFIG, Random(1))
    add = proxy.add_link
    add("radio", IPv6Address("fe80::2"), 0, upstream=False, downstream=True, shared=False)
    add("core", IPv6Address("fe80::3"), 0, upstream=True, downstream=False)
    proxy.receive(report(ALLOW, S1), MN1, "radio", LATER)
    proxy.upcall(S1, G, "core", LATER)
    query = MulticastListenerQuery(question, 10_000)
    assert proxy.receive(query, IPv6Address("fe80::1"), "radio", LATER) == []
    assert proxy.counters.queries == 1
    actions = run(proxy, LATER + 200 * SECOND)
    assert [record.source for record in proxy.membership()] == [S1]
    assert asked(actions, "radio")
    assert not forwarding(actions)


def test_another_queriers_question_is_heeded():
    """RFC 3810 section 7.6.1: unless it says to suppress that."""
    proxy = mar()
    proxy.receive(report(ALLOW, S1, S2), MN1, "radio", LATER)
    question = MulticastListenerQuery(G, 1000, (S1,), suppress=True)
    proxy.receive(question, IPv6Address("fe80::"), "radio", LATER)
    run(proxy, LATER + LLQT)
    assert [record.source for record in proxy.membership()] == [S1, S2]
    question = MulticastListenerQuery(G, 1000, (S1,))
    proxy.receive(question, IPv6Address("fe80::"), "radio", LATER + LLQT)
    run(proxy, LATER + 2 * LLQT)
    assert [record.source for record in proxy.membership()] == [S2]


def test_sender_is_known_by_its_link_layer_address():
    """A host whose link-local is not the one that its attachment told is still that host."""
    proxy = mar()
    proxy.attached(MN1, "radio", 0, mac(MN1))
    proxy.bound(MN1, "radio", None, 0)
    proxy.receive(report(TO_EX), IPv6Address("fe80::1234"), "radio", SECOND, mac(MN1))
    (record,) = proxy.membership()
    assert record.listeners == (str(MN1),)
