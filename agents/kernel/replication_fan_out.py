"""A packet goes to all children of its branch: encapsulated once, with an outer header for each.

A copy enters the egress of the virtual interface, where the program knows it for a copy and sends
it to its next hop. Neighbours are found, and looked after, by the kernel.
"""

from __future__ import annotations

from agents.kernel import replication_layout as layout
from agents.kernel.bpf import FRAME_POINTER, Assembler, Helper, If, Op, Size
from agents.kernel.replication_parts import (
    BRANCH,
    COPYING,
    COUNTER,
    END,
    INDEX,
    LAST,
    LENGTH,
    MARK,
    OVERLAY,
    REDIRECT,
    SCRATCH,
    SEQUENCE,
    SKB,
    SUM,
    Site,
    change_family,
    fold,
    grow,
    inner_sum,
    overlay_sum,
    write,
)

_ETHERNET_HEADER = 14
_OTHER = {4: 6, 6: 4}


def prepare(a: Assembler, version: int) -> None:
    """Put the overlay's header together, with its numbers, and sum up what all copies have."""
    a.copy(SCRATCH, OVERLAY, BRANCH, layout.HEAD, layout.OVERLAY + 3, 1)
    for number, offset in ((COUNTER, layout.COUNTER_AT), (SEQUENCE, layout.SEQUENCE_AT)):
        a.load(1, FRAME_POINTER, number, Size.DOUBLE)
        a.to_network_order(1, 64)
        a.store(SCRATCH, OVERLAY + offset, 1, Size.DOUBLE)
    inner_sum(a, version, INDEX, 1)
    overlay_sum(a, OVERLAY, INDEX, 1)
    a.store(FRAME_POINTER, SUM, INDEX, Size.DOUBLE)


def fan_out(a: Assembler, site: Site, version: int) -> None:
    """Send the packet, which is of this IP, to all children; the program ends here."""
    name = f"v{version}"
    a.load_word(1, BRANCH, layout.ALL)
    a.jump_if_equal(1, 0, "drop")
    a.add_value(1, -1)
    a.store(FRAME_POINTER, LAST, 1, Size.DOUBLE)
    grow(a, layout.OUTER[version] + layout.OVERLAY, "drop")
    _group(a, site, version, name)
    # All of this family are done, and there are others.
    change_family(a, _OTHER[version], "drop")
    _group(a, site, _OTHER[version], f"{name} other")
    a.jump("drop")


def _group(a: Assembler, site: Site, version: int, name: str) -> None:
    """The children of one IP. The program ends with the last of all; else it goes on behind."""
    if version == 4:
        a.move_value(INDEX, 0)
        a.load_word(1, BRANCH, layout.FOURS)
    else:
        a.load_word(INDEX, BRANCH, layout.FOURS)
        a.load_word(1, BRANCH, layout.ALL)
    a.store(FRAME_POINTER, END, 1, Size.DOUBLE)
    a.label(f"{name} next")
    a.load(1, FRAME_POINTER, END, Size.DOUBLE)
    a.jump_if(If.AT_LEAST, INDEX, 1, f"{name} done")
    a.jump_if_value(If.AT_LEAST, INDEX, site.degree, "drop")
    a.move(1, INDEX)
    a.compute_value(Op.MULTIPLY, 1, layout.CHILD)
    a.compute(Op.ADD, 1, BRANCH)
    _outer_header(a, version, name)
    size = layout.OUTER[version] + layout.OVERLAY
    write(a, site.link_header, SCRATCH, OVERLAY - layout.OUTER[version], size, "drop")
    a.load(1, FRAME_POINTER, LAST, Size.DOUBLE)
    a.jump_if_nothing(1, f"{name} last")
    a.add_value(1, -1)
    a.store(FRAME_POINTER, LAST, 1, Size.DOUBLE)
    a.store_value(SCRATCH, COPYING, 1, Size.DOUBLE)
    a.move(1, SKB)
    a.move_value(2, site.interface)
    a.move_value(3, 0)
    a.call(Helper.CLONE_REDIRECT)
    a.store_value(SCRATCH, COPYING, 0, Size.DOUBLE)
    a.add_value(INDEX, 1)
    a.jump(f"{name} next")
    a.label(f"{name} last")
    send(a, site.link_header)
    a.label(f"{name} done")


