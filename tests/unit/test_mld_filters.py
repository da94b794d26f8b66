"""The algebra of source filters, against what it means for each single source."""

from __future__ import annotations

from ipaddress import IPv6Address

from hypothesis import given
from hypothesis import strategies as st

from agents.core import SECOND
from agents.deadlines import Deadlines
from agents.multicast.config import ProxyConfig
from agents.multicast.filters import EVERYTHING, NOTHING, exclude, include, merge
from agents.multicast.listeners import Listeners
from agents.wire.mld import AddressRecord, RecordType

SOURCES = [IPv6Address(f"2001:db8::{n}") for n in range(1, 5)]
UNHEARD_OF = IPv6Address("2001:db8::ffff")
UNIVERSE = [*SOURCES, UNHEARD_OF]
GROUP = IPv6Address("ff0e::1")
HOSTS = [IPv6Address(f"fe80::{n}") for n in range(1, 4)]
CONFIG = ProxyConfig()

source_sets = st.frozensets(st.sampled_from(SOURCES))
filters = st.builds(
    lambda make, sources: make(sources), st.sampled_from([include, exclude]), source_sets
)
records = st.tuples(st.sampled_from(HOSTS), st.sampled_from(list(RecordType)), source_sets)


@given(filters, filters)
def test_union_accepts_what_one_accepts(one, other):
    """RFC 3810 section 4.2: the merge of filters wants what one of them wants."""
    for source in UNIVERSE:
        assert (one | other).accepts(source) == (one.accepts(source) or other.accepts(source))


@given(filters, filters)
def test_difference_accepts_what_only_the_first_accepts(one, other):
    for source in UNIVERSE:
        assert (one - other).accepts(source) == (one.accepts(source) and not other.accepts(source))


@given(st.lists(filters))
def test_merge_is_the_union_of_all(several):
    for source in UNIVERSE:
        assert merge(several).accepts(source) == any(one.accepts(source) for one in several)


@given(filters)
def test_a_filter_is_false_when_it_accepts_nothing(one):
    assert bool(one) == any(one.accepts(source) for source in UNIVERSE)
    assert not NOTHING
    assert EVERYTHING


@given(st.lists(records, max_size=12))
def test_listeners_agree_with_a_table_of_hosts_and_sources(sequence):
    """RFC 3810 section 7.4, each host by itself: what any host wants is what the link wants."""
    listeners = Listeners(CONFIG, set(), Deadlines(), maximum_groups=64, maximum_sources=64)
    wants = {(host, source): False for host in HOSTS for source in UNIVERSE}
    for host, kind, named in sequence:
        record = AddressRecord(kind, GROUP, tuple(named))
        listeners.report(record, host, 0, CONFIG.listener_interval, ask=True)
        for source in UNIVERSE:
            wants[host, source] = says(kind, source in named, wants[host, source])
        now_wanted = {s for s in UNIVERSE if any(wants[h, s] for h in HOSTS)}
        assert now_wanted <= {s for s in UNIVERSE if listeners.wants(s, GROUP)}
    listeners.expire(CONFIG.last_listener_query_time)
    for source in UNIVERSE:
        wanted = any(wants[host, source] for host in HOSTS)
        assert listeners.wants(source, GROUP) == wanted
    listening = {h for h in HOSTS if any(wants[h, s] for s in UNIVERSE)}
    assert {member.host for member in listeners.memberships(GROUP)} == listening
    listeners.expire(CONFIG.listener_interval + SECOND)
    assert not listeners.groups()


def says(kind: RecordType, named: bool, before: bool) -> bool:
    """Whether a host wants a source after it sent a record."""
    if kind is RecordType.CHANGE_TO_INCLUDE_MODE:
        return named
    if kind in (RecordType.MODE_IS_EXCLUDE, RecordType.CHANGE_TO_EXCLUDE_MODE):
        return not named
    if kind is RecordType.BLOCK_OLD_SOURCES:
        return before and not named
    return before or named
