"""Which addresses have active flows: a host's sockets know, and a router's packets."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from ipaddress import IPv6Address, IPv6Network

import pytest

from agents.kernel.flows import Flow, addresses_in_use, flows
from agents.kernel.netlink import set_sysctl
from agents.kernel.prefix_counter import PrefixCounter
from tests.kernel.routers import HOSTS, LANS, Chain
from tests.namespaces import Namespace, Namespaces
from tests.patience import eventually

pytestmark = pytest.mark.root

LOCAL, REMOTE, UNUSED = (IPv6Address(f"2001:db8::{n}") for n in (1, 2, 3))
ANY = IPv6Address("::")


@pytest.fixture
def host(namespaces: Namespaces) -> Namespace:
    made = namespaces.new()
    for address in (LOCAL, REMOTE, UNUSED):
        made.add_address("lo", f"{address}/128")
    return made


def open_socket(
    host: Namespace, opened: ExitStack, kind: int, address: IPv6Address, protocol: int = 0
) -> socket.socket:
    with host:
        made = opened.enter_context(socket.socket(socket.AF_INET6, kind, protocol))
    made.bind((str(address), 0))
    return made


def seen(host: Namespace) -> list[Flow]:
    with host:
        return flows()


def used(host: Namespace) -> frozenset[IPv6Address]:
    with host:
        return addresses_in_use()


def test_a_tcp_connection_is_a_flow_of_both_its_ends(host: Namespace, opened: ExitStack) -> None:
    server = open_socket(host, opened, socket.SOCK_STREAM, REMOTE)
    server.listen()
    assert used(host) == frozenset()  # nobody misses a server's address
    client = open_socket(host, opened, socket.SOCK_STREAM, LOCAL)
    client.connect(server.getsockname())
    accepted, _ = server.accept()
    here, there = client.getsockname()[1], server.getsockname()[1]
    assert set(seen(host)) == {
        Flow("tcp6", LOCAL, here, REMOTE, there),
        Flow("tcp6", REMOTE, there, LOCAL, here),
    }
    accepted.close()
    assert used(host) == {LOCAL, REMOTE}  # half closed
    client.close()
    eventually(lambda: used(host) == frozenset())  # TIME_WAIT is over, too


def test_a_connection_being_opened_is_a_flow(
    host: Namespace, namespaces: Namespaces, opened: ExitStack
) -> None:
    namespaces.link(host, "a", namespaces.new(), "b", "2001:db8:5::1/64")
    client = open_socket(host, opened, socket.SOCK_STREAM, IPv6Address("2001:db8:5::1"))
    client.setblocking(False)
    with pytest.raises(BlockingIOError):
        client.connect(("2001:db8:5::2", 80))
    assert used(host) == {IPv6Address("2001:db8:5::1")}


@pytest.mark.parametrize("connected", [True, False])
def test_a_udp_socket_that_is_bound_is_a_flow(
    host: Namespace, opened: ExitStack, connected: bool
) -> None:
    bound = open_socket(host, opened, socket.SOCK_DGRAM, LOCAL)
    port = bound.getsockname()[1]
    if connected:
        bound.connect((str(REMOTE), 9))
    remote = (REMOTE, 9) if connected else (ANY, 0)
    assert seen(host) == [Flow("udp6", LOCAL, port, *remote)]


def test_a_udp_socket_that_is_connected_keeps_the_address_that_was_chosen(
    host: Namespace, opened: ExitStack
) -> None:
    free = open_socket(host, opened, socket.SOCK_DGRAM, ANY)
    assert used(host) == frozenset()
    free.connect((str(LOCAL), 9))
    assert used(host) == {LOCAL}


def test_pings_are_flows(host: Namespace, opened: ExitStack) -> None:
    open_socket(host, opened, socket.SOCK_RAW, LOCAL, socket.IPPROTO_ICMPV6)
    open_socket(host, opened, socket.SOCK_RAW, REMOTE, socket.IPPROTO_RAW)  # can only send
    with host:
        set_sysctl("net/ipv4/ping_group_range", "0 0")
    open_socket(host, opened, socket.SOCK_DGRAM, UNUSED, socket.IPPROTO_ICMPV6)
    assert [(flow.protocol, flow.local) for flow in seen(host)] == [
        ("raw6", LOCAL),
        ("icmp6", UNUSED),
    ]


def test_a_flow_is_over_when_its_socket_is(host: Namespace, opened: ExitStack) -> None:
    bound = open_socket(host, opened, socket.SOCK_DGRAM, LOCAL)
    assert used(host) == {LOCAL}
    bound.close()
    assert used(host) == frozenset()


def test_other_namespaces_are_none_of_its_business(
    host: Namespace, namespaces: Namespaces, opened: ExitStack
) -> None:
    open_socket(host, opened, socket.SOCK_DGRAM, LOCAL)
    with namespaces.new():
        assert flows() == []


def counter(opened: ExitStack, router: Namespace, prefix: IPv6Network) -> PrefixCounter:
    with router:
        made = PrefixCounter(prefix)
    opened.callback(made.close)
    return made


def test_a_router_counts_the_packets_of_a_prefix(namespaces: Namespaces, opened: ExitStack) -> None:
    chain = Chain(namespaces, 1)
    (router,) = chain.routers
    host = chain.hosts[0]
    counters = {
        prefix: counter(opened, router, prefix)
        for prefix in (*LANS, IPv6Network("2001:db8:a0::/63"), IPv6Network("2001:db8:a2::/64"))
    }
    host.run("ping", "-c", "1", str(HOSTS[1]))  # resolves the neighbours
    for each in counters.values():
        each.packets()
    host.run("ping", "-c", "3", "-i", "0.01", str(HOSTS[1]))
    counts = {prefix: each.packets() for prefix, each in counters.items()}
    # Each of the six packets comes in by one interface and leaves by the other.
    assert list(counts.values()) == [12, 12, 12, 0]
    assert [each.packets() for each in counters.values()] == [0, 0, 0, 0]


def test_neighbor_discovery_is_no_flow(namespaces: Namespaces, opened: ExitStack) -> None:
    chain = Chain(namespaces, 1)
    counted = counter(opened, chain.routers[0], LANS[0])
    chain.hosts[0].run("ping", "-c", "1", str(LANS[0][1]))  # which resolves both neighbours first
    assert counted.packets() == 2
