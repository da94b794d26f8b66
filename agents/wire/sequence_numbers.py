"""Sequence numbers of binding messages: 16 bits, compared modulo 2**16 (RFC 6275 section 9.5.1)."""

from __future__ import annotations

SEQUENCE_NUMBERS = 1 << 16


def next_sequence(sequence: int) -> int:
    """The sequence number after this one."""
    return (sequence + 1) % SEQUENCE_NUMBERS


def is_newer(sequence: int, than: int) -> bool:
    """Whether a sequence number lies ahead of another."""
    return 0 < (sequence - than) % SEQUENCE_NUMBERS < SEQUENCE_NUMBERS // 2


def is_between(sequence: int, first: int, last: int) -> bool:
    """Whether it is one of the sequence numbers from ``first`` to ``last``, both included."""
    return (sequence - first) % SEQUENCE_NUMBERS <= (last - first) % SEQUENCE_NUMBERS
