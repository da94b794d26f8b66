"""Which mobility anchor point a mobile node registers with (RFC 5380 sections 7.1 and 9.1)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from ipaddress import IPv6Address, IPv6Network

from agents.wire.ndp import MapOption

_PREFIX_LENGTH = 64


def select(
    options: Iterable[MapOption], current: IPv6Address | None, refused: Collection[IPv6Address]
) -> MapOption | None:
    """The most distant one that can be had, of equals the preferred one; None: there is none.

    One with a valid lifetime of 0 has failed. One with a preference of 0 takes no new bindings, but
    the ``current`` one can go on.
    """
    useful = [
        option
        for option in options
        if option.valid_lifetime
        and option.address not in refused
        and (option.preference or option.address == current)
    ]
    return max(useful, key=lambda option: (option.distance, option.preference), default=None)


def regional_address(option: MapOption, on_link: IPv6Address) -> IPv6Address:
    """The address of the MAP's prefix with the node's interface identifier (section 6)."""
    prefix = IPv6Network((option.address, _PREFIX_LENGTH), strict=False)
    return IPv6Address(prefix.network_address.packed[:8] + on_link.packed[8:])
