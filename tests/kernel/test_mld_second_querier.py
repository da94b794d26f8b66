"""A second querier on the access link: the lower address asks, and forwards (RFC 3810 7.6.2)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from ipaddress import IPv6Address
from pathlib import Path

import pytest

from agents.core import SECOND
from agents.kernel.sockets import LinkSocket
from agents.wire import ipv6, mld
from tests.kernel.multicast_lan import ROUTER, S1, TIMERS, MulticastLan, is_general_query, lans
from tests.kernel.packets import receive
from tests.namespaces import Namespaces
from tests.patience import eventually

pytestmark = pytest.mark.root

GROUP = IPv6Address("ff0e::c1")
LOWER, HIGHER = ROUTER - 1, ROUTER + 1


@pytest.fixture
def lan(namespaces: Namespaces, tmp_path: Path) -> Iterator[MulticastLan]:
    with lans(namespaces, tmp_path) as make:
        made = make(2)
        made.application(GROUP).join()
        eventually(lambda: forwards(made))
        yield made


@pytest.fixture
def link(lan: MulticastLan) -> Iterator[LinkSocket]:
    with lan.host:
        made = LinkSocket("eth0")
    yield made
    made.close()


def forwards(lan: MulticastLan) -> bool:
    """Whether the router forwards the channel to the link."""
    lan.send(GROUP)
    return lan.outgoing(S1, GROUP) == ["down"]


def query(link: LinkSocket, source: IPv6Address) -> None:
    """Ask as another router."""
    message = mld.MulticastListenerQuery(mld.UNSPECIFIED, 200)
    payload = mld.encode(message, source, mld.ALL_NODES)
    link.send(
        ipv6.packet(source, mld.ALL_NODES, ipv6.ICMPV6, payload, hop_limit=1, router_alert=True)
    )


def drain(link: LinkSocket) -> bool:
    """Forget what has come; whether our router's general query was among it."""
    frames = list(iter(link.receive, None))
    return any(map(is_general_query, frames))


def test_our_router_yields_and_takes_over_again(lan: MulticastLan, link: LinkSocket) -> None:
    def silent() -> bool:
        query(link, LOWER)
        return not forwards(lan)

    eventually(silent)
    assert lan.listener(GROUP) == ("EXCLUDE", set()), "who does not forward still listens"
    # The other is silent from here on: its time ends, and ours begins with a query.
    drain(link)
    receive(link, is_general_query)
    eventually(lambda: forwards(lan))


def test_our_router_does_not_ask_while_a_lower_address_does(
    lan: MulticastLan, link: LinkSocket
) -> None:
    """For two of its query intervals."""
    query(link, LOWER)
    eventually(lambda: not forwards(lan))
    drain(link)
    end = time.monotonic() + 2 * TIMERS["query_interval"] / SECOND
    while time.monotonic() < end:
        query(link, LOWER)
        time.sleep(0.05)
    assert not drain(link)


def test_a_higher_address_changes_nothing(lan: MulticastLan, link: LinkSocket) -> None:
    def asks() -> bool:
        query(link, HIGHER)
        return drain(link)

    def forwards_on() -> bool:
        query(link, HIGHER)
        return forwards(lan)

    for _ in range(2):  # the first may have been on its way before the other one spoke
        eventually(asks)
    eventually(forwards_on)
