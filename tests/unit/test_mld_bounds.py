"""What hosts, or senders, can make a router keep is bounded.

What is over a bound is refused, which the log tells; what was there before stays."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv6Address, IPv6Network
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
    TO_EX,
    TO_IN,
    G,
    arrive,
    asked,
    forwarding,
    logged,
    mar,
    report,
    run,
)

from agents.core import SECOND
from agents.deadlines import Deadlines
from agents.multicast.actions import RemoveForwarding, SetForwarding
from agents.multicast.config import OF_ROUTERS
from agents.multicast.filters import include
from agents.multicast.listeners import Listeners
from agents.multicast.proxy import MldProxy
from agents.wire.mld import AddressRecord, MulticastListenerReport, RecordType


def group(number: int) -> IPv6Address:
    return IPv6Address(f"ff0e::{number + 1:x}")


def source(number: int) -> IPv6Address:
    return IPv6Address(f"2001:db8::{number + 1:x}")


def test_a_host_has_so_many_groups_and_no_more():
    proxy = mar()
    told = []
    for number in range(CONFIG.maximum_groups + 10):
        told += proxy.receive(report(TO_EX, group=group(number)), MN1, "radio", 0)
    assert len(proxy.membership()) == CONFIG.maximum_groups
    why = "more than 64 groups of one host"
    assert logged(told, "refused") == [
        {"whom": str(MN1), "what": str(group(number)), "sources": 0, "why": why}
        for number in range(CONFIG.maximum_groups, CONFIG.maximum_groups + 10)
    ]
    proxy.receive(report(TO_IN, group=group(0)), MN1, "radio", 0)
    proxy.receive(report(TO_EX, group=group(70)), MN1, "radio", 0)
    assert group(70) in {record.group for record in proxy.membership()}
    proxy.receive(report(TO_EX, group=group(99)), MN2, "radio", 0)
    assert group(99) in {record.group for record in proxy.membership()}


def test_a_router_behind_a_tunnel_may_have_more():
    proxy = mar("tun-a")
    for number in range(CONFIG.maximum_groups + 10):
        proxy.receive(report(TO_EX, group=group(number)), PEER, "tun-a", 0)
    assert len(proxy.membership()) == CONFIG.maximum_groups + 10


def test_a_listener_has_so_many_sources_and_no_more():
    proxy = mar()
    told = []
    for number in range(CONFIG.maximum_sources + 5):
        told += proxy.receive(report(ALLOW, source(number)), MN1, "radio", 0)
    assert len(proxy.membership()) == CONFIG.maximum_sources
    assert [line["sources"] for line in logged(told, "refused")] == [1] * 5


def sources(*numbers: int) -> tuple[IPv6Address, ...]:
    return tuple(source(number) for number in range(*numbers))


def listens_to(proxy: MldProxy, host: IPv6Address = MN1) -> AddressRecord:
    (record,) = proxy.subscription(host, "radio")
    return record


@pytest.mark.parametrize("kind", [ALLOW, IS_IN, TO_IN])
def test_of_one_record_of_70_sources_64_are_served_and_those_served_before_are_among_them(kind):
    """Two applications of one Linux host, 40 and 31 sources: what it answers is one record."""
    proxy = mar()
    proxy.receive(report(ALLOW, *sources(40, 70)), MN1, "radio", 0)
    told = proxy.receive(report(kind, *sources(70)), MN1, "radio", SECOND)
    assert listens_to(proxy) == AddressRecord(IS_IN, G, (*sources(34), *sources(40, 70)))
    why = "more than 64 sources of one host in one group"
    assert logged(told, "refused") == [
        {"whom": str(MN1), "what": str(G), "sources": 6, "why": why},
    ]


def test_answers_with_too_many_sources_keep_what_is_served():
    proxy, interval = mar(), CONFIG.query_interval
    proxy.receive(report(ALLOW, *sources(64)), MN1, "radio", 0)
    for turn in range(1, 6):
        run(proxy, turn * interval)
        answer = report(IS_IN, *reversed(sources(70)))
        assert logged(proxy.receive(answer, MN1, "radio", turn * interval), "refused")
        assert listens_to(proxy) == AddressRecord(IS_IN, G, sources(64))


@pytest.mark.parametrize(("tracking", "question"), [(False, ()), (True, sources(30))])
def test_a_change_in_several_records_gives_up_nothing_that_is_in_any_of_them(tracking, question):
    """RFC 3810 section 5.2.15; the host answers when it is asked of those that it left out."""
    proxy = MldProxy(replace(CONFIG, explicit_tracking=tracking), Random(1))
    proxy.add_link("radio", IPv6Address("fe80::1"), 0, upstream=False, downstream=True)
    proxy.add_link("core", IPv6Address("fe80::2"), 0, upstream=True, downstream=False)
    proxy.receive(report(TO_EX), MN1, "radio", 0)
    proxy.receive(report(TO_IN, *sources(30)), MN1, "radio", SECOND)
    told = proxy.receive(report(TO_IN, *sources(30, 50)), MN1, "radio", SECOND)
    assert [a.message.sources for a in asked(told, "radio") if a.message.group == G] == [question]
    for one in sources(50):
        route = SetForwarding(one, G, "core", ("radio",))
        assert forwarding(proxy.upcall(one, G, "core", SECOND)) == [route]
    proxy.receive(report(IS_IN, *sources(30)), MN1, "radio", 2 * SECOND)
    assert listens_to(proxy) == AddressRecord(IS_IN, G, sources(50))


def test_of_too_many_sources_that_are_not_wanted_the_rest_comes():
    """As where a packet has no room for more (RFC 3810 section 5.2.15); the group is served."""
    proxy = mar()
    told = proxy.receive(report(TO_EX, *sources(60)), MN1, "radio", 0)
    assert not logged(told, "refused")
    for kind in (BLOCK, IS_EX):
        told = proxy.receive(report(kind, *reversed(sources(70))), MN1, "radio", 0)
        assert [line["sources"] for line in logged(told, "refused")] == [6]
        assert listens_to(proxy) == AddressRecord(IS_EX, G, (*sources(60), *sources(66, 70)))


def test_of_100_groups_in_an_answer_64_are_served_and_stay_so_in_whatever_order_they_come():
    proxy = mar()
    records = tuple(AddressRecord(IS_EX, group(number)) for number in range(100))
    for order in (records, records[::-1]):
        told = proxy.receive(MulticastListenerReport(order), MN1, "radio", SECOND)
        refused = {line["what"] for line in logged(told, "refused")}
        assert refused == {str(group(number)) for number in range(64, 100)}
        served = {record.group for record in proxy.membership()}
        assert served == {group(number) for number in range(64)}


def test_a_router_may_want_more_sources_than_a_host_for_it_reports_for_many():
    proxy = mar("tun-a")
    told = proxy.receive(report(ALLOW, *sources(80)), PEER, "tun-a", 0)
    assert not logged(told, "refused")
    native = MldProxy(replace(CONFIG, **OF_ROUTERS), Random(1))
    native.add_link("mar", IPv6Address("fe80::1"), 0, upstream=False, downstream=True)
    assert not logged(native.receive(report(ALLOW, *sources(80)), PEER, "mar", 0), "refused")
    assert {record.source for record in native.membership()} == {*sources(80)}


def test_a_link_has_so_many_listeners_whatever_addresses_they_use():
    config = replace(CONFIG, maximum_listeners=50)
    proxy = MldProxy(config, Random(1))
    proxy.add_link("radio", IPv6Address("fe80::1"), 0, upstream=False, downstream=True)
    told = []
    for number in range(60):
        told += proxy.receive(report(TO_EX), IPv6Address(f"fe80::a:{number:x}"), "radio", 0)
    (record,) = proxy.membership()
    assert record.count == 50
    assert {line["why"] for line in logged(told, "refused")} == {
        "more than 50 listeners on the link"
    }
    assert len(logged(told, "refused")) == 10


def test_those_who_come_and_go_leave_no_more_behind_than_those_who_stay():
    config = replace(CONFIG, maximum_listeners=50)
    listeners = Listeners(config, set(), Deadlines(), maximum_groups=10, maximum_sources=64)
    for number in range(500):
        for kind in (TO_EX, TO_IN):
            (record,) = report(kind, group=group(number)).records
            listeners.report(record, MN1, 0, CONFIG.listener_interval, ask=True)
    assert len(listeners.groups()) == 50
    listeners = Listeners(config, set(), Deadlines(), maximum_groups=10, maximum_sources=64)
    for number in range(500):
        for kind in (ALLOW, BLOCK):
            (record,) = report(kind, source(number), group=group(0)).records
            listeners.report(record, MN1, 0, CONFIG.listener_interval, ask=True)
    left = [source(number) for number in range(CONFIG.maximum_sources)]
    assert listeners.departing(group(0)) == include(left)


def test_entries_without_listeners_make_room_for_new_ones():
    config = replace(CONFIG, maximum_entries=10)
    proxy = MldProxy(config, Random(1))
    proxy.add_link("radio", IPv6Address("fe80::1"), 0, upstream=False, downstream=True)
    proxy.add_link("core", IPv6Address("fe80::2"), 0, upstream=True, downstream=False)
    for number in range(8):
        proxy.receive(report(TO_EX, group=group(number)), MN1, "radio", 0)
    kept = set()
    for number in range(100):
        for action in forwarding(proxy.upcall(S1, group(number), "core", number)):
            if isinstance(action, SetForwarding):
                kept.add(action.group)
            elif isinstance(action, RemoveForwarding):
                kept.remove(action.group)
    assert kept == {*map(group, range(8)), group(98), group(99)}
    proxy.receive(report(TO_EX, group=group(98)), MN1, "radio", 100)
    proxy.receive(report(TO_EX, group=group(99)), MN1, "radio", 100)
    full = proxy.upcall(S1, group(100), "core", 101)
    assert [type(action) for action in forwarding(full)] == [SetForwarding, RemoveForwarding]
    (line,) = logged(full, "refused")
    assert (line["whom"], line["what"]) == (str(S1), str(group(100)))


def test_a_host_sends_so_many_channels_whatever_its_addresses():
    """The others of the link are served as ever, and one line tells of a flood."""
    proxy = mar()
    arrive(proxy, MN1, None, 0)
    proxy.receive(report(TO_EX), MN1, "radio", 0)
    sender, other = IPv6Network("2001:db8:1:1::/64"), IPv6Network("2001:db8:1:2::/64")
    flood = [a for n in range(1000) for a in proxy.upcall(sender[n + 5], G, "radio", n)]
    entries = [a for a in forwarding(flood) if isinstance(a, SetForwarding) and a.outgoing]
    assert len(entries) == CONFIG.maximum_sent
    assert len(logged(flood, "refused")) == 1
    (own,) = forwarding(proxy.upcall(other[5], G, "radio", 2000))
    assert own.outgoing == ("core", "radio")


def test_a_flood_of_a_channel_too_many_is_one_upcall_a_second():
    """The kernel drops it without asking; when it asks again there may be room."""
    proxy = mar()
    arrive(proxy, MN1, None, 0)
    sender = IPv6Network("2001:db8:1:1::/64")
    for number in range(CONFIG.maximum_sent):
        proxy.upcall(sender[number + 5], G, "radio", number)
    (held,) = forwarding(proxy.upcall(sender[500], G, "radio", 1000))
    assert (held.source, held.incoming, held.outgoing) == (sender[500], "radio", ())
    assert not forwarding(run(proxy, 1000 + SECOND - 1))
    assert forwarding(run(proxy, 1000 + SECOND)) == [RemoveForwarding(sender[500], G)]
    flood = [a for n in range(1000) for a in proxy.upcall(sender[n + 600], G, "radio", SECOND + n)]
    entries = {(a.source, a.group) for a in forwarding(flood) if isinstance(a, SetForwarding)}
    entries -= {(a.source, a.group) for a in forwarding(flood) if isinstance(a, RemoveForwarding)}
    assert len(entries) == 256


def test_who_has_most_entries_gives_up_one_for_who_has_fewer():
    """All of them have listeners; a flood from a LAN does not keep others' channels out."""
    config = replace(CONFIG, maximum_entries=50)
    proxy = MldProxy(config, Random(1))
    proxy.add_link("down", IPv6Address("fe80::1"), 0, upstream=False, downstream=True)
    proxy.add_link("lan", IPv6Address("fe80::2"), 0, upstream=False, downstream=True)
    proxy.receive(report(TO_EX), MN1, "down", 0)
    flooder, other = IPv6Network("2001:db8:1:1::/64"), IPv6Network("2001:db8:1:2::/64")
    for number in range(100):
        proxy.upcall(flooder[number + 5], G, "lan", number)
    for number in range(20):
        gone, made = forwarding(proxy.upcall(other[number + 5], G, "lan", 200 + number))
        assert gone == RemoveForwarding(flooder[number + 5], G)
        assert made.outgoing == ("down",)
    refused_again = proxy.upcall(flooder[200], G, "lan", 300)
    assert forwarding(refused_again)[-1] == RemoveForwarding(flooder[200], G)
    assert len(proxy._forwarding._entries) == config.maximum_entries


def test_a_flood_leaves_what_is_served_as_it_is_and_nothing_behind():
    """5,000 random reports of 100 hosts, then silence: only who goes on to answer is left."""
    random, proxy = Random(1), mar()
    proxy.receive(report(ALLOW, S1), MN2, "radio", 0)
    for number in range(5000):
        record = report(random.choice(list(RecordType)), group=group(random.randrange(1000, 5000)))
        host = IPv6Address(f"fe80::bad:{random.randrange(100):x}")
        proxy.receive(record, host, "radio", number)
    served = [record for record in proxy.membership() if str(MN2) in record.listeners]
    assert len(served) == 1
    run(proxy, CONFIG.listener_interval - 1)
    proxy.receive(report(RecordType.MODE_IS_INCLUDE, S1), MN2, "radio", CONFIG.listener_interval)
    run(proxy, CONFIG.listener_interval + CONFIG.last_listener_query_time)
    assert proxy.membership() == served
