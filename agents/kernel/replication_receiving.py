"""At the ingress of a link of the underlay: data of trees that are known goes in here, and on.

What comes from elsewhere than the parent, is marked by a router, a fragment, or in any way odd is
left to the daemon, which gets it by its socket.
"""

from __future__ import annotations

import struct

from agents.kernel import replication_layout as layout
from agents.kernel.bpf import FRAME_POINTER, Assembler, Helper, If, Op, Size
from agents.kernel.replication_fan_out import fan_out, prepare
from agents.kernel.replication_parts import (
    BRANCH,
    CAME_OUTER,
    CAME_OVERLAY,
    INDEX,
    INNER,
    INNER_READ,
    KEY,
    KIND,
    LENGTH,
    MAPPED_WORD,
    PROTOCOLS,
    SCRATCH,
    SEQUENCE,
    SKB,
    SKB_GSO_SIZE,
    SKB_LENGTH,
    SKB_PACKET_TYPE,
    SKB_PROTOCOL,
    UDP_RAW,
    Site,
    accept,
    add_halves,
    begin,
    change_family,
    check_inner,
    count,
    draw_counter,
    fold,
    grow,
    inner_mark,
    inner_sum,
    look_up,
    mapped_key,
    not_whole_ipv4,
    overlay_sum,
    read,
    stop_here,
    write,
)
from agents.wire.overlay import NO_KEY, VERSION, Data

_ETHERNET = 14
_REDIRECT_INGRESS = 1
_VERSION_AND_KEY = NO_KEY << 8 | VERSION
_TYPE_AT = layout.TREE_AT - 1
_LINK_SCOPE_V4, _THREE_OCTETS = 0x0000E0, 0xFFFFFF
"""224.0.0.0/24, as a word is loaded."""
_LINK_SCOPE_V6 = 2
ROUTER_MAC = b"\x02emu01"
"""From which packets come on a TAP."""
_COMBINATIONS = [(outer, inner) for outer in (4, 6) for inner in (4, 6)]


def receiving(site: Site) -> bytes:
    """The program."""
    a = Assembler()
    begin(a, site, "leave")
    a.load_word(1, SKB, SKB_PACKET_TYPE)
    a.jump_unless_equal(1, 0, "leave")
    a.load_word(1, SKB, SKB_PROTOCOL)
    a.jump_if_equal(1, PROTOCOLS[6], "outer IPv6")
    a.jump_unless_equal(1, PROTOCOLS[4], "leave")
    for outer in (4, 6):
        a.label(f"outer IPv{outer}")
        _check_outer(a, site, outer)
        a.load_byte(1, SCRATCH, INNER)
        a.compute_value(Op.SHIFT_RIGHT, 1, 4)
        a.jump_if_equal(1, 6, f"{outer} with 6")
        for inner in (4, 6):
            a.label(f"{outer} with {inner}")
            _check_inner(a, outer, inner)
            _check_sum(a, outer, inner)
            a.store_value(FRAME_POINTER, KIND, 10 * outer + inner, Size.DOUBLE)
            a.jump("accept")
    _accept(a, site)
    for inner in (4, 6):
        a.label(f"inner IPv{inner}")
        _deliver(a, site, inner)
        draw_counter(a, site, "drop")
        inner_mark(a, inner)
        prepare(a, inner)
        fan_out(a, site, inner)
    a.label("duplicate")
    count(a, site, layout.DUPLICATES, "drop")
    a.jump("drop")
    stop_here(a, site, layout.LEFT_WHEN_RECEIVED)
    return a.assemble()


