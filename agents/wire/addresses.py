"""Addresses: from octets, kept since those of routers come again and again; and of which kind."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address


class _SharedAddress(IPv6Address):
    """An address that has its octets and its hash at hand."""

    __slots__ = ("_hash", "packed")
    packed: bytes

    def __init__(self, address: object) -> None:
        super().__init__(address)
        self.packed = super().packed
        self._hash = super().__hash__()

    def __hash__(self) -> int:
        return self._hash


@lru_cache(maxsize=1 << 13)
def shared_address(packed: bytes) -> IPv6Address:
    """The address; mostly the same object as last time, which makes it quick to find and compare.

    ValueError unless there are 16 octets.
    """
    return _SharedAddress(packed)


def is_source_specific(group: IPv6Address) -> bool:
    """Whether a group is one of FF3x::/32, of source-specific multicast (RFC 4607 section 1)."""
    return group.packed[0] == 0xFF and group.packed[1] >> 4 == 3 and group.packed[2:4] == b"\0\0"


def is_routable_unicast(address: IPv6Address) -> bool:
    """Whether packets from, or to, one node with this address may pass routers (RFC 4291).

    Not so of multicast (section 2.7), the unspecified (2.5.2) and the loopback address (2.5.3),
    link-local ones (2.5.6), and IPv4-mapped ones, which no node has on a link (2.5.5.2).
    """
    return not (
        address.is_multicast
        or address.is_unspecified
        or address.is_loopback
        or address.is_link_local
        or address.ipv4_mapped is not None
    )
