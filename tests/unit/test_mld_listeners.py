"""Explicit tracking of listeners: leaves, departures, expiry."""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest

from agents.core import SECOND
from agents.deadlines import Deadlines
from agents.multicast.config import ProxyConfig
from agents.multicast.filters import EVERYTHING, NOTHING, Filter, exclude, include, merge
from agents.multicast.listener import Membership
from agents.multicast.listeners import Listeners
from agents.wire.mld import AddressRecord, RecordType

X, Y = IPv6Address("fe80::1"), IPv6Address("fe80::2")
A, B, C = (IPv6Address(f"2001:db8::{n}") for n in "abc")
G = IPv6Address("ff0e::1")
CONFIG = ProxyConfig()
MALI, LLQT = CONFIG.listener_interval, CONFIG.last_listener_query_time
ALLOW, BLOCK = RecordType.ALLOW_NEW_SOURCES, RecordType.BLOCK_OLD_SOURCES
TO_IN, TO_EX = RecordType.CHANGE_TO_INCLUDE_MODE, RecordType.CHANGE_TO_EXCLUDE_MODE
IS_IN, IS_EX = RecordType.MODE_IS_INCLUDE, RecordType.MODE_IS_EXCLUDE


@pytest.fixture
def listeners() -> Listeners:
    return Listeners(CONFIG, set(), Deadlines(), maximum_groups=64, maximum_sources=64)


def report(
    listeners: Listeners, host: IPv6Address, kind: RecordType, *sources: IPv6Address, now: int = 0
) -> bool:
    """Whether the link is to be asked."""
    record = AddressRecord(kind, G, sources)
    return listeners.report(record, host, now, now + MALI, ask=True).ask


def wanted(listeners: Listeners) -> Filter:
    """By the whole link, departures included."""
    return merge(wish for _, wish in listeners.wishes(G))


def wanted_without_departures(listeners: Listeners) -> Filter:
    listeners.expire(LLQT)
    return wanted(listeners)


@pytest.mark.parametrize(
    ("before", "kind", "after"),
    [
        ((ALLOW, A, B), IS_IN, include([A, B, C])),
        ((ALLOW, A, B), IS_EX, exclude([B, C])),
        ((ALLOW, A, B), ALLOW, include([A, B, C])),
        ((ALLOW, A, B), BLOCK, include([A])),
        ((ALLOW, A, B), TO_IN, include([B, C])),
        ((ALLOW, A, B), TO_EX, exclude([B, C])),
        ((TO_EX, A, B), IS_IN, exclude([A])),
        ((TO_EX, A, B), IS_EX, exclude([B, C])),
        ((TO_EX, A, B), ALLOW, exclude([A])),
        ((TO_EX, A, B), BLOCK, exclude([A, B, C])),
        ((TO_EX, A, B), TO_IN, include([B, C])),
        ((TO_EX, A, B), TO_EX, exclude([B, C])),
    ],
)
def test_record_changes_a_hosts_filter(listeners, before, kind, after):
    """Sections 7.4.1 and 7.4.2, for a link of one host: records of sources B and C."""
    report(listeners, X, *before)
    report(listeners, X, kind, B, C)
    assert wanted_without_departures(listeners) == after


def test_wishes_of_hosts_are_merged(listeners):
    """Section 4.2."""
    report(listeners, X, ALLOW, A)
    report(listeners, Y, TO_EX, A, B)
    assert wanted(listeners) == exclude([B])


def test_last_listeners_traffic_stays_for_the_query_time(listeners):
    """Section 7.2.3 and 9.10: LLQT."""
    report(listeners, X, TO_EX)
    assert report(listeners, X, TO_IN, now=5 * SECOND) is True
    assert listeners.departing(G) == EVERYTHING
    assert listeners.memberships(G) == {Membership((), X, None)}
    assert listeners.next_deadline() == 5 * SECOND + LLQT
    listeners.expire(5 * SECOND + LLQT - 1)
    assert listeners.groups() == {G}
    listeners.expire(5 * SECOND + LLQT)
    assert not listeners.groups()