def _check_outer(a: Assembler, site: Site, version: int) -> None:
    """Go on with data for us from the endpoint of the parent; ``BRANCH`` is our place."""
    size = layout.OUTER[version]
    ip, udp = CAME_OVERLAY - size, CAME_OVERLAY - layout.UDP
    read(a, _ETHERNET, ip, size + layout.OVERLAY + INNER_READ[4], "leave")
    if version == 4:
        not_whole_ipv4(a, ip, "leave")
    a.load_byte(1, SCRATCH, ip + (9 if version == 4 else 6))
    a.jump_unless_equal(1, UDP_RAW >> 8, "leave")
    a.load(1, SCRATCH, udp + 2, Size.HALF)
    a.to_network_order(1)
    a.jump_unless_equal(1, site.port, "leave")
    a.load(1, SCRATCH, CAME_OVERLAY, Size.HALF)
    a.jump_unless_equal(1, _VERSION_AND_KEY, "leave")
    a.load_byte(1, SCRATCH, CAME_OVERLAY + _TYPE_AT)
    a.jump_unless_equal(1, Data.TYPE, "leave")
    a.load_word(1, SKB, SKB_GSO_SIZE)
    a.jump_unless_equal(1, 0, "to python")
    _check_length(a, version, ip, udp)
    if version == 4:
        a.load_byte(1, SCRATCH, ip + 1)
        a.jump_if_value(If.ANY_OF, 1, 1, "to python")  # ECT(1) or CE
        mapped_key(a, KEY, ip + 16)
    else:
        a.load_byte(1, SCRATCH, ip + 1)
        a.jump_if_value(If.ANY_OF, 1, 1 << 4, "to python")
        a.copy(FRAME_POINTER, KEY, SCRATCH, ip + 24, 16, 1)
    look_up(a, site.maps.locals, "leave")
    a.copy(FRAME_POINTER, KEY, SCRATCH, CAME_OVERLAY + layout.SENDER_AT, 8, 1)
    a.copy(FRAME_POINTER, KEY + 8, SCRATCH, CAME_OVERLAY + layout.TREE_AT, 16, 1)
    look_up(a, site.maps.places, "to python")
    a.move(BRANCH, 0)
    _check_parent(a, version, ip, udp)


def _check_length(a: Assembler, version: int, ip: int, udp: int) -> None:
    """Keep the packet's length; leave what is not exactly one datagram."""
    a.load(1, SCRATCH, ip + (2 if version == 4 else 4), Size.HALF)
    a.to_network_order(1)
    if version == 6:
        a.add_value(1, layout.IPV6)
    a.load_word(2, SKB, SKB_LENGTH)
    a.add_value(2, -_ETHERNET)
    a.jump_if(If.DIFFERENT, 1, 2, "to python")
    a.load(2, SCRATCH, udp + 4, Size.HALF)
    a.to_network_order(2)
    a.add_value(2, layout.OUTER[version] - layout.UDP)
    a.jump_if(If.DIFFERENT, 1, 2, "to python")
    a.add_value(1, -layout.OUTER[version] - layout.OVERLAY)
    a.store(FRAME_POINTER, LENGTH, 1, Size.DOUBLE)


def _check_parent(a: Assembler, version: int, ip: int, udp: int) -> None:
    """An endpoint that is new has to prove itself to the daemon."""
    if version == 4:
        a.load(1, BRANCH, layout.PARENT_ADDRESS, Size.DOUBLE)
        a.jump_unless_equal(1, 0, "to python")
        a.load_word(1, BRANCH, layout.PARENT_ADDRESS + 8)
        a.jump_unless_equal(1, MAPPED_WORD, "to python")
        words = [(12, 12)]
    else:
        words = [(offset, 8 + offset) for offset in (0, 4, 8, 12)]
    for known, came in words:
        a.load_word(1, BRANCH, layout.PARENT_ADDRESS + known)
        a.load_word(2, SCRATCH, ip + came)
        a.jump_if(If.DIFFERENT, 1, 2, "to python")
    a.load(1, BRANCH, layout.PARENT_PORT, Size.HALF)
    a.load(2, SCRATCH, udp, Size.HALF)
    a.jump_if(If.DIFFERENT, 1, 2, "to python")


def _check_inner(a: Assembler, outer: int, inner: int) -> None:
    """Plain UDP to a group that goes beyond a link, and onward in one piece."""
    if inner == 6:
        start = _ETHERNET + layout.OUTER[outer] + layout.OVERLAY
        read(a, start, INNER, INNER_READ[6], "to python")
    check_inner(a, inner, "to python")
    if inner == 4:
        a.load_word(1, SCRATCH, INNER + 16)
        a.move(2, 1)
        a.compute_value(Op.AND, 1, 0xF0)
        a.jump_unless_equal(1, 0xE0, "to python")
        a.compute_value(Op.AND, 2, _THREE_OCTETS)
        a.jump_if_equal(2, _LINK_SCOPE_V4, "to python")
    else:
        a.load_byte(1, SCRATCH, INNER + 24)
        a.jump_unless_equal(1, 0xFF, "to python")
        a.load_byte(1, SCRATCH, INNER + 25)
        a.compute_value(Op.AND, 1, 0x0F)
        a.jump_if_value(If.GREATER, 1, _LINK_SCOPE_V6, f"{outer} {inner} far")
        a.jump("to python")
        a.label(f"{outer} {inner} far")
    a.load(1, FRAME_POINTER, LENGTH, Size.DOUBLE)
    a.load_word(2, BRANCH, layout.LIMIT)
    a.jump_if(If.GREATER, 1, 2, "to python")


