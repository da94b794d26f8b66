from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import IPv6Address

import pytest

from agents.kernel.capabilities import probe
from agents.kernel.mroute import (
    MAXIMUM_INTERFACES,
    KernelEntry,
    MulticastRouting,
    Upcall,
    UpcallKind,
)
from agents.kernel.netlink import Netlink
from agents.kernel.tunnel import Backend, open_tunnel
from tests.kernel.routers import HOSTS, Chain, loopback
from tests.namespaces import Namespace, Namespaces
from tests.patience import PATIENCE_S, eventually

pytestmark = pytest.mark.root

GROUP = IPv6Address("ff3e::db8:1")
PORT = 5001
PAYLOAD = b"x" * 1000
COUNT = 30
"""Fewer than the underlay holds while it resolves the next hop."""


@pytest.fixture
def sockets() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def listen(sockets: ExitStack, host: Namespace) -> socket.socket:
    with host:
        listener = sockets.enter_context(socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
        index = socket.if_nametoindex("eth0")
        listener.setsockopt(
            socket.IPPROTO_IPV6,
            socket.IPV6_JOIN_GROUP,
            GROUP.packed + index.to_bytes(4, "little"),
        )
        listener.bind(("::", PORT))
    listener.settimeout(PATIENCE_S)
    return listener


def speak(sockets: ExitStack, host: Namespace) -> socket.socket:
    with host:
        speaker = sockets.enter_context(socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
        index = socket.if_nametoindex("eth0")
    speaker.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
    speaker.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 16)
    speaker.connect((str(GROUP), PORT))
    return speaker


def routing(sockets: ExitStack, router: Namespace, *interfaces: str) -> MulticastRouting:
    with router:
        made = MulticastRouting()
        sockets.callback(made.close)
        for interface in interfaces:
            made.add_interface(interface)
    return made


def upcall(made: MulticastRouting, kind: UpcallKind) -> Upcall:
    return eventually(
        lambda: next((found for found in made.read_upcalls() if found.kind == kind), None)
    )


def test_the_first_packet_waits_for_the_answer_to_its_upcall(
    namespaces: Namespaces, sockets: ExitStack
) -> None:
    chain = Chain(namespaces, 1)
    made = routing(sockets, chain.router(1), "lan0", "lan1")
    listener, speaker = listen(sockets, chain.hosts[1]), speak(sockets, chain.hosts[0])
    speaker.send(PAYLOAD)
    assert upcall(made, UpcallKind.NO_ENTRY) == Upcall(UpcallKind.NO_ENTRY, HOSTS[0], GROUP, "lan0")
    with pytest.raises(KeyError):
        made.counters(HOSTS[0], IPv6Address("ff3e::2"))
    made.set_entry(HOSTS[0], GROUP, "lan0", ["lan1"])
    data, sender = listener.recvfrom(2000)
    assert data == PAYLOAD
    assert IPv6Address(sender[0]) == HOSTS[0]


def test_counters_count_packets_and_bytes(namespaces: Namespaces, sockets: ExitStack) -> None:
    chain = Chain(namespaces, 1)
    made = routing(sockets, chain.router(1), "lan0", "lan1")
    made.set_entry(HOSTS[0], GROUP, "lan0", ["lan1"])
    listener, speaker = listen(sockets, chain.hosts[1]), speak(sockets, chain.hosts[0])
    for _ in range(7):
        speaker.send(PAYLOAD)
        listener.recv(2000)
    assert made.counters(HOSTS[0], GROUP) == (7, 7 * (40 + 8 + len(PAYLOAD)), 0)
    made.delete_entry(HOSTS[0], GROUP)
    made.delete_entry(HOSTS[0], GROUP)
    with pytest.raises(KeyError):
        made.counters(HOSTS[0], GROUP)


def test_the_kernels_entries_are_what_was_set(namespaces: Namespaces, sockets: ExitStack) -> None:
    chain = Chain(namespaces, 2)
    router = chain.router(1)
    made = routing(sockets, router, "lan", "right")
    made.set_entry(HOSTS[0], GROUP, "lan", ["right"])
    made.set_entry(HOSTS[1], GROUP, "right", [])
    speak(sockets, chain.hosts[0]).send(PAYLOAD)
    with router:
        used = eventually(lambda: [entry for entry in made.entries() if entry.packets])
        rest = [entry for entry in made.entries() if not entry.packets]
    assert used == [KernelEntry(HOSTS[0], GROUP, "lan", ("right",), 1)]
    assert rest == [KernelEntry(HOSTS[1], GROUP, "right", (), 0)]


def test_an_entry_that_is_only_asked_for_is_none_yet(
    namespaces: Namespaces, sockets: ExitStack
) -> None:
    chain = Chain(namespaces, 1)
    made = routing(sockets, chain.router(1), "lan0", "lan1")
    speak(sockets, chain.hosts[0]).send(PAYLOAD)
    upcall(made, UpcallKind.NO_ENTRY)
    with chain.router(1):
        assert made.entries() == []


def test_a_packet_on_a_wrong_interface_raises_an_upcall_and_goes_nowhere(
    namespaces: Namespaces, sockets: ExitStack
) -> None:
    chain = Chain(namespaces, 1)
    made = routing(sockets, chain.router(1), "lan0", "lan1")
    made.set_entry(HOSTS[0], GROUP, "lan1", [])
    speak(sockets, chain.hosts[0]).send(PAYLOAD)
    assert upcall(made, UpcallKind.WRONG_INTERFACE).interface == "lan0"
    assert made.counters(HOSTS[0], GROUP)[2] == 1


def test_a_removed_interface_leaves_the_entries(namespaces: Namespaces, sockets: ExitStack) -> None:
    chain = Chain(namespaces, 2)
    router = chain.router(1)
    made = routing(sockets, router, "lan", "right")
    made.set_entry(HOSTS[0], GROUP, "lan", ["right"])
    made.set_entry(HOSTS[1], GROUP, "right", ["lan"])
    with router:
        made.remove_interface("right")
        made.remove_interface("right")
    shown = router.run("cat", "/proc/self/net/ip6_mr_cache").stdout.splitlines()[1:]
    assert len(shown) == 1
    # Group, origin, incoming, packets, bytes, wrong, and no outgoing interface.
    assert shown[0].split()[2:] == ["0", "0", "0", "0"]


def test_an_interface_may_vanish_before_it_is_removed(
    namespaces: Namespaces, sockets: ExitStack
) -> None:
    chain = Chain(namespaces, 2)
    router = chain.router(1)
    made = routing(sockets, router, "lan", "right")
    made.set_entry(HOSTS[0], GROUP, "lan", ["right"])
    with router, Netlink() as netlink:
        netlink.delete_link("right")
        made.remove_interface("right")
        netlink.add_link("other", "veth")
        made.add_interface("other")
    made.set_entry(HOSTS[0], GROUP, "lan", ["other"])
    assert "other" in router.run("cat", "/proc/self/net/ip6_mr_vif").stdout


def test_the_thirty_third_interface_is_refused_with_the_reason(
    namespaces: Namespaces, sockets: ExitStack
) -> None:
    router = namespaces.router()
    made = routing(sockets, router)
    with router, Netlink() as netlink:
        for number in range(MAXIMUM_INTERFACES // 2 + 1):
            netlink.add_link(f"v{number}", "veth")
        names = [name for _, name in socket.if_nameindex() if name != "lo"]
        for name in names[:MAXIMUM_INTERFACES]:
            made.add_interface(name)
        with pytest.raises(OSError, match="32 interfaces at most") as caught:
            made.add_interface(names[MAXIMUM_INTERFACES])
        assert caught.value.errno == errno.ENOSPC
        made.remove_interface(names[3])
        made.add_interface(names[MAXIMUM_INTERFACES])


def test_closing_frees_multicast_routing_for_the_next_one(
    namespaces: Namespaces, sockets: ExitStack
) -> None:
    with namespaces.router():
        first = MulticastRouting()
        with pytest.raises(OSError, match="in use"):
            MulticastRouting()
        first.close()
        MulticastRouting().close()


@pytest.mark.parametrize("backend", probe().tunnel_backends())
@pytest.mark.parametrize("toward", [0, 1])
def test_multicast_goes_through_tunnel_and_routers_both_ways(
    namespaces: Namespaces, sockets: ExitStack, backend: Backend, toward: int
) -> None:
    chain = Chain(namespaces, 2)
    for number, other in ((1, 2), (2, 1)):
        router = chain.router(number)
        with router:
            tunnel = open_tunnel("tun", loopback(number), loopback(other), backend)
        sockets.callback(tunnel.close)
        made = routing(sockets, router, "lan", "tun")
        made.set_entry(HOSTS[number - 1], GROUP, "lan", ["tun"])
        made.set_entry(HOSTS[other - 1], GROUP, "tun", ["lan"])
    listener = listen(sockets, chain.hosts[toward])
    speaker = speak(sockets, chain.hosts[1 - toward])
    for number in range(COUNT):
        speaker.send(number.to_bytes(2, "big") + PAYLOAD)
    received = [listener.recv(2000) for _ in range(COUNT)]
    # Neighbour resolution may let the first packets overtake each other.
    assert sorted(int.from_bytes(data[:2], "big") for data in received) == list(range(COUNT))