def test_leave_is_immediate_when_others_are_known_to_listen(listeners):
    """RFC 6636: explicit tracking knows who is left, without a query."""
    report(listeners, X, TO_EX)
    report(listeners, Y, ALLOW, A)
    report(listeners, Y, TO_EX)
    assert report(listeners, X, TO_IN) is False
    assert listeners.memberships(G) == {Membership((), Y, None)}


def test_only_what_nobody_else_wants_departs(listeners):
    """Section 7.4.2: Q(G,A-B), for what no known host wants."""
    report(listeners, X, ALLOW, A, B)
    report(listeners, Y, ALLOW, B)
    assert report(listeners, X, BLOCK, A, B) is True
    assert listeners.departing(G) == include([A])
    assert listeners.memberships(G) == {Membership((), X, A), Membership((), Y, B)}


def test_mode_change_departs_the_rest(listeners):
    report(listeners, X, TO_EX, A)
    assert report(listeners, X, TO_IN, B) is True
    assert listeners.departing(G) == exclude([A, B])
    assert wanted(listeners) == exclude([A])


def test_answer_ends_the_departure(listeners):
    """A listener that answers the query takes over what had departed."""
    report(listeners, X, TO_EX)
    report(listeners, X, TO_IN)
    report(listeners, Y, IS_IN, A)
    assert listeners.departing(G) == exclude([A])
    report(listeners, Y, IS_EX)
    assert listeners.departing(G) == NOTHING
    assert listeners.memberships(G) == {Membership((), Y, None)}


def test_silent_listener_expires_after_the_listener_interval(listeners):
    """Section 7.2.2: filter timer, of MALI = 2 * 125 s + 10 s."""
    report(listeners, X, TO_EX)
    report(listeners, X, IS_EX, now=100 * SECOND)
    assert MALI == 260 * SECOND
    assert listeners.next_deadline() == 100 * SECOND + MALI
    listeners.expire(100 * SECOND + MALI)
    assert not listeners.groups()


def test_sources_expire_one_by_one(listeners):
    """Section 7.2.3: source timers."""
    report(listeners, X, ALLOW, A, B)
    report(listeners, X, IS_IN, B, now=SECOND)
    listeners.expire(MALI)
    assert wanted(listeners) == include([B])


def test_filter_timer_leaves_the_sources_asked_for(listeners):
    """Section 7.2.2: a filter timer that ends in EXCLUDE mode leaves INCLUDE of what is timed."""
    report(listeners, X, TO_EX)
    report(listeners, X, IS_IN, A, now=SECOND)
    listeners.expire(MALI)
    assert wanted(listeners) == include([A])


def test_another_queriers_question_lowers_the_timers(listeners):
    """Section 7.6.1: who does not answer until LLQT is gone."""
    report(listeners, X, TO_EX)
    report(listeners, Y, ALLOW, A, B)
    listeners.lower(G, (A,), LLQT)
    listeners.expire(LLQT)
    assert listeners.memberships(G) == {Membership((), X, None), Membership((), Y, B)}
    listeners.lower(G, (), 2 * LLQT)
    report(listeners, X, IS_EX, now=LLQT)
    listeners.expire(2 * LLQT)
    assert listeners.memberships(G) == {Membership((), X, None)}


def test_groups_whose_wishes_changed_are_told():
    """What is heard again changes nothing; what begins, ends or expires does."""
    changed: set[IPv6Address] = set()
    listeners = Listeners(CONFIG, changed, Deadlines(), maximum_groups=64, maximum_sources=64)

    def changes() -> bool:
        told = bool(changed)
        changed.clear()
        return told

    report(listeners, X, TO_EX)
    assert changes()
    report(listeners, X, IS_EX, now=SECOND)
    assert not changes()
    report(listeners, X, TO_IN, A, now=SECOND)
    assert changes()
    listeners.expire(SECOND + LLQT)
    assert changes()
    listeners.expire(SECOND + MALI)
    assert changes()


def test_explicit_tracking_asks_nobody(listeners):
    """RFC 6636 section 4.2: the last listener's leave acts at once."""
    report(listeners, X, ALLOW, A)
    record = AddressRecord(TO_IN, G)
    assert not listeners.report(record, X, 0, MALI, ask=False).ask
    assert listeners.is_empty
    assert listeners.next_deadline() is None
