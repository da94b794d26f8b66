"""The source guard of a link: what hosts may send passes, the rest is counted, and nobody hears it.

Of addresses that no host has, a few are looked for at a time, whoever sends to how many.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from ipaddress import IPv6Address, IPv6Network

import pytest

from agents.kernel.netlink import Netlink
from agents.kernel.source_guard import CHANNELS, CONTROL, NEIGHBOUR, SOURCE, UNUSED, SourceGuard
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
ETH_P_IPV6, HOP_BY_HOP, UDP, DESTINATION_OPTIONS = 0x86DD, 0, 17, 60
ECHO, LISTENER_REPORT, SOLICITATION, ADVERTISEMENT = 128, 143, 135, 136


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
        fence = icmp(ECHO, ipv6.link_local(MN2), ALL_NODES, GROUP + self._fences)
        self.send(packet, host)
        self.send(fence, MN2)
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


def behind(header: int, packet: bytes) -> bytes:
    """The same with an extension header, of nothing but padding, before it (RFC 8200)."""
    inner = ipv6.parse(packet)
    padded = bytes([inner.next_header, 0, 1, 4, 0, 0, 0, 0]) + inner.payload
    ends = inner.source, inner.destination
    return ipv6.packet(*ends, header, padded, hop_limit=inner.hop_limit)


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
    (behind(HOP_BY_HOP, advertisement(OTHER[5])), NEIGHBOUR),
    (behind(DESTINATION_OPTIONS, advertisement(OTHER[5], OWN)), NEIGHBOUR),
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


def test_who_comes_again_with_another_prefix_has_lost_the_first(link: Link) -> None:
    """What was found to be a host's own is looked at anew when it has left."""
    data = ipv6.packet(OWN, ALL_NODES, UDP, b"whatever")
    for _ in range(3):
        assert link.passes(data)
    link.guard.forget(MN1)
    link.allow(MN1, IPv6Network("2001:db8:1:9::/64"))
    assert not link.passes(data)


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


def test_a_flood_of_reports_is_one_hosts_alone(link: Link) -> None:
    """The agent hears a hundred, and as many in a second; echo and data are not counted."""
    began = time.monotonic()
    passed = [link.passes(report(OWN)) for _ in range(1000)]
    most = 100 * (2 + time.monotonic() - began)
    assert all(passed[:100])
    assert sum(passed) <= most
    for kind in (ECHO, 129):
        assert link.passes(icmp(kind, OWN, ALL_NODES))
    assert link.passes(ipv6.packet(OWN, ALL_NODES, UDP, b"data"))
    assert link.guard.counts() == {(MN1, CONTROL): 1000 - sum(passed)}


def test_a_host_begins_to_send_few_channels_at_a_time(link: Link) -> None:
    """What it sends already, what others send, and its MLD go on."""
    groups = [GROUP + (0x10000 + number) for number in range(1000)]
    passed = [group for group in groups if link.passes(icmp(0, OWN, group))]
    assert groups[:64] == passed[:64]
    assert len(passed) <= 64 + 64  # in less than 60 s
    for group in passed[:64]:
        assert link.passes(icmp(0, OWN, group))
        assert link.passes(icmp(0, OTHER[5], group), MN2)
    assert link.passes(report(OWN))
    assert not link.passes(icmp(0, SERVER, groups[0])), "of another source it is no channel"
    assert link.guard.counts() == {(MN1, CHANNELS): 1000 - len(passed), (MN1, SOURCE): 1}


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
    assert 8 <= len(asked & set(unused)) <= 16  # in less than 30 s
    assert link.guard.counts() == {(MN1, UNUSED): 300 - len(asked & set(unused))}


def test_a_host_of_many_addresses_takes_nothing_from_others(link: Link) -> None:
    """Whoever answers it, the router looks for few of them, and for each that another one uses."""
    with link.router, Netlink() as netlink:
        for prefix in (PREFIX, OTHER):
            netlink.route_replace(prefix, oif="radio")
        router = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    many = [PREFIX[0xF000 + number] for number in range(4200)]
    for number, address in enumerate(many):
        link.send(icmp(ECHO, address, ALL_NODES))
        if number % 50 == 0:
            assert link.passes(
                icmp(ECHO, OWN, ALL_NODES)
            )  # reads what came, so that there is room for more
    used = [OTHER[0xA000 + number] for number in range(16)]
    for address in used:
        assert link.passes(icmp(ECHO, address, ALL_NODES), MN2)
    for address in (*many, *used):
        with suppress(PermissionError):  # what the rules drop of its own, the kernel tells
            router.sendto(b"answer", (str(address), 5001))
    asked = eventually(lambda: looked_for(link, lambda found: set(used) <= found))
    assert 16 <= len(asked & set(many)) <= 16 + 16 + 8 + 8  # learnt in less than 300 s, tried


def looked_for(link: Link, done: Callable[[set[IPv6Address]], bool]) -> set[IPv6Address] | None:
    """The addresses that the router's kernel has neighbours of, or looks for."""
    shown = link.router.run("ip", "-6", "neigh", "show", "dev", "radio", "nud", "all").stdout
    found = {IPv6Address(line.split()[0]) for line in shown.splitlines()}
    return found if done(found) else None
