"""The header of every packet that our own senders make.

=====  ==  ==========================================
bytes      field (network byte order)
=====  ==  ==========================================
0-3        magic "EMU1"
4-7        flow identifier
8-15       sequence number, from 0
16-23      time of sending, CLOCK_MONOTONIC ns
=====  ==  ==========================================
"""

from __future__ import annotations

import struct
from typing import NamedTuple

_HEADER = struct.Struct("!4sIQQ")
MAGIC = b"EMU1"
LENGTH = _HEADER.size


class Header(NamedTuple):
    """A decoded payload header."""

    flow_id: int
    sequence: int
    sent_ns: int


def encode(flow_id: int, sequence: int, sent_ns: int) -> bytes:
    """The 24 header bytes."""
    return _HEADER.pack(MAGIC, flow_id, sequence, sent_ns)


def decode(data: bytes) -> Header | None:
    """The header at the start of a payload, or None when it is not one of ours."""
    if len(data) < LENGTH or data[:4] != MAGIC:
        return None
    _, flow_id, sequence, sent_ns = _HEADER.unpack_from(data)
    return Header(flow_id, sequence, sent_ns)
