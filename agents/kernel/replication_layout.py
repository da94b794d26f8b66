"""What the programs that replicate share with the daemon: the keys and values of their maps.

IPv4 addresses stand as mapped ones. Numbers are in the host's byte order but where they are parts
of a packet.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address

from agents.wire.i3 import Endpoint, address_and_port
from agents.wire.overlay import DATA_HEAD, HEADER, VERSION, Data, MemberId

UDP = 8
OVERLAY = HEADER.size + DATA_HEAD.size
"""Octets before the packet in a datagram of data."""
COUNTER_AT, SEQUENCE_AT = 12, OVERLAY - 8
SENDER_AT, TREE_AT = 4, HEADER.size + 1
IPV4, IPV6 = 20, 40
OUTER = {4: IPV4 + UDP, 6: IPV6 + UDP}
LONGEST = OUTER[6]
HOP_LIMIT = 64

# A branch: what becomes of the packets of one source and group, or of one version of a tree.
FOURS, ALL, LIMIT, SLOT, DELIVER, PARENT_PORT = 0, 4, 8, 12, 16, 20
PARENT_ADDRESS, HEAD, CHILDREN = 24, 40, 88
_BRANCH = struct.Struct(f"=5I2s2x16s{OVERLAY}s3x")

# A child: where the copy for it goes.
INTERFACE, NEXT_HOP_FAMILY, IP_SUM, UDP_SUM, TEMPLATE = 0, 4, 24, 28, 32
CHILD = TEMPLATE + LONGEST
REDIRECT_NEIGH = 20
"""Octets of struct bpf_redir_neigh: a family, and an address of up to 16 octets."""
_CHILD = struct.Struct(f"=II16sII{LONGEST}s")

# A number that programs and daemon draw from: what was drawn last; and what passed by it.
DRAWN, PACKETS, OCTETS, NUMBER = 0, 8, 16, 24
_NUMBER = struct.Struct("=QQQ")

# What came by one version of a tree: 128 words of an epoch and 32 bits each.
HIGHEST, RECEIVED, WORDS, WORD_COUNT = 0, 8, 16, 128
WINDOW = WORDS + 8 * WORD_COUNT
_WINDOW = struct.Struct("=QQ")

TreeVersion = tuple[MemberId, int, int]
"""Root, tree, version."""
ADDRESS_KEY, CHANNEL_KEY, WINDOW_KEY, PLACE_KEY = 16, 32, 16, 24
_TREE = struct.Struct("!8sII")

COUNTERS = ("delivered", "duplicates", "left when sent", "left when received")
"""What is counted; what is left goes to the daemon, though its branch is known or could be."""
DELIVERED, DUPLICATES, LEFT_WHEN_SENT, LEFT_WHEN_RECEIVED = range(len(COUNTERS))


@dataclass(frozen=True, slots=True)
class Way:
    """How datagrams to one endpoint leave this host."""

    interface: int
    via: IPv6Address
    """The next hop, which may be the endpoint's own address."""
    source: IPv6Address
    mtu: int
    """Of the path, as far as it is known."""


def family(address: IPv6Address) -> int:
    """4 or 6, of an address that may be mapped."""
    return 6 if address.ipv4_mapped is None else 4


def channel_key(source: IPv6Address, group: IPv6Address) -> bytes:
    """Of the packets that programs here send."""
    return source.packed + group.packed


def tree_key(tree: TreeVersion) -> bytes:
    """Of a tree's window: as datagrams have it."""
    return _TREE.pack(*tree)


def place_key(parent: MemberId, tree: TreeVersion) -> bytes:
    """Of the packets that come down a tree from a parent."""
    return parent + tree_key(tree)


def branch(
    member: MemberId,
    tree: TreeVersion,
    children: Sequence[tuple[Endpoint, Way]],
    port: int,
    *,
    degree: int,
    slot: int = 0,
    deliver: bool = False,
    parent: Endpoint | None = None,
) -> bytes:
    """A branch with these children, at most ``degree``, to which ``member`` sends from ``port``."""
    fours = [one for one in children if family(one[1].source) == 4]
    sixes = [one for one in children if family(one[1].source) == 6]
    room = [way.mtu - OUTER[family(way.source)] - OVERLAY for _, way in children]
    head = HEADER.pack(VERSION, 0, member, 0)
    head += DATA_HEAD.pack(Data.TYPE, *tree, 0)
    address, parent_port = (bytes(16), bytes(2)) if parent is None else (parent[:16], parent[16:])
    counts = (len(fours), len(children), min([*room, 0xFFFF]), slot, int(deliver))
    fixed = _BRANCH.pack(*counts, parent_port, address, head)
    ready = b"".join(_child(endpoint, way, port) for endpoint, way in (*fours, *sixes))
    return fixed + ready.ljust(degree * CHILD, b"\0")


def branch_size(degree: int) -> int:
    """Octets of a branch with room for so many children."""
    return CHILDREN + degree * CHILD


def _child(endpoint: Endpoint, way: Way, port: int) -> bytes:
    address, destination_port = address_and_port(endpoint)
    udp = struct.pack("!HHHH", port, destination_port, 0, 0)
    if family(way.source) == 4:
        ends = way.source.packed[12:] + address.packed[12:]
        ip = struct.pack("!BBHHHBBH8s", 0x45, 0, 0, 0, 0, HOP_LIMIT, socket.IPPROTO_UDP, 0, ends)
    else:
        ends = way.source.packed + address.packed
        ip = struct.pack("!IHBB32s", 6 << 28, 0, socket.IPPROTO_UDP, HOP_LIMIT, ends)
    if family(way.via) == 4:
        next_hop = socket.AF_INET, way.via.packed[12:].ljust(16, b"\0")
    else:
        next_hop = socket.AF_INET6, way.via.packed
    sums = raw_sum(ip), raw_sum(ends + bytes((0, socket.IPPROTO_UDP)) + udp)
    return _CHILD.pack(way.interface, *next_hop, *sums, (ip + udp).rjust(LONGEST, b"\0"))


def raw_sum(octets: bytes) -> int:
    """The sum of a checksum, of words as a little-endian host loads them."""
    total: int = sum(struct.unpack(f"<{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def number(drawn: int = 0) -> bytes:
    """Of which so many were drawn."""
    return _NUMBER.pack(drawn, 0, 0)


def read_number(value: bytes) -> tuple[int, int, int]:
    """What was drawn last, packets and octets that passed."""
    drawn, packets, octets = _NUMBER.unpack(value)
    return drawn, packets, octets


def read_window(value: bytes) -> tuple[int, int]:
    """The highest number that came, and how many did."""
    highest, received = _WINDOW.unpack_from(value)
    return highest, received
