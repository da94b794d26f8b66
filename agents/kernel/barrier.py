"""What a host gets from some others is dropped before any of its programs sees it.

Others are known by their addresses, or, where these change, by the interface identifiers in them.
Who sends notices nothing, as on a network that has lost the way.
"""

from __future__ import annotations

from collections.abc import Set

from pyroute2.netlink import NETLINK_NETFILTER

from agents.kernel import nftables
from agents.kernel.netlink_socket import NetlinkSocket

IDENTIFIER = 8
"""Octets of an interface identifier, the latter half of an address."""
_ADDRESS, _SOURCE = 16, 8
"""Octets of an address, and before the source's in an IPv6 header."""
_TABLE, _CHAIN, _ADDRESSES, _IDENTIFIERS = "emu-barrier", "input", "addresses", "identifiers"


class Barrier:
    """In the network namespace that the caller is in, until that ends; OSError where it cannot."""

    def __init__(self) -> None:
        self._netlink = NetlinkSocket(NETLINK_NETFILTER, {})
        self._table = table = nftables.Table(_TABLE)
        self._blocked: frozenset[bytes] = frozenset()
        address = nftables.network_header(_SOURCE, _ADDRESS)
        identifier = nftables.network_header(_SOURCE + _ADDRESS - IDENTIFIER, IDENTIFIER)
        requests = [
            table.new(),
            table.set(_ADDRESSES, _ADDRESS, 1),
            table.set(_IDENTIFIERS, IDENTIFIER, 2),
            table.chain(_CHAIN, nftables.INPUT, 0),
            table.rule(_CHAIN, address, nftables.is_in(_ADDRESSES), nftables.drop()),
            table.rule(_CHAIN, identifier, nftables.is_in(_IDENTIFIERS), nftables.drop()),
        ]
        try:
            nftables.commit(self._netlink, requests)
        except BaseException:
            self.close()
            raise

    def block(self, sources: Set[bytes]) -> None:
        """From now on these are not heard, and all others are: addresses, and identifiers."""
        gone, new = self._blocked - sources, sources - self._blocked
        self._blocked = frozenset(sources)
        requests = [self._table.remove(_set_of(source), source) for source in gone]
        requests += [self._table.add(_set_of(source), source) for source in new]
        if requests:
            nftables.commit(self._netlink, requests)

    def close(self) -> None:
        """Close the socket; what it has set up stays."""
        self._netlink.close()


def _set_of(source: bytes) -> str:
    return _ADDRESSES if len(source) == _ADDRESS else _IDENTIFIERS
