"""Parts of the programs that replicate: packets read, sums, windows, and copies to all children.

A packet's headers are kept in scratch memory that each processor has of its own. Sums are of words
as a little-endian host loads them; folding makes them those of the packet.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass

from agents.kernel import replication_layout as layout
from agents.kernel.bpf import FRAME_POINTER, Assembler, Helper, If, Op, Size
from agents.kernel.bpf_header import DROP, NEXT_FILTER

SKB, BRANCH, INDEX, SCRATCH = 6, 7, 8, 9
"""Registers that survive calls: the packet, its branch, a child's number, the scratch memory."""

# The scratch memory: set while a copy is on its way to its device, where that device is, what goes
# before the packet, and what was before it when it came.
COPYING, REDIRECT = 0, 8
OUTER = 32
OVERLAY = OUTER + layout.LONGEST
CAME_OUTER = 128
CAME_OVERLAY = CAME_OUTER + layout.LONGEST
INNER = CAME_OVERLAY + layout.OVERLAY
SCRATCH_SIZE = 272
INNER_READ = {4: layout.IPV4 + layout.UDP, 6: layout.IPV6 + layout.UDP}

# The stack.
KEY = -64
SUM, LENGTH, MARK, SEQUENCE, COUNTER, LAST, WINDOW_AT, END, KIND = range(-136, -64, 8)

SKB_LENGTH, SKB_PACKET_TYPE, SKB_PROTOCOL, SKB_GSO_SIZE = 0, 4, 16, 176
"""In struct __sk_buff."""
PROTOCOLS = {4: socket.htons(0x0800), 6: socket.htons(0x86DD)}
MAPPED_WORD = -0x10000
"""The third word of a mapped address, as it is loaded."""
UDP_RAW = socket.IPPROTO_UDP << 8
"""The protocol in a pseudo header, as a word is loaded."""
_MAC = 1
_RECOMPUTE = 1
_TRIES = 4


@dataclass(frozen=True)
class Maps:
    """Descriptors of the maps."""

    scratch: int
    numbers: int
    channels: int
    places: int
    windows: int
    locals: int
    counters: int


@dataclass(frozen=True)
class Site:
    """Where a program runs, and what it knows of this member."""

    maps: Maps
    interface: int
    """Index of the virtual interface."""
    tap: bool
    port: int
    degree: int
    threshold: int
    link_header: int
    """Octets before the IP header, of packets that the program sees."""


def begin(a: Assembler, site: Site, otherwise: str) -> None:
    """Keep the packet, and find the scratch memory."""
    a.move(SKB, 1)
    a.store_value(FRAME_POINTER, KEY, 0, Size.WORD)
    look_up(a, site.maps.scratch, otherwise)
    a.move(SCRATCH, 0)


def look_up(a: Assembler, descriptor: int, otherwise: str) -> None:
    """r0 = the value of the key on the stack; jump if there is none."""
    a.load_map(1, descriptor)
    a.move(2, FRAME_POINTER)
    a.add_value(2, KEY)
    a.call(Helper.MAP_LOOKUP)
    a.jump_if_nothing(0, otherwise)


def count(a: Assembler, site: Site, counter: int, otherwise: str) -> None:
    """One more of these."""
    a.store_value(FRAME_POINTER, KEY, counter, Size.WORD)
    look_up(a, site.maps.counters, otherwise)
    a.move_value(1, 1)
    a.fetch_add(0, 0, 1)


def read(a: Assembler, offset: int, to: int, octets: int, otherwise: str) -> None:
    """Copy octets of the packet to the scratch memory."""
    a.move(1, SKB)
    a.move_value(2, offset)
    a.move(3, SCRATCH)
    a.add_value(3, to)
    a.move_value(4, octets)
    a.call(Helper.SKB_LOAD_BYTES)
    a.jump_unless_equal(0, 0, otherwise)


def write(a: Assembler, offset: int, base: int, start: int, octets: int, otherwise: str) -> None:
    """Copy octets from memory to the packet."""
    a.move(1, SKB)
    a.move_value(2, offset)
    a.move(3, base)
    a.add_value(3, start)
    a.move_value(4, octets)
    a.move_value(5, _RECOMPUTE)
    a.call(Helper.SKB_STORE_BYTES)
    a.jump_unless_equal(0, 0, otherwise)


def fold(a: Assembler, register: int, by: int) -> None:
    """The 16 bits of a sum of less than 48."""
    for _ in range(3):
        a.move(by, register)
        a.compute_value(Op.AND, register, 0xFFFF)
        a.compute_value(Op.SHIFT_RIGHT, by, 16)
        a.compute(Op.ADD, register, by)


