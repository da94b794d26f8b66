"""The /64 prefixes that a MAR gives to mobile nodes, one each."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network

_PREFIX_LENGTH = 64


def prefix_of(address: IPv6Address) -> IPv6Network:
    """The /64 that an address is of."""
    return IPv6Network((address, _PREFIX_LENGTH), strict=False)


class PrefixPool:
    """Prefixes of one pool, given out in turn, so that a freed one rests as long as possible.

    They begin with number ``first``; numbers wrap.
    """

    def __init__(self, pool: IPv6Network, first: int = 1) -> None:
        if pool.prefixlen >= _PREFIX_LENGTH:
            raise ValueError(f"{pool} has no room for /{_PREFIX_LENGTH} prefixes")
        self._base = int(pool.network_address)
        self._pool = pool
        self._size = 1 << (_PREFIX_LENGTH - pool.prefixlen)
        self._latest = (first - 1) % (self._size - 1)
        self._used: dict[IPv6Network, str] = {}

    def assign(self, holder: str) -> IPv6Network | None:
        """The next free prefix, or None; never the pool's first, which may hold the MAR's own."""
        for _ in range(1, self._size):
            self._latest = self._latest % (self._size - 1) + 1
            address = self._base + (self._latest << (128 - _PREFIX_LENGTH))
            prefix = IPv6Network((IPv6Address(address), _PREFIX_LENGTH))
            if self.reserve(prefix, holder):
                return prefix
        return None

    def reserve(self, prefix: IPv6Network, holder: str) -> bool:
        """Take this prefix for a holder; False if it is another one's."""
        return self._used.setdefault(prefix, holder) == holder

    def holder(self, address: IPv6Address) -> str | None:
        """Who holds the prefix of an address."""
        return self._used.get(prefix_of(address))

    def release(self, prefix: IPv6Network) -> None:
        """Give a prefix back."""
        del self._used[prefix]

    def __contains__(self, prefix: IPv6Network) -> bool:
        """Whether the prefix is one that this pool could give out."""
        return prefix.prefixlen == _PREFIX_LENGTH and prefix.subnet_of(self._pool)
