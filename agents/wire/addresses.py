"""Addresses from octets. Those of routers come in message after message, so they are kept."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address


@lru_cache(maxsize=1 << 13)
def shared_address(packed: bytes) -> IPv6Address:
    """The address; mostly the same object as last time, which makes it quick to find and compare.

    ValueError unless there are 16 octets.
    """
    return IPv6Address(packed)
