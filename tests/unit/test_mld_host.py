"""The host part of MLDv2: state-change reports, and answers to queries."""

from __future__ import annotations

from ipaddress import IPv6Address
from itertools import pairwise
from random import Random

from agents.core import MILLISECOND, SECOND
from agents.deadlines import Deadlines
from agents.multicast import packing
from agents.multicast.config import ProxyConfig
from agents.multicast.filters import EVERYTHING, NOTHING, exclude, include
from agents.multicast.host import HostPart
from agents.wire.mld import UNSPECIFIED, AddressRecord, MulticastListenerQuery, RecordType

A, B, C = (IPv6Address(f"2001:db8::{n}") for n in "abc")
G, H = IPv6Address("ff0e::1"), IPv6Address("ff0e::2")
CONFIG = ProxyConfig(robustness=3)
ALLOW, BLOCK = RecordType.ALLOW_NEW_SOURCES, RecordType.BLOCK_OLD_SOURCES
TO_IN, TO_EX = RecordType.CHANGE_TO_INCLUDE_MODE, RecordType.CHANGE_TO_EXCLUDE_MODE
IS_IN, IS_EX = RecordType.MODE_IS_INCLUDE, RecordType.MODE_IS_EXCLUDE


def host() -> HostPart:
    return HostPart(CONFIG, Random(1), Deadlines())


def told(part: HostPart, now: int) -> list[tuple[RecordType, IPv6Address, tuple[IPv6Address, ...]]]:
    return [(r.type, r.group, r.sources) for report in part.timer(now) for r in report.records]


def settled(**wanted: object) -> HostPart:
    """A host whose changes have all been told."""
    part = host()
    for group, what in {G: wanted.get("g"), H: wanted.get("h")}.items():
        if what is not None:
            part.subscribe(group, what, 0)
    while part.next_deadline() is not None:
        part.timer(part.next_deadline())
    return part


def ask(part: HostPart, group: IPv6Address, *sources: IPv6Address, delay_s: int = 1) -> int:
    """Query at time 0; when the answer is due."""
    part.query(MulticastListenerQuery(group, delay_s * 1000, sources), 0)
    return part.next_deadline()


def test_change_is_told_robustness_times_within_the_interval():
    """Section 6.1: at once, then again at random times up to 1 s apart, [Robustness] in all."""
    part = host()
    part.subscribe(G, EVERYTHING, 0)
    times, records = [], []
    while part.next_deadline() is not None:
        times.append(part.next_deadline())
        records += told(part, times[-1])
    assert records == [(TO_EX, G, ())] * 3
    assert times[0] == 0
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert all(0 < gap <= CONFIG.unsolicited_report_interval for gap in gaps)


def test_changes_of_one_moment_share_a_report():
    part = host()
    part.subscribe(G, EVERYTHING, 0)
    part.subscribe(H, include([A]), 0)
    (report,) = part.timer(0)
    assert [(r.type, r.group) for r in report.records] == [(TO_EX, G), (ALLOW, H)]


def test_source_list_change_allows_and_blocks():
    """Section 6.1: the mode stays, so only the difference is told."""
    part = settled(g=include([A, B]))
    part.subscribe(G, include([B, C]), 0)
    assert told(part, 0) == [(ALLOW, G, (C,)), (BLOCK, G, (A,))]


def test_leave_of_a_source_blocks_it():
    part = settled(g=include([A]))
    part.subscribe(G, NOTHING, 0)
    assert told(part, 0) == [(BLOCK, G, (A,))]


def test_leave_of_any_source_goes_to_include_nothing():
    part = settled(g=EVERYTHING)
    part.subscribe(G, NOTHING, 0)
    assert told(part, 0) == [(TO_IN, G, ())]
    assert part.is_active
    while part.next_deadline() is not None:
        part.timer(part.next_deadline())
    assert not part.is_active


