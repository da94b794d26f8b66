"""The router of one link, the same for IGMP and MLD: queries, memberships, older hosts."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from random import Random

import pytest

from agents.core import SECOND, Log
from agents.multicast.actions import SendMld
from agents.multicast.config import ProxyConfig
from agents.multicast.filters import EVERYTHING, NOTHING, exclude, include
from agents.multicast.igmp import from_igmp, to_igmp
from agents.multicast.link_router import LinkRouter, SetWanted
from agents.wire import igmp, mld
from agents.wire.addresses import mapped

CONFIG = ProxyConfig()
KINDS = mld.RecordType
V4 = {
    "own": mapped(IPv4Address("192.0.2.1")),
    "lower": mapped(IPv4Address("192.0.2.0")),
    "host": mapped(IPv4Address("192.0.2.7")),
    "other": mapped(IPv4Address("192.0.2.8")),
    "group": mapped(IPv4Address("239.1.1.1")),
    "ssm": mapped(IPv4Address("232.1.1.1")),
    "link": mapped(IPv4Address("224.0.0.251")),
    "all": mapped(IPv4Address("224.0.0.1")),
    "a": mapped(IPv4Address("198.51.100.1")),
    "b": mapped(IPv4Address("198.51.100.2")),
}
V6 = {
    "own": IPv6Address("fe80::2"),
    "lower": IPv6Address("fe80::1"),
    "host": IPv6Address("fe80::7"),
    "other": IPv6Address("fe80::8"),
    "group": IPv6Address("ff0e::1"),
    "ssm": IPv6Address("ff3e::1"),
    "link": IPv6Address("ff02::fb"),
    "all": IPv6Address("ff02::1"),
    "a": IPv6Address("2001:db8::a"),
    "b": IPv6Address("2001:db8::b"),
}


@pytest.fixture(params=[V4, V6], ids=["igmp", "mld"])
def at(request) -> dict[str, IPv6Address]:
    return request.param


def router(at, **options) -> LinkRouter:
    return LinkRouter(CONFIG, "mc0", at["own"], 0, **{"elects": False, **options})


def says(kind: mld.RecordType, group: IPv6Address, *sources: IPv6Address):
    return mld.MulticastListenerReport((mld.AddressRecord(kind, group, sources),))


def wanted(actions) -> list[tuple]:
    return [(a.group, a.wanted) for a in actions if isinstance(a, SetWanted)]


def queries(actions) -> list[SendMld]:
    return [a for a in actions if isinstance(a, SendMld)]


def run_until(core: LinkRouter, end: int) -> list:
    actions = []
    while (due := core.next_deadline()) is not None and due <= end:
        actions += core.timer(due)
    return actions


def test_what_a_host_wants_is_told_once(at):
    core = router(at)
    actions = core.report(says(KINDS.CHANGE_TO_EXCLUDE_MODE, at["group"]), at["host"], 0)
    assert wanted(actions) == [(at["group"], EVERYTHING)]
    again = core.report(says(KINDS.MODE_IS_EXCLUDE, at["group"]), at["host"], SECOND)
    assert wanted(again) == []
    some = core.report(says(KINDS.ALLOW_NEW_SOURCES, at["ssm"], at["a"]), at["host"], SECOND)
    assert wanted(some) == [(at["ssm"], include([at["a"]]))]


def test_a_leave_is_asked_about_before_it_counts(at):
    core = router(at)
    core.report(says(KINDS.CHANGE_TO_EXCLUDE_MODE, at["group"]), at["host"], 0)
    left = core.report(says(KINDS.CHANGE_TO_INCLUDE_MODE, at["group"]), at["host"], 10 * SECOND)
    assert core.wanted(at["group"]) == EVERYTHING
    (query,) = queries(left)
    assert (query.message.group, query.destination) == (at["group"], at["group"])
    later = run_until(core, 13 * SECOND)
    assert wanted(later) == [(at["group"], NOTHING)]
    assert core.groups() == []


def test_general_queries_go_to_all_hosts(at):
    (query,) = queries(router(at).timer(0))
    assert query.destination == at["all"]
    assert query.message.group == mld.UNSPECIFIED


def test_a_host_that_answers_is_never_dropped_for_a_day(at):
    """Every answer as late as it may be, and one report of two lost: no gap at any moment."""
    core, random = router(at), Random(1)
    core.report(says(KINDS.CHANGE_TO_EXCLUDE_MODE, at["group"]), at["host"], 0)
    answers: list[int] = []
    asked = 0
    while (now := min([core.next_deadline(), *answers])) < 24 * 3600 * SECOND:
        if now in answers:
            answers.remove(now)
            actions = core.report(says(KINDS.MODE_IS_EXCLUDE, at["group"]), at["host"], now)
        else:
            actions = core.timer(now)
        assert wanted(actions) in ([], [(at["group"], EVERYTHING)] if now == 0 else [])
        for _ in queries(actions):
            asked += 1
            if asked % 2:
                delay = random.choice((0, CONFIG.query_response_interval))
                answers.append(now + delay)
    assert asked > 600
    assert core.wanted(at["group"]) == EVERYTHING


def test_a_silent_host_is_forgotten(at):
    core = router(at)
    core.report(says(KINDS.CHANGE_TO_EXCLUDE_MODE, at["group"]), at["host"], 0)
    run_until(core, CONFIG.listener_interval - 1)
    assert core.wanted(at["group"]) == EVERYTHING
    run_until(core, CONFIG.listener_interval)
    assert core.wanted(at["group"]) == NOTHING


def test_an_older_host_is_not_cut_off_by_a_newer_one(at):
    """RFC 3376 section 7.3.2, RFC 3810 section 8.3.2: blocks and source lists do not count."""
    core = router(at)
    core.report(mld.ListenerReportV1(at["group"]), at["host"], 0)
    core.report(says(KINDS.MODE_IS_EXCLUDE, at["group"]), at["other"], 0)
    core.report(says(KINDS.BLOCK_OLD_SOURCES, at["group"], at["a"]), at["other"], SECOND)
    core.report(says(KINDS.CHANGE_TO_EXCLUDE_MODE, at["group"], at["a"]), at["other"], SECOND)
    core.report(mld.ListenerDoneV1(at["group"]), at["host"], SECOND)
    assert core.wanted(at["group"]) == EVERYTHING
    later = SECOND + CONFIG.listener_interval
    core.report(says(KINDS.CHANGE_TO_EXCLUDE_MODE, at["group"], at["a"]), at["other"], later)
    run_until(core, later + CONFIG.last_listener_query_time)
    assert core.wanted(at["group"]) == exclude([at["a"]])


def test_leaves_do_not_count_while_a_host_of_igmp_version_1_is_there():
    core = router(V4)
    report = mld.ListenerReportV1(V4["group"])
    core.report(report, V4["host"], 0, never_leaves=True)
    core.report(report, V4["other"], 0)
    for host in (V4["host"], V4["other"]):
        assert queries(core.report(mld.ListenerDoneV1(V4["group"]), host, SECOND)) == []
        core.report(says(KINDS.CHANGE_TO_INCLUDE_MODE, V4["group"]), host, SECOND)
    run_until(core, CONFIG.listener_interval - 1)
    assert core.wanted(V4["group"]) == EVERYTHING
    run_until(core, CONFIG.listener_interval)
    assert core.wanted(V4["group"]) == NOTHING


def test_with_an_older_router_on_the_link_queries_have_its_form(at):
    core = router(at, version=1)
    core.report(mld.ListenerReportV1(at["group"]), at["host"], 0)
    core.report(says(KINDS.ALLOW_NEW_SOURCES, at["ssm"], at["a"]), at["host"], 0)
    actions = core.report(mld.ListenerDoneV1(at["group"]), at["host"], SECOND)
    blocked = core.report(says(KINDS.BLOCK_OLD_SOURCES, at["ssm"], at["a"]), at["host"], SECOND)
    (query,) = queries(actions)
    assert query.message == mld.MulticastListenerQuery(at["group"], 1_000, version=1)
    assert queries(blocked) == []


def test_the_lower_address_asks_and_is_missed_when_it_is_gone(at):
    core = router(at, elects=True)
    run_until(core, 40 * SECOND)
    query = mld.MulticastListenerQuery(mld.UNSPECIFIED, 10_000, robustness=2, query_interval_s=125)
    core.query(query, at["lower"], 40 * SECOND)
    assert not core.is_querier
    timeout = CONFIG.other_querier_present_timeout
    assert queries(run_until(core, 40 * SECOND + timeout - 1)) == []
    assert len(queries(run_until(core, 40 * SECOND + timeout))) == 1
    core.query(query, at["host"], 400 * SECOND)
    assert core.is_querier


def test_a_switch_that_asks_from_no_address_is_no_querier():
    core = router(V4, elects=True)
    core.query(mld.MulticastListenerQuery(mld.UNSPECIFIED, 10_000), mapped(IPv4Address(0)), 0)
    assert core.is_querier


def test_a_querier_of_another_version_is_named_once_a_minute(at):
    core = router(at, elects=True)
    query = mld.MulticastListenerQuery(mld.UNSPECIFIED, 10_000, version=1)
    warned = [
        action
        for second in range(0, 61)
        for action in core.query(query, at["lower"], second * SECOND)
        if isinstance(action, Log)
    ]
    assert [log.kind for log in warned] == ["querier_of_another_version"] * 2


def test_link_scope_counts_only_when_it_is_asked_for(at):
    report = says(KINDS.CHANGE_TO_EXCLUDE_MODE, at["link"])
    assert wanted(router(at).report(report, at["host"], 0)) == []
    carried = router(at, link_scope=True).report(report, at["host"], 0)
    assert wanted(carried) == [(at["link"], EVERYTHING)]


def test_any_source_of_a_source_specific_group_is_refused(at):
    actions = router(at).report(says(KINDS.MODE_IS_EXCLUDE, at["ssm"]), at["host"], 0)
    assert wanted(actions) == []
    assert [action.kind for action in actions if isinstance(action, Log)] == ["refused"]


def test_a_flood_of_groups_is_bounded():
    core = LinkRouter(ProxyConfig(maximum_listeners=8), "mc0", V6["own"], 0, elects=False)
    base = int(V6["group"])
    for number in range(20):
        core.report(mld.ListenerReportV1(IPv6Address(base + number)), V6["host"], 0)
    assert len(core.groups()) == 8
    assert len(list(core._compatibility._older._entries)) == 8


def test_igmp_says_the_same_in_mlds_terms():
    group, source = IPv4Address("239.1.1.1"), IPv4Address("198.51.100.1")
    record = igmp.GroupRecord(KINDS.ALLOW_NEW_SOURCES, group, (source,))
    told = from_igmp(igmp.MembershipReport((record,)))
    assert told == says(KINDS.ALLOW_NEW_SOURCES, V4["group"], V4["a"])
    assert from_igmp(igmp.OlderReport(group, 1)) == mld.ListenerReportV1(V4["group"])
    assert from_igmp(igmp.LeaveGroup(group)) == mld.ListenerDoneV1(V4["group"])


@pytest.mark.parametrize(
    "query",
    [
        igmp.MembershipQuery(IPv4Address(0), 10_000, robustness=2, query_interval_s=125),
        igmp.MembershipQuery(
            IPv4Address("239.1.1.1"), 1_000, (IPv4Address("198.51.100.1"),), True, 2, 125
        ),
        igmp.MembershipQuery(IPv4Address("239.1.1.1"), 1_000, version=2),
    ],
)
def test_queries_go_to_mlds_terms_and_back(query):
    assert to_igmp(from_igmp(query)) == query


def told(robustness: int, interval_s: int) -> mld.MulticastListenerQuery:
    return mld.MulticastListenerQuery(
        mld.UNSPECIFIED, 10_000, robustness=robustness, query_interval_s=interval_s
    )


@pytest.mark.parametrize(
    ("robustness", "interval_s", "lost_s"),
    [(3, 60, 185), (0, 0, 255), (2, 31744, 2 * 1250 + 5)],
)
def test_what_the_querier_tells_of_itself_counts(at, robustness, interval_s, lost_s):
    """RFC 3376 sections 4.1.6, 4.1.7 and 8.5; an interval up to ten times ours is believed."""
    core = router(at, elects=True)
    run_until(core, 40 * SECOND)
    core.query(told(robustness, interval_s), at["lower"], 40 * SECOND)
    assert queries(run_until(core, (40 + lost_s) * SECOND - 1)) == []
    (query,) = queries(run_until(core, (40 + lost_s) * SECOND))
    assert query.message.robustness == (robustness or CONFIG.robustness)
    assert query.message.query_interval_s == 125


def test_memberships_last_as_long_as_the_querier_has_it(at):
    core = router(at, elects=True)
    core.query(told(3, 60), at["lower"], 0)
    core.report(says(KINDS.MODE_IS_EXCLUDE, at["group"]), at["host"], 0)
    run_until(core, 190 * SECOND - 1)
    assert core.wanted(at["group"]) == EVERYTHING
    run_until(core, 190 * SECOND)
    assert core.wanted(at["group"]) == NOTHING


def test_beside_a_router_of_igmp_version_1_queries_have_its_form_and_leaves_do_not_count():
    """RFC 3376 section 7.3.1: no response time, no queries for a group."""
    core = router(V4, version=0)
    (general,) = queries(core.timer(0))
    assert to_igmp(general.message, 1) == igmp.MembershipQuery(igmp.UNSPECIFIED, version=1)
    core.report(mld.ListenerReportV1(V4["group"]), V4["host"], SECOND)
    assert core.report(mld.ListenerDoneV1(V4["group"]), V4["host"], 2 * SECOND) == []
    some = says(KINDS.ALLOW_NEW_SOURCES, V4["ssm"], V4["a"])
    core.report(some, V4["other"], 2 * SECOND)
    newer = says(KINDS.BLOCK_OLD_SOURCES, V4["ssm"], V4["a"])
    assert queries(core.report(newer, V4["other"], 3 * SECOND)) == []
    assert core.wanted(V4["group"]) == EVERYTHING