def add_halves(a: Assembler, register: int, start: int, octets: int, by: int) -> None:
    """Add words of the scratch memory to a sum."""
    for offset in range(start, start + octets, 2):
        a.load(by, SCRATCH, offset, Size.HALF)
        a.compute(Op.ADD, register, by)


def not_whole_ipv4(a: Assembler, start: int, otherwise: str) -> None:
    """Jump if the header has options, or is a fragment's."""
    a.load_byte(1, SCRATCH, start)
    a.jump_unless_equal(1, 0x45, otherwise)
    a.load(1, SCRATCH, start + 6, Size.HALF)
    a.jump_if_value(If.ANY_OF, 1, socket.htons(0x3FFF), otherwise)


def check_inner(a: Assembler, version: int, otherwise: str) -> None:
    """Jump unless the packet is UDP, whole, plain and with a checksum. Clobbers r1 and r2."""
    ip = layout.IPV4 if version == 4 else layout.IPV6
    if version == 4:
        not_whole_ipv4(a, INNER, otherwise)
        a.load_byte(1, SCRATCH, INNER + 9)
        size_at, extra = INNER + 2, 0
    else:
        a.load_byte(1, SCRATCH, INNER)
        a.compute_value(Op.SHIFT_RIGHT, 1, 4)
        a.jump_unless_equal(1, 6, otherwise)
        a.load_byte(1, SCRATCH, INNER + 6)
        size_at, extra = INNER + 4, ip
    a.jump_unless_equal(1, socket.IPPROTO_UDP, otherwise)
    a.load(1, SCRATCH, size_at, Size.HALF)
    a.to_network_order(1)
    a.add_value(1, extra)
    a.load(2, FRAME_POINTER, LENGTH, Size.DOUBLE)
    a.jump_if(If.DIFFERENT, 1, 2, otherwise)
    a.load(2, SCRATCH, INNER + ip + 4, Size.HALF)
    a.to_network_order(2)
    a.add_value(2, ip)
    a.jump_if(If.DIFFERENT, 1, 2, otherwise)
    a.load(1, SCRATCH, INNER + ip + 6, Size.HALF)
    a.jump_if_equal(1, 0, otherwise)


def inner_mark(a: Assembler, version: int) -> None:
    """Keep the packet's DSCP and ECN field. Clobbers r1 and r2."""
    if version == 4:
        a.load_byte(1, SCRATCH, INNER + 1)
    else:
        a.load(1, SCRATCH, INNER, Size.HALF)
        a.to_network_order(1)
        a.compute_value(Op.SHIFT_RIGHT, 1, 4)
        a.compute_value(Op.AND, 1, 0xFF)
    a.store(FRAME_POINTER, MARK, 1, Size.DOUBLE)


def inner_sum(a: Assembler, version: int, into: int, by: int) -> None:
    """The sum of the whole packet at an odd place, of its headers alone.

    An IPv4 header's own sum is nothing, and that of a UDP datagram with its checksum is minus that
    of its pseudo header (RFC 1071; the kernel calls it local checksum offload).
    """
    ip = layout.IPV4 if version == 4 else layout.IPV6
    a.move_value(into, UDP_RAW)
    if version == 4:
        add_halves(a, into, INNER + 12, 8, by)
        add_halves(a, into, INNER + ip + 4, 2, by)
        fold(a, into, by)
        a.compute_value(Op.EXCLUSIVE_OR, into, 0xFFFF)
    else:  # source, destination and length are in both, and cancel each other
        a.compute_value(Op.EXCLUSIVE_OR, into, 0xFFFF)
        add_halves(a, into, INNER, 4, by)
        add_halves(a, into, INNER + 6, 2, by)
        fold(a, into, by)
    a.move(by, into)  # at an odd place, the octets of each word change places
    a.compute_value(Op.SHIFT_LEFT, into, 8)
    a.compute_value(Op.SHIFT_RIGHT, by, 8)
    a.compute(Op.OR, into, by)
    a.compute_value(Op.AND, into, 0xFFFF)


def overlay_sum(a: Assembler, start: int, into: int, by: int) -> None:
    """Add the overlay's header to the sum in a register that survives calls."""
    a.move_value(1, 0)
    a.move_value(2, 0)
    a.move(3, SCRATCH)
    a.add_value(3, start)
    a.move_value(4, layout.OVERLAY - 1)
    a.move_value(5, 0)
    a.call(Helper.CSUM_DIFF)
    a.compute_value(Op.SHIFT_LEFT, 0, 32)
    a.compute_value(Op.SHIFT_RIGHT, 0, 32)
    a.compute(Op.ADD, into, 0)
    a.load_byte(by, SCRATCH, start + layout.OVERLAY - 1)
    a.compute(Op.ADD, into, by)