def test_later_change_is_merged_with_what_is_still_to_be_told():
    """Section 6.1: a mode change tells the whole list; each change still goes out three times."""
    part = host()
    part.subscribe(G, exclude([A]), 0)
    assert told(part, 0) == [(TO_EX, G, (A,))]
    part.subscribe(G, exclude([A, B]), 1)
    later = []
    while part.next_deadline() is not None:
        later += told(part, part.next_deadline())
    assert later == [(TO_EX, G, (A, B)), (TO_EX, G, (A, B)), (BLOCK, G, (B,))]


def test_unchanged_subscription_says_nothing():
    part = settled(g=EVERYTHING)
    part.subscribe(G, EVERYTHING, 0)
    assert part.next_deadline() is None


def test_general_query_is_answered_with_the_state_of_all_groups():
    """Section 6.3: one answer, at a random time within the maximum response delay."""
    part = settled(g=exclude([A]), h=include([B]))
    due = ask(part, UNSPECIFIED, delay_s=10)
    assert 0 <= due <= 10 * SECOND
    assert told(part, due) == [(IS_EX, G, (A,)), (IS_IN, H, (B,))]
    assert part.next_deadline() is None


def test_delays_differ_with_the_seed_and_repeat_with_it():
    def delay(seed: int) -> int:
        part = HostPart(CONFIG, Random(seed), Deadlines())
        return ask(part, UNSPECIFIED, delay_s=10)

    assert delay(1) == delay(1)
    assert len({delay(seed) for seed in range(10)}) == 10


def test_group_query_is_answered_for_the_group_only():
    part = settled(g=exclude([A]), h=include([B]))
    assert told(part, ask(part, G)) == [(IS_EX, G, (A,))]


def test_query_for_a_group_not_wanted_is_not_answered():
    assert ask(settled(h=EVERYTHING), G) is None


def test_source_query_is_answered_with_those_wanted():
    """Section 6.3, group-and-source-specific: INCLUDE: A * B, EXCLUDE: B - A."""
    part = settled(g=include([A, C]))
    assert told(part, ask(part, G, A, B)) == [(IS_IN, G, (A,))]
    part = settled(g=exclude([A]))
    assert told(part, ask(part, G, A, B)) == [(IS_IN, G, (B,))]
    part = settled(g=include([C]))
    assert told(part, ask(part, G, A, B)) == []


def test_pending_answers_are_merged():
    """Section 6.2, rules 3 to 5: sources add up, and a query for the group covers sources."""
    part = settled(g=exclude([C]))
    ask(part, G, A)
    assert told(part, ask(part, G, B)) == [(IS_IN, G, (A, B))]
    ask(part, G, A)
    assert told(part, ask(part, G)) == [(IS_EX, G, (C,))]
    assert part.next_deadline() is None


def test_answer_planned_sooner_for_all_groups_serves_a_later_query():
    """Section 6.2, rule 1."""
    part = settled(g=EVERYTHING)
    part.query(MulticastListenerQuery(UNSPECIFIED, 0), 0)
    part.query(MulticastListenerQuery(G, 1000), 5 * MILLISECOND)
    assert told(part, part.next_deadline()) == [(IS_EX, G, ())]
    assert part.next_deadline() is None


def test_long_records_are_split_or_cut():
    """Section 5.2.15: split over reports; a list of excluded sources is cut instead."""
    many = tuple(IPv6Address(n) for n in range(1, 200))
    allowed = packing.reports([AddressRecord(ALLOW, G, many)])
    assert [s for report in allowed for r in report for s in r.sources] == list(many)
    assert all(20 + 16 * len(r.sources) <= 1224 for report in allowed for r in report)
    ((excluding,),) = packing.reports([AddressRecord(IS_EX, G, many)])
    assert excluding.sources == many[:75]


def test_many_records_are_spread_over_reports():
    records = [AddressRecord(TO_EX, IPv6Address(f"ff0e::{n:x}")) for n in range(1, 100)]
    packed = packing.reports(records)
    assert [r for report in packed for r in report] == records
    assert [len(report) for report in packed] == [61, 38]
