"""What eBPF programs in traffic control share: a packet's IPv6 header, read to their stack."""

from __future__ import annotations

import socket
import struct
from ipaddress import IPv6Address

from agents.kernel.bpf import FRAME_POINTER, Assembler, Helper

DROP, NEXT_FILTER = 2, -1
"""A program's verdicts."""

SKB, VALUE = 6, 7
"""Registers: the packet, and whatever is at hand."""

IPV6_HEADER = 40
HEADER = -IPV6_HEADER
"""Where on the stack the header is; so are its fields, from the frame pointer on."""
LENGTH, NEXT_HEADER, SOURCE, DESTINATION = HEADER + 4, HEADER + 6, HEADER + 8, HEADER + 24

_SKB_PROTOCOL = 16  # in struct __sk_buff
_PROTOCOL = socket.htons(0x86DD)
_FROM_LINK_HEADER, _FROM_NETWORK_HEADER = 0, 1
_LINK_ENDS, _LINK_ENDS_AT, _LINK_ENDS_SIZE = HEADER - 8, 4, 8
"""On the stack, of Ethernet's header: the last two octets of the destination, and the source."""


def take_ipv6(a: Assembler, otherwise: str) -> None:
    """Keep the program's packet in ``SKB``; jump if it is not IPv6."""
    a.move(SKB, 1)
    a.load_word(VALUE, SKB, _SKB_PROTOCOL)
    a.jump_unless_equal(VALUE, _PROTOCOL, otherwise)


def load_header(a: Assembler, otherwise: str) -> None:
    """Copy the IPv6 header of the packet in ``SKB`` to the stack; jump if it has none."""
    _load(a, _FROM_NETWORK_HEADER, 0, HEADER, IPV6_HEADER, otherwise)


def match_address(
    a: Assembler, field: int, address: IPv6Address, otherwise: str, octets: int = 16
) -> None:
    """Jump if this field of the header is another address, in so many octets (by fours)."""
    for step, (word,) in enumerate(struct.iter_unpack("=i", address.packed[:octets])):
        a.load_word(VALUE, FRAME_POINTER, field + 4 * step)
        a.jump_unless_equal(VALUE, word, otherwise)


def match_sender(a: Assembler, sender: bytes, group: IPv6Address, otherwise: str) -> None:
    """Jump if a packet to a group is from another link-layer address, or not to the group's."""
    _load(a, _FROM_LINK_HEADER, _LINK_ENDS_AT, _LINK_ENDS, _LINK_ENDS_SIZE, otherwise)
    for step, (word,) in enumerate(struct.iter_unpack("=i", group.packed[-2:] + sender)):
        a.load_word(VALUE, FRAME_POINTER, _LINK_ENDS + 4 * step)
        a.jump_unless_equal(VALUE, word, otherwise)


def _load(a: Assembler, header: int, offset: int, to: int, size: int, otherwise: str) -> None:
    """Copy octets of the packet in ``SKB`` to the stack; jump if it has none."""
    a.move(1, SKB)
    a.move_value(2, offset)
    a.move(3, FRAME_POINTER)
    a.add_value(3, to)
    a.move_value(4, size)
    a.move_value(5, header)
    a.call(Helper.SKB_LOAD_BYTES_RELATIVE)
    a.jump_unless_equal(0, 0, otherwise)
