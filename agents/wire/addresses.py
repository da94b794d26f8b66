"""Addresses from octets. Those of routers come in message after message, so they are kept."""

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