def draw(a: Assembler, to: int) -> None:
    """Keep the next of the numbers at r0."""
    a.move_value(1, 1)
    a.fetch_add(0, layout.DRAWN, 1)
    a.add_value(1, 1)
    a.store(FRAME_POINTER, to, 1, Size.DOUBLE)


def draw_counter(a: Assembler, site: Site, otherwise: str) -> None:
    """The counter of a datagram, the first number of all."""
    a.store_value(FRAME_POINTER, KEY, 0, Size.WORD)
    look_up(a, site.maps.numbers, otherwise)
    draw(a, COUNTER)


def mapped_key(a: Assembler, key: int, address: int) -> None:
    """An IPv4 address in the scratch memory as a mapped one on the stack."""
    a.store_value(FRAME_POINTER, key, 0, Size.DOUBLE)
    a.store_value(FRAME_POINTER, key + 8, MAPPED_WORD, Size.WORD)
    a.load_word(1, SCRATCH, address)
    a.store(FRAME_POINTER, key + 12, 1, Size.WORD)


def accept(a: Assembler, duplicate: str, busy: str) -> None:
    """Note in the window at r0 that the sequence number came; jump if it did already.

    Without a lock: each word is compared and exchanged, and says which 4096 numbers it is about.
    Clobbers r0 to r5.
    """
    a.store(FRAME_POINTER, WINDOW_AT, 0, Size.DOUBLE)
    a.load(2, FRAME_POINTER, SEQUENCE, Size.DOUBLE)
    a.move(4, 2)
    a.compute_value(Op.SHIFT_RIGHT, 4, 12)
    a.move(3, 2)
    a.compute_value(Op.SHIFT_RIGHT, 3, 5)
    a.compute_value(Op.AND, 3, layout.WORD_COUNT - 1)
    a.compute_value(Op.SHIFT_LEFT, 3, 3)
    a.compute(Op.ADD, 3, 0)
    a.compute_value(Op.AND, 2, 31)
    a.move_value(5, 1)
    a.compute(Op.SHIFT_LEFT, 5, 2)
    for attempt in range(_TRIES):
        a.load(0, 3, layout.WORDS, Size.DOUBLE)
        a.move(1, 0)
        a.compute_value(Op.SHIFT_RIGHT, 1, 32)
        a.jump_if(If.GREATER, 1, 4, duplicate)
        a.jump_if(If.EQUAL, 1, 4, f"same epoch {attempt}")
        a.move(2, 4)
        a.compute_value(Op.SHIFT_LEFT, 2, 32)
        a.jump(f"exchange {attempt}")
        a.label(f"same epoch {attempt}")
        a.move(2, 0)
        a.compute(Op.AND, 2, 5)
        a.jump_unless_equal(2, 0, duplicate)
        a.move(2, 0)
        a.label(f"exchange {attempt}")
        a.compute(Op.OR, 2, 5)
        a.move(1, 0)
        a.compare_exchange(3, layout.WORDS, 2)
        a.jump_if(If.EQUAL, 0, 1, "accepted")
    a.jump(busy)
    a.label("accepted")
    a.load(3, FRAME_POINTER, WINDOW_AT, Size.DOUBLE)
    a.move_value(1, 1)
    a.fetch_add(3, layout.RECEIVED, 1)
    a.load(1, 3, layout.HIGHEST, Size.DOUBLE)
    a.load(2, FRAME_POINTER, SEQUENCE, Size.DOUBLE)
    a.jump_if(If.AT_LEAST, 1, 2, "no higher")
    a.store(3, layout.HIGHEST, 2, Size.DOUBLE)
    a.label("no higher")


def grow(a: Assembler, octets: int, otherwise: str) -> None:
    """Make room before the packet, or less of it."""
    a.move(1, SKB)
    a.move_value(2, octets)
    a.move_value(3, _MAC)
    a.move_value(4, 0)
    a.call(Helper.SKB_ADJUST_ROOM)
    a.jump_unless_equal(0, 0, otherwise)


def change_family(a: Assembler, version: int, otherwise: str) -> None:
    """Call the packet one of the other IP: 20 octets more before it, or fewer."""
    a.move(1, SKB)
    a.move_value(2, PROTOCOLS[version])
    a.move_value(3, 0)
    a.call(Helper.SKB_CHANGE_PROTO)
    a.jump_unless_equal(0, 0, otherwise)


def stop_here(a: Assembler, site: Site, counter: int) -> None:
    """The ends of a program: to drop the packet, or leave it to whoever is next."""
    a.label("drop")
    a.exit(DROP)
    a.label("to python")
    count(a, site, counter, "leave")
    a.label("leave")
    a.exit(NEXT_FILTER)
