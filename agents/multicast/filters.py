"""Source filters: which sources of a group somebody wants, and how such wishes combine.

A filter is what RFC 3810 section 2.2 calls filter mode and source list. Filters are sets of sources
(INCLUDE: those listed; EXCLUDE: all but those listed), so they are merged by union.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv6Address


class FilterMode(Enum):
    """Whether a source list says what is wanted or what is not (RFC 3810 section 2.2)."""

    INCLUDE = "include"
    EXCLUDE = "exclude"


@dataclass(frozen=True)
class Filter:
    """A set of sources of one group; false when it is empty."""

    mode: FilterMode
    sources: frozenset[IPv6Address]

    def accepts(self, source: IPv6Address) -> bool:
        """Whether traffic of this source is wanted."""
        return (source in self.sources) is (self.mode is FilterMode.INCLUDE)

    def __bool__(self) -> bool:
        return self.mode is FilterMode.EXCLUDE or bool(self.sources)

    def __or__(self, other: Filter) -> Filter:
        """What at least one of the two wants."""
        return merge((self, other))

    def __and__(self, other: Filter) -> Filter:
        """What both want."""
        return self - (self - other)

    def __sub__(self, other: Filter) -> Filter:
        """What the first wants and the other does not."""
        mine, others = self.sources, other.sources
        if self.mode is FilterMode.INCLUDE:
            return include(mine - others if other.mode is FilterMode.INCLUDE else mine & others)
        if other.mode is FilterMode.INCLUDE:
            return exclude(mine | others)
        return include(others - mine)


def include(sources: Iterable[IPv6Address]) -> Filter:
    """A filter that accepts these sources only."""
    return Filter(FilterMode.INCLUDE, frozenset(sources))


def exclude(sources: Iterable[IPv6Address]) -> Filter:
    """A filter that accepts every source but these."""
    return Filter(FilterMode.EXCLUDE, frozenset(sources))


NOTHING = include(())
"""The filter of who does not listen."""
EVERYTHING = exclude(())
"""The filter of who listens to any source (ASM)."""


def merge(filters: Iterable[Filter]) -> Filter:
    """What at least one of several wants (RFC 3810 section 4.2)."""
    included: set[IPv6Address] = set()
    excluded: frozenset[IPv6Address] | None = None
    for wanted in filters:
        if wanted.mode is FilterMode.INCLUDE:
            included |= wanted.sources
        else:
            excluded = wanted.sources if excluded is None else excluded & wanted.sources
    return include(included) if excluded is None else exclude(excluded - included)
