"""The source guard of a link: what hosts may send passes, the rest is counted, and nobody hears it.

Of addresses that no host has, a few are looked for at a time, whoever sends to how many.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from ipaddress import IPv6Address, IPv6Network

import pytest

from agents.kernel.netlink import Netlink
from agents.kernel.source_guard import NEIGHBOUR, SOURCE, UNUSED, SourceGuard
from agents.wire import ipv6
from tests.namespaces import Namespaces
from tests.patience import PATIENCE_S, eventually

pytestmark = pytest.mark.root

MN1, MN2 = bytes.fromhex("020000000101"), bytes.fromhex("020000000202")
ROUTER = bytes.fromhex("00005e005213")
PREFIX, OTHER = IPv6Network("2001:db8:1:1::/64"), IPv6Network("2001:db8:1:2::/64")
OWN, LINK_LOCAL = PREFIX[5], ipv6.link_local(MN1)
SERVER, GROUP = IPv6Address("2001:db8:5e00:1::2"), IPv6Address("ff0e::c1")
ALL_NODES, NOWHERE = IPv6Address("ff02::1"), IPv6Address("::")
ETH_P_IPV6 = 0x86DD
LISTENER_REPORT, SOLICITATION, ADVERTISEMENT = 143, 135, 136


class Link:
    """A radio link with a guard: what is sent on it, and which of that the router gets."""

    def __init__(self, namespaces: Namespaces) -> None:
        self.router, self.host = namespaces.router(), namespaces.new()
        self.core = namespaces.new()
        namespaces.link(self.router, "radio", self.host, "eth0", "fe80::1/64")
        ends = "2001:db8:c::1/64", "2001:db8:c::2/64"
        namespaces.link(self.router, "core", self.core, "eth0", *ends)
        with self.router:
            self.guard = SourceGuard("radio")
            self._heard = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)
            self._heard.bind(("radio", ETH_P_IPV6))
        self._heard.settimeout(PATIENCE_S)
        with self.host:
            self._raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            self._raw.bind(("eth0", 0))
        self._fences = 0
        self.allow(MN1, PREFIX)
        self.allow(MN2, OTHER)

    def allow(self, host: bytes, *prefixes: IPv6Network) -> None:
        self.guard.allow(host, list(prefixes))
        self.guard.watch(host)

    def send(self, packet: bytes, host: bytes = MN1) -> None:
        self._raw.send(ROUTER + host + b"\x86\xdd" + packet)

    def passes(self, packet: bytes, host: bytes = MN1) -> bool:
        """Whether a packet gets to the router's sockets; what is sent after it does."""
        self._fences += 1
        fence = icmp(LISTENER_REPORT, LINK_LOCAL, ALL_NODES, GROUP + self._fences)
        self.send(packet, host)
        self.send(fence)
        seen = [self._heard.recv(2048)]
        while seen[-1] != fence:
            seen.append(self._heard.recv(2048))
        return packet in seen[:-1]


def icmp(
    kind: int, source: IPv6Address, destination: IPv6Address, target: IPv6Address = NOWHERE
) -> bytes:
    """One of the messages that agents listen to; Neighbour Discovery has a target."""
    return ipv6.packet(
        source, destination, ipv6.ICMPV6, bytes([kind]) + bytes(7) + target.packed, hop_limit=255
    )


def report(source: IPv6Address) -> bytes:
    return icmp(LISTENER_REPORT, source, ALL_NODES)


def advertisement(target: IPv6Address, source: IPv6Address = LINK_LOCAL) -> bytes:
    return icmp(ADVERTISEMENT, source, ALL_NODES, target)


@pytest.fixture
def link(namespaces: Namespaces) -> Link:
    return Link(namespaces)


PERMITTED = [
    report(LINK_LOCAL),
    report(OWN),
    report(NOWHERE),
    advertisement(OWN),
    advertisement(LINK_LOCAL),
    advertisement(OWN, OWN),
    icmp(SOLICITATION, NOWHERE, ALL_NODES, OWN),
]
REFUSED = [
    (report(OTHER[5]), SOURCE),
    (report(ipv6.link_local(MN2)), SOURCE),
    (report(IPv6Address("fe80::bad")), SOURCE),
    (report(SERVER), SOURCE),
    (icmp(LISTENER_REPORT, NOWHERE, GROUP), SOURCE),
    (advertisement(OTHER[5]), NEIGHBOUR),
    (advertisement(ipv6.link_local(MN2)), NEIGHBOUR),
    (advertisement(SERVER, OWN), NEIGHBOUR),
]


def test_a_host_sends_from_its_own_addresses_only(link: Link) -> None:
    for packet in PERMITTED:
        assert link.passes(packet), packet.hex()
    assert link.guard.counts() == {}
    for number, (packet, why) in enumerate(REFUSED, 1):
        assert not link.passes(packet), (packet.hex(), why)
        assert sum(link.guard.counts().values()) == number
    wrong = [why for _, why in REFUSED]
    assert link.guard.counts() == {(MN1, why): wrong.count(why) for why in set(wrong)}


def test_who_has_just_come_is_not_kept_from_anything(link: Link) -> None:
    """Nor is who has left, whose packets may be on their way; and both are counted no more."""
    newcomer = bytes.fromhex("020000000303")
    assert link.passes(report(SERVER), newcomer)
    link.guard.allow(newcomer, [IPv6Network("2001:db8:1:3::/64")])
    assert link.passes(report(SERVER), newcomer)
    link.guard.watch(newcomer)
    assert not link.passes(report(SERVER), newcomer)
    link.guard.forget(newcomer)
    assert link.passes(report(SERVER), newcomer)
    link.guard.watch(newcomer)
    assert link.passes(report(SERVER), newcomer)
    assert link.guard.counts() == {(newcomer, SOURCE): 1}


def test_a_prefix_more_is_its_own_too(link: Link) -> None:
    more = IPv6Network("2001:db8:1:9::/64")
    assert not link.passes(report(more[5]))
    link.allow(MN1, PREFIX, more)
    assert link.passes(report(more[5]))
    assert link.passes(report(OWN))


def test_a_guard_that_is_made_anew_knows_nobody(link: Link) -> None:
    with link.router:
        SourceGuard("radio")
    assert link.passes(report(SERVER))


def test_of_unused_addresses_few_are_looked_for(link: Link) -> None:
    """A host's own address, and one that it has used, are always among those that are."""
    with link.router, Netlink() as netlink:
        netlink.route_replace(PREFIX, oif="radio")
    used, unused = PREFIX[0xA000], [PREFIX[0xF000 + number] for number in range(300)]
    assert link.passes(report(used))
    with link.core, Netlink() as netlink:
        netlink.route_replace(PREFIX, via=IPv6Address("2001:db8:c::1"))
        sender = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    own = ipv6.of_interface(PREFIX, MN1)
    for address in (*unused, used, own):
        sender.sendto(b"data", (str(address), 5001))
    asked = eventually(lambda: looked_for(link, lambda found: {used, own} <= found))
    assert len(asked & set(unused)) == 64
    assert link.guard.counts() == {(MN1, UNUSED): 300 - 64}


def looked_for(link: Link, done: Callable[[set[IPv6Address]], bool]) -> set[IPv6Address] | None:
    """The addresses that the router's kernel has neighbours of, or looks for."""
    shown = link.router.run("ip", "-6", "neigh", "show", "dev", "radio", "nud", "all").stdout
    found = {IPv6Address(line.split()[0]) for line in shown.splitlines()}
    return found if done(found) else None
