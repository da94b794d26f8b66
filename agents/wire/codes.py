"""The floating-point codes of query intervals and response times.

RFC 3376 sections 4.1.1 and 4.1.7, RFC 3810 sections 5.1.3 and 5.1.9.
"""

from __future__ import annotations

DELAY_MANTISSA = 12
"""The bits of the mantissa of a 16-bit code: MLD's Maximum Response Code."""
OCTET_MANTISSA = 4
"""And of an 8-bit code: the Querier's Query Interval, and IGMP's Max Resp Code."""


def to_code(value: int, mantissa: int) -> int:
    """The code of the largest value not above ``value``; ValueError: no code reaches so far.

    Below ``2 ** (mantissa + 3)`` a value is its own code; above, three bits of exponent and the
    mantissa without its leading one make a floating-point number.
    """
    linear = 1 << (mantissa + 3)
    if value < linear:
        return value
    shift = value.bit_length() - (mantissa + 1)
    if shift - 3 > 7:
        raise ValueError(f"{value} is more than a query can carry")
    return linear | (shift - 3) << mantissa | (value >> shift) & ((1 << mantissa) - 1)


def from_code(code: int, mantissa: int) -> int:
    """The value of a code."""
    if code < 1 << (mantissa + 3):
        return code
    exponent = code >> mantissa & 7
    return (code & ((1 << mantissa) - 1) | 1 << mantissa) << (exponent + 3)


def carried(value: int, mantissa: int) -> int:
    """The largest value not above ``value`` that has a code."""
    return from_code(to_code(value, mantissa), mantissa)
