"""The entries of a binding cache, of which there are only so many (RFC 6275 section 9.6)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from ipaddress import IPv6Address

MOST_BINDINGS = 1024
"""Of one home agent or correspondent; those that are over, and remembered, are among them."""
MOST_OF_A_LINK = 256
"""Of them, those bound to care-of addresses with the same 64-bit prefix."""

_PREFIX_OCTETS = 8


@dataclass
class CacheEntry:
    """A binding cache entry (RFC 6275 section 9.1)."""

    care_of: IPv6Address | None
    """None: the binding is over, and only its sequence number is remembered."""
    sequence: int
    lifetime: int
    """Seconds granted."""


class BindingTable:
    """Entries by home address. Nothing that was granted is taken away to make room."""

    def __init__(self) -> None:
        self._entries: dict[IPv6Address, CacheEntry] = {}
        self._links: dict[IPv6Address, bytes] = {}
        """Of each entry the prefix of its latest care-of address."""
        self._on_link: Counter[bytes] = Counter()

    def get(self, home_address: IPv6Address) -> CacheEntry | None:
        """The entry of a home address, if there is one."""
        return self._entries.get(home_address)

    def has_room(self, home_address: IPv6Address, care_of: IPv6Address) -> bool:
        """Whether an entry can be made, or is there already."""
        if home_address in self._entries:
            return True
        on_link = self._on_link[_link(care_of)]
        return len(self._entries) < MOST_BINDINGS and on_link < MOST_OF_A_LINK

    def put(
        self, home_address: IPv6Address, care_of: IPv6Address, sequence: int, lifetime: int
    ) -> None:
        """Make an entry, or put it in the place of the one there is."""
        self._leave_link(home_address)
        self._entries[home_address] = CacheEntry(care_of, sequence, lifetime)
        self._links[home_address] = link = _link(care_of)
        self._on_link[link] += 1

    def end(self, home_address: IPv6Address) -> None:
        """The binding is over, and still remembered."""
        self._entries[home_address].care_of = None

    def remove(self, home_address: IPv6Address) -> None:
        """Forget the entry."""
        del self._entries[home_address]
        self._leave_link(home_address)

    def bindings(self) -> dict[IPv6Address, IPv6Address]:
        """The care-of address of each home address that is bound."""
        return {home: entry.care_of for home, entry in self._entries.items() if entry.care_of}

    def _leave_link(self, home_address: IPv6Address) -> None:
        link = self._links.pop(home_address, None)
        if link is not None:
            self._on_link[link] -= 1
            if not self._on_link[link]:
                del self._on_link[link]


def _link(care_of: IPv6Address) -> bytes:
    return care_of.packed[:_PREFIX_OCTETS]
