"""Which addresses have active flows that no socket tells of: the packets that are tracked do."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from ipaddress import IPv6Address

import pytest

from agents.kernel.conntrack import Conntrack
from agents.kernel.flows import addresses_in_use
from agents.kernel.netlink import Netlink
from tests.namespaces import Namespace, Namespaces

pytestmark = pytest.mark.root

HERE, THERE = IPv6Address("2001:db8:1::1"), IPv6Address("2001:db8:1::2")
PORT = 5000


Pair = tuple[Namespace, Namespace]
Used = Callable[[], frozenset[IPv6Address]]


@pytest.fixture
def pair(namespaces: Namespaces) -> Pair:
    here, there = namespaces.new(), namespaces.new()
    namespaces.link(here, "a", there, "b", f"{HERE}/64", f"{THERE}/64")
    return here, there


@pytest.fixture
def tracked(pair: Pair) -> Iterator[Used]:
    with pair[0]:
        conntrack = Conntrack()
    yield conntrack.addresses_in_use
    conntrack.close()


def unbound(host: Namespace, opened: ExitStack) -> socket.socket:
    with host:
        return opened.enter_context(socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))


def test_packets_of_a_socket_without_an_address_are_a_flow(
    pair: Pair, tracked: Used, opened: ExitStack
) -> None:
    here, there = pair
    server, client = unbound(there, opened), unbound(here, opened)
    server.bind(("::", PORT))
    assert tracked() == frozenset()
    client.sendto(b"question", (str(THERE), PORT))
    _, caller = server.recvfrom(100)
    with here:
        assert HERE not in addresses_in_use()  # the socket does not know
    assert tracked() == {HERE, THERE}
    assert tracked() == frozenset()  # nothing went since
    server.sendto(b"answer", caller)
    client.recv(100)
    assert tracked() == {HERE, THERE}


def test_binding_messages_are_no_flow(pair: Pair, tracked: Used, opened: ExitStack) -> None:
    with pair[0]:
        raw = opened.enter_context(socket.socket(socket.AF_INET6, socket.SOCK_RAW, 135))
    raw.sendto(bytes.fromhex("3b00000000000000"), (str(THERE), 0))
    assert tracked() == frozenset()
    client = unbound(pair[0], opened)
    client.sendto(b"data", (str(THERE), PORT))
    assert HERE in tracked()


def test_other_namespaces_are_none_of_its_business(
    pair: Pair, tracked: Used, opened: ExitStack
) -> None:
    host = pair[1]
    with host, Netlink() as netlink:
        netlink.up("lo")
        netlink.add_address("lo", "2001:db8::1/128", nodad=True)
    unbound(host, opened).sendto(b"data", ("2001:db8::1", PORT))
    assert tracked() == frozenset()