def _check_sum(a: Assembler, outer: int, inner: int) -> None:
    """The datagram's checksum, by the headers alone: its receiver checks the packet's own.

    One that never left this machine has that of its pseudo header only.
    """
    size = layout.OUTER[outer]
    ip, udp = CAME_OVERLAY - size, CAME_OVERLAY - layout.UDP
    inner_sum(a, inner, INDEX, 1)
    overlay_sum(a, CAME_OVERLAY, INDEX, 1)
    addresses, octets = (12, 8) if outer == 4 else (8, 32)
    a.move_value(3, UDP_RAW)
    add_halves(a, 3, ip + addresses, octets, 1)
    add_halves(a, 3, udp + 4, 2, 1)
    add_halves(a, INDEX, udp, layout.UDP, 1)
    a.compute(Op.ADD, INDEX, 3)
    fold(a, INDEX, 1)
    a.jump_if_equal(INDEX, 0xFFFF, f"{outer} {inner} right")
    fold(a, 3, 1)
    a.load(1, SCRATCH, udp + 6, Size.HALF)
    a.jump_if(If.DIFFERENT, 1, 3, "to python")
    a.label(f"{outer} {inner} right")


def _accept(a: Assembler, site: Site) -> None:
    """Once only: then the packet loses what is around it."""
    a.label("accept")
    a.load(1, SCRATCH, CAME_OVERLAY + layout.SEQUENCE_AT, Size.DOUBLE)
    a.to_network_order(1, 64)
    a.store(FRAME_POINTER, SEQUENCE, 1, Size.DOUBLE)
    a.copy(FRAME_POINTER, KEY, SCRATCH, CAME_OVERLAY + layout.TREE_AT, 16, 1)
    look_up(a, site.maps.windows, "to python")
    accept(a, "duplicate", "to python")
    a.load(1, FRAME_POINTER, KIND, Size.DOUBLE)
    for outer, inner in _COMBINATIONS:
        a.jump_if_equal(1, 10 * outer + inner, f"{outer} around {inner}")
    a.jump("drop")
    for outer, inner in _COMBINATIONS:
        a.label(f"{outer} around {inner}")
        if outer != inner:
            change_family(a, inner, "drop")
        grow(a, -layout.OUTER[inner] - layout.OVERLAY, "drop")
        a.jump(f"inner IPv{inner}")


def _deliver(a: Assembler, site: Site, inner: int) -> None:
    """Let the packet come in here, if it is for us; go on if it is for others, too."""
    onward = f"{inner} onward"
    a.load_word(1, BRANCH, layout.DELIVER)
    a.jump_if_equal(1, 0, onward)
    count(a, site, layout.DELIVERED, f"{inner} counted")
    a.label(f"{inner} counted")
    if site.tap:
        _write_ethernet(a, inner)
    a.load_word(1, BRANCH, layout.ALL)
    a.jump_unless_equal(1, 0, f"{inner} both")
    a.move_value(1, site.interface)
    a.move_value(2, _REDIRECT_INGRESS)
    a.call(Helper.REDIRECT)
    a.exit()
    a.label(f"{inner} both")
    a.move(1, SKB)
    a.move_value(2, site.interface)
    a.move_value(3, _REDIRECT_INGRESS)
    a.call(Helper.CLONE_REDIRECT)
    if site.tap:  # what goes to a group of the link is not sent to a neighbour
        a.store_value(FRAME_POINTER, KEY, 0, Size.DOUBLE)
        write(a, 0, FRAME_POINTER, KEY, 6, "drop")
    a.label(onward)


def _write_ethernet(a: Assembler, inner: int) -> None:
    """Of a packet to a group (RFC 1112 section 6.4, RFC 2464 section 7)."""
    to = CAME_OUTER
    a.load_word(1, SCRATCH, INNER + (16 if inner == 4 else 36))
    if inner == 4:
        a.compute_value(Op.AND, 1, ~0x80FF)
        a.compute_value(Op.OR, 1, 0x5E)
        a.store_value(SCRATCH, to, 0x0001, Size.HALF)
    else:
        a.store_value(SCRATCH, to, 0x3333, Size.HALF)
    a.store(SCRATCH, to + 2, 1, Size.WORD)
    for step, (half,) in enumerate(struct.iter_unpack("<h", ROUTER_MAC)):
        a.store_value(SCRATCH, to + 6 + 2 * step, half, Size.HALF)
    a.store_value(SCRATCH, to + 12, PROTOCOLS[inner], Size.HALF)
    write(a, 0, SCRATCH, to, _ETHERNET, "drop")
