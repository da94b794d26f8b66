"""Reports are believed of who is attached: who invents hosts fills no table, and stops nobody."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv6Address
from random import Random

from agents.core import SECOND
from agents.multicast.proxy import MldProxy
from tests.unit.proxies import ALLOW, CONFIG, MN1, MN2, S1, TO_EX, TO_IN, G, logged, mac, report

CHANNELS = [IPv6Address("ff0e::1:0") + number for number in range(70)]


def router(**bounds: int) -> MldProxy:
    """One on whose radio every host is announced by a trigger."""
    proxy = MldProxy(replace(CONFIG, **bounds), Random(1))
    radio = IPv6Address("fe80::1")
    proxy.add_link("radio", radio, 0, upstream=False, downstream=True, announced=True)
    proxy.add_link("core", IPv6Address("fe80::2"), 0, upstream=True, downstream=False)
    return proxy


def comes(proxy: MldProxy, host: IPv6Address, now: int) -> None:
    proxy.attached(host, "radio", now, mac(host))
    proxy.bound(host, "radio", None, now)


def test_invented_hosts_are_not_listeners() -> None:
    """70 of them with a group each, four times a second, beside one that is there."""
    proxy = router()
    comes(proxy, MN1, 0)
    for number in range(280):
        host = IPv6Address("fe80::bad:0") + number % 70
        now = number * SECOND // 200
        proxy.receive(report(TO_EX, group=CHANNELS[number % 70]), host, "radio", now, mac(host))
    assert proxy.membership() == []
    assert proxy.counters.ignored > 200
    proxy.receive(report(ALLOW, S1), MN1, "radio", 2 * SECOND, mac(MN1))
    (record,) = proxy.membership()
    assert record.listeners == (str(MN1),)


def test_a_report_that_overtakes_its_trigger_counts_from_then_on() -> None:
    proxy = router()
    proxy.receive(report(ALLOW, S1), MN1, "radio", 0, mac(MN1))
    proxy.receive(report(TO_EX, group=CHANNELS[0]), MN1, "radio", 1, mac(MN1))
    assert proxy.listener_records() == []
    comes(proxy, MN1, SECOND // 2)
    assert {record.group for record in proxy.listener_records()} == {G, CHANNELS[0]}
    assert proxy.counters.ignored == 0


def test_one_that_is_too_old_or_of_another_does_not() -> None:
    proxy = router()
    proxy.receive(report(ALLOW, S1), MN1, "radio", 0, mac(MN1))
    proxy.receive(report(ALLOW, S1), MN2, "radio", 0, mac(MN1))
    comes(proxy, MN2, SECOND // 2)
    comes(proxy, MN1, CONFIG.trigger_slack)
    assert proxy.listener_records() == []


def test_each_host_has_room_on_a_link_that_is_full() -> None:
    """Those who came first have filled it; who comes now has as many channels as are reserved."""
    proxy = router(maximum_listeners=100, maximum_groups=50)
    for number in range(3):
        host = IPv6Address("fe80::c0:0") + number
        comes(proxy, host, 0)
        for group in CHANNELS[:50]:
            proxy.receive(report(TO_EX, group=group), host, "radio", 0, mac(host))
    assert len(proxy.listener_records()) == 100 + CONFIG.reserved_groups
    comes(proxy, MN1, SECOND)
    answers = [
        action
        for group in CHANNELS[:6]
        for action in proxy.receive(report(TO_EX, group=group), MN1, "radio", SECOND, mac(MN1))
    ]
    assert len([r for r in proxy.listener_records() if r.host == MN1]) == CONFIG.reserved_groups
    assert len(logged(answers, "refused")) == 2
    proxy.receive(report(TO_IN, group=CHANNELS[0]), MN1, "radio", SECOND, mac(MN1))
    proxy.receive(report(TO_EX, group=CHANNELS[9]), MN1, "radio", SECOND, mac(MN1))
    assert CHANNELS[9] in {r.group for r in proxy.listener_records() if r.host == MN1}
