"""The querier of a link: general queries, election, queries after a leave."""

from __future__ import annotations

from ipaddress import IPv6Address

from agents.core import SECOND
from agents.deadlines import Deadlines
from agents.multicast.config import ProxyConfig
from agents.multicast.filters import EVERYTHING, NOTHING, Filter, include
from agents.multicast.querier import Querier
from agents.wire.mld import UNSPECIFIED, MulticastListenerQuery

LOWER, OWN, HIGHER = (IPv6Address(f"fe80::{n}") for n in (1, 2, 3))
A, B = IPv6Address("2001:db8::a"), IPv6Address("2001:db8::b")
G = IPv6Address("ff0e::1")
CONFIG = ProxyConfig()
QUERY = MulticastListenerQuery(UNSPECIFIED, 10_000)


def querier(*, elects: bool = True) -> Querier:
    return Querier(CONFIG, OWN, 0, Deadlines(), elects=elects)


def ask(part: Querier, now: int, departing: Filter = NOTHING) -> list[MulticastListenerQuery]:
    return part.timer(now, lambda group: departing)


def started() -> Querier:
    """A querier long after its start: general queries at 31.25 + n * 125 s."""
    part = querier()
    for _ in range(2):
        ask(part, part.next_deadline())
    return part


def test_general_queries_start_fast_and_then_keep_the_interval():
    """Sections 9.2, 9.6, 9.7: [Robustness] queries a quarter interval apart, then all 125 s."""
    part, times = querier(), []
    for _ in range(4):
        times.append(part.next_deadline())
        (query,) = ask(part, times[-1])
        assert query.group == UNSPECIFIED
        assert query.maximum_response_delay_ms == 10_000
        assert query.robustness == 2
    assert times == [0, 31_250_000_000, 156_250_000_000, 281_250_000_000]


def test_lower_address_wins_the_election():
    """Section 7.6.2."""
    part = started()
    part.receive(QUERY, HIGHER, 40 * SECOND)
    assert part.is_querier
    part.receive(QUERY, LOWER, 40 * SECOND)
    assert not part.is_querier
    assert ask(part, 200 * SECOND) == []


def test_lost_querier_is_replaced_after_the_timeout():
    """Section 9.5: robustness * query interval + half a response interval."""
    part = started()
    part.receive(QUERY, LOWER, 0)
    timeout = CONFIG.other_querier_present_timeout
    assert timeout == 255 * SECOND
    assert part.next_deadline() == timeout
    (query,) = ask(part, timeout)
    assert query.group == UNSPECIFIED
    assert part.is_querier


def test_no_election_in_a_tunnel():
    part = querier(elects=False)
    part.receive(QUERY, LOWER, 0)
    assert part.is_querier


def test_leave_is_asked_about_robustness_times():
    """Section 7.6.3.1: group-specific queries, a last listener query interval apart."""
    part, times = started(), []
    part.last_listener(G, 40 * SECOND)
    while part.next_deadline() < 100 * SECOND:
        times.append(part.next_deadline())
        (query,) = ask(part, times[-1], EVERYTHING)
        assert (query.group, query.sources) == (G, ())
        assert query.maximum_response_delay_ms == 1000
    assert times == [40 * SECOND, 41 * SECOND]


def test_leave_of_sources_is_asked_about_by_source():
    """Section 7.6.3.2."""
    part = started()
    part.last_listener(G, 40 * SECOND)
    (query,) = ask(part, 40 * SECOND, include([B, A]))
    assert (query.group, query.sources) == (G, (A, B))


def test_asking_ends_when_somebody_answered():
    part = started()
    part.last_listener(G, 40 * SECOND)
    assert ask(part, 40 * SECOND, EVERYTHING)
    assert ask(part, 41 * SECOND, NOTHING) == []
    assert part.next_deadline() > 100 * SECOND


def test_only_the_querier_asks_after_a_leave():
    """Section 7.4.2, note on non-queriers."""
    part = started()
    part.receive(QUERY, LOWER, 40 * SECOND)
    part.last_listener(G, 40 * SECOND)
    assert ask(part, 40 * SECOND, EVERYTHING) == []
    again_querier = part.next_deadline()
    assert [query.group for query in ask(part, again_querier, EVERYTHING)] == [UNSPECIFIED]


def test_who_loses_the_election_after_a_leave_asks_the_rest_of_the_questions():
    """RFC 2710 section 4, "despite any transition"; the new querier asks nobody about it."""
    part = started()
    part.last_listener(G, 40 * SECOND)
    assert ask(part, 40 * SECOND, EVERYTHING)
    part.receive(QUERY, LOWER, 40 * SECOND + 1)
    assert not part.is_querier
    assert part.next_deadline() == 41 * SECOND
    assert [query.group for query in ask(part, 41 * SECOND, EVERYTHING)] == [G]
    assert not part.is_querier
    timeout = 40 * SECOND + 1 + CONFIG.other_querier_present_timeout
    assert part.next_deadline() == timeout
    assert [query.group for query in ask(part, timeout)] == [UNSPECIFIED]


def test_many_sources_take_several_queries():
    """Section 5.1.10: as many as fit into a packet."""
    part, many = started(), [IPv6Address(n) for n in range(1, 101)]
    part.last_listener(G, 40 * SECOND)
    queries = ask(part, 40 * SECOND, include(many))
    assert [source for query in queries for source in query.sources] == many
    assert [len(query.sources) for query in queries] == [75, 25]
