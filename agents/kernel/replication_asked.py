"""Programs that the daemon runs by itself: so that it and the kernel, on whatever processor, draw
from the same numbers and look into the same windows, and no number is ever used twice.

A request is octets in an Ethernet frame that is never sent.
"""

from __future__ import annotations

import struct

from agents.kernel import replication_layout as layout
from agents.kernel.bpf import FRAME_POINTER, Assembler, Helper, Size
from agents.kernel.replication_parts import (
    KEY,
    SEQUENCE,
    SKB,
    Maps,
    accept,
    look_up,
)

_AT = 16
DUPLICATE, TAKEN, UNKNOWN, BUSY = range(4)
"""What ``taking`` returns."""
_DRAW, _TAKE = struct.Struct(f"={_AT}xI4xQ"), struct.Struct(f"={_AT}x{layout.WINDOW_KEY}sQ")


def draw_request(slot: int, count: int) -> bytes:
    """Draw so many numbers; the answer is ``drawn``."""
    return _DRAW.pack(slot, count)


def drawn(frame: bytes) -> int:
    """The number before those that were drawn."""
    (_, before) = _DRAW.unpack(frame)
    return int(before)


def take_request(key: bytes, sequence: int) -> bytes:
    """Note that this sequence number came, in the window of that key."""
    return _TAKE.pack(key, sequence)


def drawing(maps: Maps) -> bytes:
    """Program that draws numbers."""
    a = Assembler()
    a.move(SKB, 1)
    _read(a, _AT, KEY, 4)
    _read(a, _AT + 8, SEQUENCE, 8)
    look_up(a, maps.numbers, "failed")
    a.load(1, FRAME_POINTER, SEQUENCE, Size.DOUBLE)
    a.fetch_add(0, layout.DRAWN, 1)
    a.store(FRAME_POINTER, SEQUENCE, 1, Size.DOUBLE)
    a.move(1, SKB)
    a.move_value(2, _AT + 8)
    a.move(3, FRAME_POINTER)
    a.add_value(3, SEQUENCE)
    a.move_value(4, 8)
    a.move_value(5, 0)
    a.call(Helper.SKB_STORE_BYTES)
    a.jump_unless_equal(0, 0, "failed")
    a.exit(TAKEN)
    a.label("failed")
    a.exit(UNKNOWN)
    return a.assemble()


def taking(maps: Maps) -> bytes:
    """Program that takes a sequence number, or tells that it came before."""
    a = Assembler()
    a.move(SKB, 1)
    _read(a, _AT, KEY, layout.WINDOW_KEY)
    _read(a, _AT + layout.WINDOW_KEY, SEQUENCE, 8)
    look_up(a, maps.windows, "failed")
    accept(a, "duplicate", "busy")
    a.exit(TAKEN)
    for label, result in (("duplicate", DUPLICATE), ("busy", BUSY), ("failed", UNKNOWN)):
        a.label(label)
        a.exit(result)
    return a.assemble()


def _read(a: Assembler, offset: int, to: int, octets: int) -> None:
    """Copy octets of the frame to the stack."""
    a.move(1, SKB)
    a.move_value(2, offset)
    a.move(3, FRAME_POINTER)
    a.add_value(3, to)
    a.move_value(4, octets)
    a.call(Helper.SKB_LOAD_BYTES)
    a.jump_unless_equal(0, 0, "failed")
