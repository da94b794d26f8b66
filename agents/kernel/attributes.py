"""The bytes of rtnetlink requests: attributes (struct nlattr), and one head a kind of message.

pyroute2 takes up to half a millisecond of Python to encode what the kernel then does in 20 µs, and
a handover waits for several of these; so only the kernel's answers are left to it.
"""

from __future__ import annotations

import struct
from ipaddress import IPv6Address

_HEADER = struct.Struct("=HH")
_NUMBER = struct.Struct("=I")

ROUTE_HEAD = struct.Struct("=8BI")
"""struct rtmsg, and struct fib_rule_hdr."""
ADDRESS_HEAD = struct.Struct("=4BI")
"""struct ifaddrmsg."""
LINK_HEAD = struct.Struct("=BxHiII")
"""struct ifinfomsg."""
NEIGHBOUR_HEAD = struct.Struct("=B3xiHBB")
"""struct ndmsg."""
TRAFFIC_CONTROL_HEAD = struct.Struct("=B3xi3I")
"""struct tcmsg."""


def attribute(kind: int, value: bytes) -> bytes:
    """An attribute, padded to where the next one may begin."""
    length = _HEADER.size + len(value)
    return _HEADER.pack(length, kind) + value + bytes(-length % 4)


def number(kind: int, value: int) -> bytes:
    """An attribute of 32 bits."""
    return attribute(kind, _NUMBER.pack(value))


def octet(kind: int, value: int) -> bytes:
    """An attribute of 8 bits."""
    return attribute(kind, bytes([value]))


def text(kind: int, value: str) -> bytes:
    """A string, with the NUL that the kernel looks for."""
    return attribute(kind, value.encode() + b"\0")


def address(kind: int, value: IPv6Address) -> bytes:
    """An IPv6 address."""
    return attribute(kind, value.packed)


def nested(kind: int, *attributes: bytes) -> bytes:
    """An attribute made of others."""
    return attribute(kind, b"".join(attributes))
