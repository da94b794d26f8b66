"""Prefixes and the link that each is on; looking one up costs the same however many there are."""

from __future__ import annotations

from collections import Counter
from ipaddress import IPv6Address, IPv6Network


class PrefixLinks:
    """One link for each prefix."""

    def __init__(self) -> None:
        self._links: dict[tuple[int, int], str] = {}
        self._lengths: Counter[int] = Counter()

    def __bool__(self) -> bool:
        return bool(self._links)

    def find(self, address: IPv6Address) -> str | None:
        """The link of the prefix that an address is of."""
        for length in self._lengths:
            link = self._links.get((length, int(address) >> address.max_prefixlen - length))
            if link is not None:
                return link
        return None

    def set(self, prefix: IPv6Network, link: str | None) -> bool:
        """Whether that is new: a prefix is on this link; None: on none any more."""
        key = _key(prefix)
        if self._links.get(key) == link:
            return False
        if link is None:
            self._forget(key)
        else:
            self._lengths[prefix.prefixlen] += key not in self._links
            self._links[key] = link
        return True

    def forget_link(self, link: str) -> None:
        """A link is gone."""
        for key in [key for key, name in self._links.items() if name == link]:
            self._forget(key)

    def _forget(self, key: tuple[int, int]) -> None:
        del self._links[key]
        length, _ = key
        self._lengths[length] -= 1
        if not self._lengths[length]:
            del self._lengths[length]


def _key(prefix: IPv6Network) -> tuple[int, int]:
    length = prefix.prefixlen
    return length, int(prefix.network_address) >> prefix.max_prefixlen - length
