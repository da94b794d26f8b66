"""The entries of correspondents in a mobile node's Binding Update List (RFC 6275 section 11.1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv6Address

from agents.core import SECOND
from agents.mipv6.authorizer import Authorizer

IDLE = 60 * SECOND
"""How long a correspondent has sent nothing when its binding is not refreshed any more, ns."""
MOST_CORRESPONDENTS = 256
"""Of one mobile node; whoever else sends to it is reached by the tunnel."""

Key = tuple[IPv6Address, IPv6Address]
"""A home address and a correspondent."""


@dataclass
class Correspondent:
    """Whom packets for a home address come from, and what it knows of it."""

    home: IPv6Address
    address: IPv6Address
    authorizer: Authorizer
    heard: int
    """When its last packet was seen, ns."""
    timeout: int
    sequence: int = 0
    first: int | None = None
    """Of the earliest update whose acknowledgement is waited for; None: of none."""
    blocked: bool = False
    """Whether an update waits for tests."""
    direct: bool = False
    """Whether packets go straight."""
    unable: bool = False
    """Whether it has said that it does not know our messages."""
    bound_until: int = 0
    """When it has forgotten every binding that it was asked for, ns."""

    @property
    def key(self) -> Key:
        """What the entry is found by."""
        return self.home, self.address

    def is_active(self, now: int) -> bool:
        """Whether it has sent something not long ago."""
        return now - self.heard < IDLE


class CorrespondentList:
    """The entries, of which there shall be ``MOST_CORRESPONDENTS`` at the most."""

    def __init__(self) -> None:
        self._entries: dict[Key, Correspondent] = {}

    def __iter__(self) -> Iterator[Correspondent]:
        return iter(list(self._entries.values()))

    def __getitem__(self, key: Key) -> Correspondent:
        return self._entries[key]

    def get(self, home: IPv6Address, address: IPv6Address) -> Correspondent | None:
        """The entry of a home address and a correspondent, if there is one."""
        return self._entries.get((home, address))

    def add(self, entry: Correspondent) -> None:
        """Take a new entry in, for which there is room."""
        self._entries[entry.key] = entry

    @property
    def is_full(self) -> bool:
        """Whether there is no room for one more."""
        return len(self._entries) >= MOST_CORRESPONDENTS

    def idle(self, now: int) -> Correspondent | None:
        """The one heard of longest ago, if nobody would miss it."""
        oldest = min(self._entries.values(), key=lambda entry: entry.heard)
        return None if oldest.is_active(now) or now < oldest.bound_until else oldest

    def remove(self, entry: Correspondent) -> None:
        """Forget an entry."""
        del self._entries[entry.key]