def _outer_header(a: Assembler, version: int, name: str) -> None:
    """The outer header of the child at r1 (less ``CHILDREN``), and where it goes."""
    child, size = layout.CHILDREN, layout.OUTER[version]
    ip, udp = OVERLAY - size, OVERLAY - layout.UDP
    a.copy(SCRATCH, REDIRECT, 1, child, 24, 2)
    a.copy(SCRATCH, ip, 1, child + layout.TEMPLATE + layout.LONGEST - size, size, 2)
    a.load(3, FRAME_POINTER, LENGTH, Size.DOUBLE)
    a.load(4, FRAME_POINTER, MARK, Size.DOUBLE)
    if version == 4:
        _ipv4(a, ip, child, size)
    else:
        a.move(2, 4)
        a.compute_value(Op.SHIFT_RIGHT, 2, 4)
        a.compute_value(Op.OR, 2, 6 << 4)
        a.store(SCRATCH, ip, 2, Size.BYTE)
        a.compute_value(Op.SHIFT_LEFT, 4, 4)
        a.store(SCRATCH, ip + 1, 4, Size.BYTE)
    a.add_value(3, layout.UDP + layout.OVERLAY)
    a.to_network_order(3)
    if version == 6:
        a.store_half(SCRATCH, ip + 4, 3)
    a.store_half(SCRATCH, udp + 4, 3)
    a.load_word(2, 1, child + layout.UDP_SUM)
    a.compute(Op.ADD, 2, 3)  # it is in the header, and in the pseudo header
    a.compute(Op.ADD, 2, 3)
    a.load(3, FRAME_POINTER, SUM, Size.DOUBLE)
    a.compute(Op.ADD, 2, 3)
    fold(a, 2, 3)
    a.compute_value(Op.EXCLUSIVE_OR, 2, 0xFFFF)
    a.jump_unless_equal(2, 0, f"{name} sum")
    a.move_value(2, 0xFFFF)
    a.label(f"{name} sum")
    a.store_half(SCRATCH, udp + 6, 2)


def _ipv4(a: Assembler, ip: int, child: int, size: int) -> None:
    """Length (the packet's is in r3), DSCP and ECN (r4), a number for fragments, checksum."""
    a.store(SCRATCH, ip + 1, 4, Size.BYTE)
    a.compute_value(Op.SHIFT_LEFT, 4, 8)
    a.load_word(2, 1, child + layout.IP_SUM)
    a.compute(Op.ADD, 2, 4)
    a.move(5, 3)
    a.add_value(5, size + layout.OVERLAY)
    a.to_network_order(5)
    a.store_half(SCRATCH, ip + 2, 5)
    a.compute(Op.ADD, 2, 5)
    a.load(5, FRAME_POINTER, COUNTER, Size.HALF)
    a.store_half(SCRATCH, ip + 4, 5)
    a.compute(Op.ADD, 2, 5)
    fold(a, 2, 5)
    a.compute_value(Op.EXCLUSIVE_OR, 2, 0xFFFF)
    a.store_half(SCRATCH, ip + 10, 2)


def send(a: Assembler, link_header: int) -> None:
    """Send the datagram to its next hop; the program ends here."""
    if link_header == 0:  # without room for a link-layer header it would be dropped
        a.move(1, SKB)
        a.move_value(2, _ETHERNET_HEADER)
        a.move_value(3, 0)
        a.call(Helper.SKB_CHANGE_HEAD)
        a.jump_unless_equal(0, 0, "drop")
    a.load_word(1, SCRATCH, REDIRECT)
    a.move(2, SCRATCH)
    a.add_value(2, REDIRECT + 4)
    a.move_value(3, layout.REDIRECT_NEIGH)
    a.move_value(4, 0)
    a.call(Helper.REDIRECT_NEIGH)
    a.exit()
