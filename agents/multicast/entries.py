"""The forwarding entries of a router, (S,G): by group, and by the prefix that their source is of.

A prefix of 64 bits stands for who sends (a mobile node has one of its own, a LAN is one): of it one
may have any number of addresses. How many entries each has is known, so that who makes too many
makes room for others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network

from agents.multicast.sources import Channel

_INTERFACE_IDENTIFIER = 64
"""Bits of an address after its prefix (RFC 4291 section 2.5.1)."""


@dataclass
class Entry:
    """The link where data last arrived as a surprise, and what the kernel was told.

    Of data that is expected, and has no way yet, the link is empty.
    """

    arrival: str
    incoming: str = ""
    outgoing: tuple[str, ...] = ()


class Entries:
    """All entries. What concerns one of them costs the same whatever others there are."""

    def __init__(self) -> None:
        self._groups: dict[IPv6Address, dict[IPv6Address, Entry]] = {}
        self._owners: dict[int, dict[Channel, None]] = {}
        # The prefixes with so many entries; ``_most`` is the largest such number.
        self._sizes: dict[int, dict[int, None]] = defaultdict(dict)
        self._most = 0
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[tuple[Channel, Entry]]:
        for group, entries in self._groups.items():
            for source, entry in entries.items():
                yield (source, group), entry

    def find(self, source: IPv6Address, group: IPv6Address) -> Entry | None:
        """The entry of a channel."""
        return self._groups.get(group, {}).get(source)

    def of(self, group: IPv6Address) -> dict[IPv6Address, Entry]:
        """The entries of a group by source."""
        return self._groups.get(group, {})

    def groups(self) -> set[IPv6Address]:
        """The groups that have entries."""
        return set(self._groups)

    def add(self, source: IPv6Address, group: IPv6Address, arrival: str) -> Entry:
        """Make an entry; there is none yet."""
        entry = self._groups.setdefault(group, {})[source] = Entry(arrival)
        owner = _owner(source)
        channels = self._owners.setdefault(owner, {})
        channels[source, group] = None
        self._count += 1
        self._resize(owner, len(channels) - 1, len(channels))
        return entry

    def remove(self, source: IPv6Address, group: IPv6Address) -> None:
        """Forget an entry."""
        del self._groups[group][source]
        if not self._groups[group]:
            del self._groups[group]
        owner = _owner(source)
        channels = self._owners[owner]
        del channels[source, group]
        self._count -= 1
        self._resize(owner, len(channels) + 1, len(channels))
        if not channels:
            del self._owners[owner]

    def beside(self, source: IPv6Address) -> int:
        """How many entries there are of this source's prefix."""
        return len(self._owners.get(_owner(source), ()))

    def oldest_of_the_richest(self, source: IPv6Address) -> Channel | None:
        """An entry of the prefix that has most, if this source's will have fewer all the same."""
        if self._most <= self.beside(source) + 1:
            return None
        richest = next(iter(self._sizes[self._most]))
        return next(iter(self._owners[richest]))

    def channels_of(self, prefix: IPv6Network) -> list[Channel]:
        """The channels of sources of a prefix."""
        if prefix.prefixlen >= _INTERFACE_IDENTIFIER:
            near = list(self._owners.get(_owner(prefix.network_address), ()))
        else:
            near = [channel for channels in self._owners.values() for channel in channels]
        return [channel for channel in near if channel[0] in prefix]

    def _resize(self, owner: int, before: int, after: int) -> None:
        """A prefix has one entry more or less."""
        self._sizes[before].pop(owner, None)
        if not self._sizes[before]:
            del self._sizes[before]
        if after:
            self._sizes[after][owner] = None
        self._most = max(self._most, after) if after > before else self._largest()

    def _largest(self) -> int:
        """After one entry less: it is as many as before, or one less."""
        return self._most if self._most in self._sizes else self._most - 1


def _owner(source: IPv6Address) -> int:
    return int(source) >> _INTERFACE_IDENTIFIER
