"""Addresses: from octets, kept since those of routers come again and again; and of which kind.

Where IPv4 and IPv6 are the same to a protocol, an IPv4 address stands as the mapped IPv6 one.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

_MAPPED = bytes(10) + b"\xff\xff"
_LOCAL_CONTROL = bytes((224, 0, 0))
_LINK_LOCAL_SCOPE = 2
_SOURCE_SPECIFIC_OCTET = 232


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


def mapped(address: IPv4Address) -> IPv6Address:
    """The IPv4-mapped address (RFC 4291 section 2.5.5.2), which stands for an IPv4 one here."""
    return IPv6Address(_MAPPED + address.packed)


def unmapped(address: IPv6Address) -> IPv4Address | IPv6Address:
    """The address as its own protocol has it."""
    return address.ipv4_mapped or address


def is_group(address: IPv6Address) -> bool:
    """Whether an address, or the IPv4 one that it stands for, is a multicast address."""
    return unmapped(address).is_multicast


def is_link_scope(group: IPv6Address) -> bool:
    """Whether no router may forward to a group.

    224.0.0.0/24 (RFC 3376 section 6), ff00::/16 to ff02::/16 (RFC 4291 section 2.7).
    """
    if group.ipv4_mapped is not None:
        return group.packed[12:15] == _LOCAL_CONTROL
    return group.packed[1] & 0x0F <= _LINK_LOCAL_SCOPE


def is_source_specific(group: IPv6Address) -> bool:
    """Whether a group is one of source-specific multicast (RFC 4607 section 1).

    FF3x::/32, and 232/8 as a mapped address.
    """
    packed = group.packed
    if group.ipv4_mapped is not None:
        return packed[12] == _SOURCE_SPECIFIC_OCTET
    return packed[0] == 0xFF and packed[1] >> 4 == 3 and packed[2:4] == b"\0\0"


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
