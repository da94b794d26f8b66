"""What hosts, or senders, can make a router keep is bounded; the excess is counted as ignored."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv6Address
from random import Random

from proxies import (
    ALLOW,
    BLOCK,
    CONFIG,
    MN1,
    MN2,
    PEER,
    S1,
    TO_EX,
    TO_IN,
    forwarding,
    mar,
    report,
    run,
)

from agents.deadlines import Deadlines
from agents.multicast.actions import RemoveForwarding, SetForwarding
from agents.multicast.listeners import Listeners
from agents.multicast.proxy import MldProxy
from agents.wire.mld import RecordType


def group(number: int) -> IPv6Address:
    return IPv6Address(f"ff3e::{number + 1:x}")


def source(number: int) -> IPv6Address:
    return IPv6Address(f"2001:db8::{number + 1:x}")


def test_a_host_has_so_many_groups_and_no_more():
    proxy = mar()
    for number in range(CONFIG.maximum_groups + 10):
        proxy.receive(report(TO_EX, group=group(number)), MN1, "radio", 0)
    assert len(proxy.membership()) == CONFIG.maximum_groups
    assert proxy.ignored == 10
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
    for number in range(CONFIG.maximum_sources + 5):
        proxy.receive(report(ALLOW, source(number)), MN1, "radio", 0)
    assert len(proxy.membership()) == CONFIG.maximum_sources
    assert proxy.ignored == 5
    too_many = tuple(source(number) for number in range(CONFIG.maximum_sources + 1))
    proxy.receive(report(TO_EX, *too_many), MN1, "radio", 0)
    assert proxy.ignored == 6
    assert len(proxy.membership()) == CONFIG.maximum_sources


def test_a_link_has_so_many_listeners_whatever_addresses_they_use():
    config = replace(CONFIG, maximum_listeners=50)
    proxy = MldProxy(config, Random(1))
    proxy.add_link("radio", IPv6Address("fe80::1"), 0, upstream=False, downstream=True)
    for number in range(60):
        proxy.receive(report(TO_EX), IPv6Address(f"fe80::a:{number:x}"), "radio", 0)
    (record,) = proxy.membership()
    assert record.count == 50
    assert proxy.ignored == 10


def test_those_who_come_and_go_leave_no_more_behind_than_those_who_stay():
    config = replace(CONFIG, maximum_listeners=50)
    listeners = Listeners(config, set(), Deadlines(), maximum_groups=10)
    for number in range(500):
        for kind in (TO_EX, TO_IN):
            (record,) = report(kind, group=group(number)).records
            listeners.report(record, MN1, 0, CONFIG.listener_interval, ask=True)
    assert len(listeners.groups()) == 50
    for number in range(500):
        for kind in (ALLOW, BLOCK):
            (record,) = report(kind, source(number), group=group(0)).records
            listeners.report(record, MN1, 0, CONFIG.listener_interval, ask=True)
    assert len(list(listeners.wishes(group(0)))) <= CONFIG.maximum_sources


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
    assert forwarding(proxy.upcall(S1, group(100), "core", 101)) == []


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
