"""At the egress of the virtual interface: what programs send to a channel goes to its children.

What is not plain UDP of a channel that is known, or too long for one datagram to each of them, is
left to the daemon.
"""

from __future__ import annotations

from agents.kernel import replication_layout as layout
from agents.kernel.bpf import FRAME_POINTER, Assembler, If, Size
from agents.kernel.replication_fan_out import fan_out, prepare, send
from agents.kernel.replication_parts import (
    BRANCH,
    COPYING,
    INNER,
    INNER_READ,
    KEY,
    LENGTH,
    PROTOCOLS,
    SCRATCH,
    SEQUENCE,
    SKB,
    SKB_GSO_SIZE,
    SKB_LENGTH,
    SKB_PROTOCOL,
    Site,
    begin,
    check_inner,
    draw,
    draw_counter,
    fold,
    inner_mark,
    look_up,
    mapped_key,
    read,
    stop_here,
    write,
)


def sending(site: Site) -> bytes:
    """At the virtual interface: packets of channels that are known go to all children."""
    a = Assembler()
    begin(a, site, "leave")
    a.load(1, SCRATCH, COPYING, Size.DOUBLE)
    a.jump_if_nothing(1, "of a program")
    a.store_value(SCRATCH, COPYING, 0, Size.DOUBLE)
    send(a, site.link_header)
    a.label("of a program")
    a.load_word(1, SKB, SKB_GSO_SIZE)
    a.jump_unless_equal(1, 0, "leave")
    a.load_word(1, SKB, SKB_LENGTH)
    a.add_value(1, -site.link_header)
    a.store(FRAME_POINTER, LENGTH, 1, Size.DOUBLE)
    a.load_word(1, SKB, SKB_PROTOCOL)
    a.jump_if_equal(1, PROTOCOLS[6], "IPv6")
    a.jump_unless_equal(1, PROTOCOLS[4], "leave")
    for version in (4, 6):
        a.label(f"IPv{version}")
        _send(a, site, version)
    stop_here(a, site, layout.LEFT_WHEN_SENT)
    return a.assemble()


def _send(a: Assembler, site: Site, version: int) -> None:
    start = site.link_header
    read(a, start, INNER, INNER_READ[version], "leave")
    ends = FRAME_POINTER, KEY
    if version == 4:
        for address, offset in ((0, 12), (16, 16)):
            mapped_key(a, KEY + address, INNER + offset)
    else:
        a.copy(*ends, SCRATCH, INNER + 8, 32, 1)
    look_up(a, site.maps.channels, "leave")
    a.move(BRANCH, 0)
    check_inner(a, version, "to python")
    hops = INNER + (8 if version == 4 else 7)
    a.load_byte(1, SCRATCH, hops)
    a.jump_if_value(If.GREATER, 1, site.threshold, f"{version} hops left")
    a.jump("to python")
    a.label(f"{version} hops left")
    a.load(1, FRAME_POINTER, LENGTH, Size.DOUBLE)
    a.load_word(2, BRANCH, layout.LIMIT)
    a.jump_if(If.GREATER, 1, 2, "to python")
    _number(a, site, version)
    inner_mark(a, version)
    _one_hop_less(a, start, version)
    prepare(a, version)
    if site.tap:  # what goes to a group of the link is not sent to a neighbour
        a.store_value(FRAME_POINTER, KEY, 0, Size.DOUBLE)
        write(a, 0, FRAME_POINTER, KEY, 6, "drop")
    fan_out(a, site, version)


def _number(a: Assembler, site: Site, version: int) -> None:
    """Count the packet; if it goes to anybody, it gets a sequence number and a counter."""
    a.load_word(1, BRANCH, layout.SLOT)
    a.store(FRAME_POINTER, KEY, 1, Size.WORD)
    look_up(a, site.maps.numbers, "drop")
    a.move_value(1, 1)
    a.fetch_add(0, layout.PACKETS, 1)
    a.load(1, FRAME_POINTER, LENGTH, Size.DOUBLE)
    a.fetch_add(0, layout.OCTETS, 1)
    a.load_word(1, BRANCH, layout.ALL)
    a.jump_if_equal(1, 0, "drop")
    draw(a, SEQUENCE)
    draw_counter(a, site, "drop")


def _one_hop_less(a: Assembler, start: int, version: int) -> None:
    """In the scratch memory and in the packet; IPv4's checksum follows (RFC 1141)."""
    hops = INNER + (8 if version == 4 else 7)
    a.load_byte(1, SCRATCH, hops)
    a.add_value(1, -1)
    a.store(SCRATCH, hops, 1, Size.BYTE)
    if version == 6:
        write(a, start + 7, SCRATCH, hops, 1, "drop")
        return
    a.load(1, SCRATCH, INNER + 10, Size.HALF)
    a.add_value(1, 1)
    fold(a, 1, 2)
    a.store_half(SCRATCH, INNER + 10, 1)
    write(a, start + 8, SCRATCH, hops, 4, "drop")
