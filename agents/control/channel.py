"""A multicast channel, as the channel control names it, and settings for channels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv6Address
from typing import NamedTuple, TypeVar

from agents.wire.channel import ChannelScope

_Value = TypeVar("_Value")


class Channel(NamedTuple):
    """(source, group); ``source`` None is any source."""

    source: IPv6Address | None
    group: IPv6Address

    def __str__(self) -> str:
        return f"({self.source or '*'}, {self.group})"


def lookup(values: Mapping[Channel, _Value], channel: Channel) -> _Value | None:
    """What is set for a channel: for it, or for any source of its group.

    Who asks for any source gets what is set for the group's only source.
    """
    for candidate in (channel, Channel(None, channel.group)):
        if candidate in values:
            return values[candidate]
    if channel.source is None:
        of_group = [value for key, value in values.items() if key.group == channel.group]
        if len(of_group) == 1:
            return of_group[0]
    return None


def read_settings(entries: Iterable[tuple[str | None, str, str]]) -> dict[Channel, ChannelScope]:
    """Settings from their text form: source (None: any), group, scope in lower case."""
    return {
        Channel(IPv6Address(source) if source else None, IPv6Address(group)): ChannelScope[
            scope.upper()
        ]
        for source, group, scope in entries
    }
