"""Classic BPF programs that let the kernel pick the packets a socket wants to see.

They run on packets that begin with the IP header, as AF_PACKET SOCK_DGRAM sockets deliver them.
"""

from __future__ import annotations

import contextlib
import ctypes
import socket
import struct
from ipaddress import IPv6Address

_SO_ATTACH_FILTER = 26

# Opcodes of linux/bpf_common.h: class | size | mode, and class | operation | source.
_LOAD_WORD = 0x20  # A = packet[k:k + 4]
_LOAD_BYTE = 0x30  # A = packet[k]
_LOAD_BYTE_AT_X = 0x50  # A = packet[X + k]
_LOAD_X = 0x01  # X = k
_COPY_TO_X = 0x07  # X = A
_ADD = 0x04  # A += k
_SHIFT_LEFT = 0x64  # A <<= k
_AND = 0x54  # A &= k
_JUMP_EQUAL = 0x15  # A == k ? skip jt : skip jf
_JUMP_GREATER = 0x25  # A > k ? …
_JUMP_GREATER_EQUAL = 0x35  # A >= k ? …
_JUMP = 0x05  # skip k
_RETURN = 0x06  # keep k bytes; 0 drops

_HOP_BY_HOP, _ICMPV6, _MOBILITY = 0, 58, 135

CONTROL = (
    (_LOAD_BYTE, 0, 0, 6),  # 0: the next header of the IPv6 header
    (_JUMP_EQUAL, 14, 0, _MOBILITY),  # 1: a Mobility Header: keep
    (_JUMP_EQUAL, 8, 0, _ICMPV6),  # 2: ICMPv6 without extension: to 11
    (_JUMP_EQUAL, 0, 13, _HOP_BY_HOP),  # 3: anything else than hop-by-hop options: drop
    (_LOAD_BYTE, 0, 0, 40),  # 4: what follows the options
    (_JUMP_EQUAL, 0, 11, _ICMPV6),  # 5: not ICMPv6: drop
    (_LOAD_BYTE, 0, 0, 41),  # 6: their length: 8 * n + 8 bytes
    (_SHIFT_LEFT, 0, 0, 3),  # 7
    (_ADD, 0, 0, 48),  # 8: the IPv6 header is 40 bytes
    (_COPY_TO_X, 0, 0, 0),  # 9
    (_JUMP, 0, 0, 1),  # 10: to 12
    (_LOAD_X, 0, 0, 40),  # 11
    (_LOAD_BYTE_AT_X, 0, 0, 0),  # 12: the ICMPv6 type
    (_JUMP_EQUAL, 2, 0, 143),  # 13: MLDv2 Report: keep
    (_JUMP_GREATER_EQUAL, 0, 2, 130),  # 14: 130 to 132 are MLD,
    (_JUMP_GREATER, 1, 0, 136),  # 15: 133 to 136 are RS, RA, NS, NA: keep
    (_RETURN, 0, 0, 0xFFFF),  # 16
    (_RETURN, 0, 0, 0),  # 17
)
"""MLD, router and neighbour discovery, and Mobility Header packets."""

GROUPS = (
    (_LOAD_BYTE, 0, 0, 0),  # 0: the IP version
    (_AND, 0, 0, 0xF0),  # 1
    (_JUMP_EQUAL, 4, 0, 0x60),  # 2: IPv6: to 7
    (_JUMP_EQUAL, 0, 6, 0x40),  # 3: neither: drop
    (_LOAD_BYTE, 0, 0, 16),  # 4: IPv4: the destination begins with
    (_AND, 0, 0, 0xF0),  # 5
    (_JUMP_EQUAL, 2, 3, 0xE0),  # 6: 224.0.0.0/4: keep, else drop
    (_LOAD_BYTE, 0, 0, 24),  # 7: IPv6: the destination begins with
    (_JUMP_EQUAL, 0, 1, 0xFF),  # 8: ff00::/8: keep
    (_RETURN, 0, 0, 0x40000),  # 9
    (_RETURN, 0, 0, 0),  # 10
)
"""Packets of IPv4 and IPv6 to groups."""

NOTHING = ((_RETURN, 0, 0, 0),)
"""For sockets that only send."""

Program = tuple[tuple[int, int, int, int], ...]
"""Instructions (opcode, jump if true, jump if false, k) of linux/filter.h."""


_SOURCE = 8
"""Where the addresses of an IPv6 packet begin."""


def channel(source: IPv6Address, group: IPv6Address) -> Program:
    """The packets from a source to a group."""
    words = struct.unpack("!8I", source.packed + group.packed)
    program = []
    for number, word in enumerate(words):
        left = 2 * (len(words) - number) - 1  # instructions to the one that drops
        program += [
            (_LOAD_WORD, 0, 0, _SOURCE + 4 * number),
            (_JUMP_EQUAL, 0, left, word),
        ]
    return (*program, (_RETURN, 0, 0, 0xFFFF), (_RETURN, 0, 0, 0))


def attach(target: socket.socket, program: Program) -> None:
    """Have the kernel deliver to the socket only what the program keeps, from its first packet on.

    What came between the socket's birth and its filter is thrown away.
    """
    code = b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    address = struct.pack("@HP", len(program), ctypes.addressof(buffer))
    target.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, address)
    with contextlib.suppress(BlockingIOError):
        while True:
            target.recv(1, socket.MSG_DONTWAIT)
