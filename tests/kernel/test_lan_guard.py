"""The guard of a server's LAN: few new channels, and in true names, reach the router's agent."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv6Address

import pytest

from agents.kernel.lan_guard import LanGuard
from agents.kernel.mroute import MulticastRouting
from agents.wire import ipv6
from tests.kernel.routers import HOSTS, LANS, Chain
from tests.namespaces import Namespaces
from tests.patience import eventually

pytestmark = pytest.mark.root

GROUP = IPv6Address("ff0e::1:0:0")
AT_ONCE, A_SECOND = 256, 128
ETHERNET, LOCAL = b"\x33\x33\0\0\0\1" + bytes.fromhex("020000000001") + b"\x86\xdd", "fe80::1"


@dataclass
class Server:
    """A host on a LAN of a router, what it sends, and the channels that the router is asked of."""

    raw: socket.socket
    routing: MulticastRouting
    guard: LanGuard

    def send(self, source: IPv6Address, group: IPv6Address) -> None:
        self.raw.send(ETHERNET + ipv6.packet(source, group, 17, bytes(8), hop_limit=9))

    def asked(self) -> set[tuple[IPv6Address, IPv6Address]]:
        return {(upcall.source, upcall.group) for upcall in self.routing.read_upcalls()}


@pytest.fixture
def server(namespaces: Namespaces) -> Iterator[Server]:
    chain = Chain(namespaces, 1)
    with chain.hosts[0]:
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        raw.bind(("eth0", 0))
    with chain.router(1):
        routing = MulticastRouting()
        routing.add_interface("lan0")
        guard = LanGuard("lan0", LANS[0])
    with raw:
        yield Server(raw, routing, guard)
    guard.close()
    routing.close()


@pytest.mark.parametrize("kind", ["groups", "sources"])
def test_a_flood_of_new_channels_is_few_upcalls(server: Server, kind: str) -> None:
    """And a channel that was known before is sent on all the time."""
    server.send(HOSTS[0], GROUP)
    assert eventually(server.asked) == {(HOSTS[0], GROUP)}
    server.routing.set_entry(HOSTS[0], GROUP, "lan0", ())
    began, sent, asked = time.monotonic(), 2000, set()
    for number in range(1, sent + 1):
        many = GROUP + number, LANS[0][0x1000 + number]
        server.send(HOSTS[0], many[0]) if kind == "groups" else server.send(many[1], GROUP + 1)
        server.send(HOSTS[0], GROUP)
        if number % 50 == 0:
            asked |= answered(server)
    end = HOSTS[0], GROUP + 0xFFFF
    assert eventually(lambda: reached(server, end, asked))
    most = AT_ONCE + A_SECOND * (time.monotonic() - began + 1)
    assert AT_ONCE <= len(asked) <= most
    packets, _, _ = server.routing.counters(HOSTS[0], GROUP)
    assert packets >= sent
    assert server.guard.counts()["channels"] >= sent - len(asked)


def answered(server: Server) -> set[tuple[IPv6Address, IPv6Address]]:
    """What was asked, answered as by an agent that has no listeners."""
    asked = server.asked()
    for source, group in asked:
        server.routing.set_entry(source, group, "lan0", ())
    return asked


def reached(server: Server, last: tuple[IPv6Address, IPv6Address], asked: set) -> bool:
    """Whether a channel that is begun now is asked of: at the latest when the limit lets it."""
    server.send(*last)
    asked |= answered(server)
    return last in asked


def test_forged_data_is_counted_and_asks_nobody(server: Server) -> None:
    for source in (HOSTS[1], IPv6Address("2001:db8:bad::1"), IPv6Address("::")):
        server.send(source, GROUP)
    for source in (HOSTS[0], IPv6Address("fe80::1:1")):
        server.send(source, GROUP + 1)
    seen: set[tuple[IPv6Address, IPv6Address]] = set()
    true = {(HOSTS[0], GROUP + 1), (IPv6Address("fe80::1:1"), GROUP + 1)}
    assert eventually(lambda: seen.update(server.asked()) or true <= seen)
    assert seen == true
    assert server.guard.counts() == {"source": 3}


def test_what_is_not_for_groups_beyond_the_link_passes(server: Server) -> None:
    """Whoever sends it: MLD, Neighbour Discovery, unicast."""
    with suppress(OSError):
        server.send(HOSTS[1], IPv6Address("ff02::16"))
        server.send(IPv6Address("2001:db8:bad::1"), HOSTS[1])
    server.send(HOSTS[0], GROUP)
    assert eventually(server.asked)
    assert server.guard.counts() == {}
