"""What channel control said about channels that matter here."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network

from agents.wire.channel import ChannelScope


class Decisions:
    """By group and source, which is None where the answer is for any source."""

    def __init__(self) -> None:
        # None: it was asked for.
        self._decisions: dict[IPv6Address, dict[IPv6Address | None, ChannelScope | None]] = {}

    def __contains__(self, group: IPv6Address) -> bool:
        """Whether anything was asked or said of a group."""
        return group in self._decisions

    def get(self, group: IPv6Address, source: IPv6Address | None) -> ChannelScope | None:
        """What is known of a channel."""
        decisions = self._decisions.get(group, {})
        return decisions.get(source) or decisions.get(None)

    def set(self, group: IPv6Address, source: IPv6Address | None, decision: ChannelScope) -> None:
        """Remember an answer."""
        self._decisions.setdefault(group, {})[source] = decision

    def ask(self, group: IPv6Address, source: IPv6Address | None) -> bool:
        """Whether the question is to be put: once."""
        decisions = self._decisions.setdefault(group, {})
        is_new = source not in decisions
        decisions.setdefault(source, None)
        return is_new

    def forget_sources(self, prefix: IPv6Network) -> None:
        """Sources have moved: how their channels are to be had is a new question."""
        for decisions in self._decisions.values():
            for source in [s for s in decisions if s is not None and s in prefix]:
                del decisions[source]

    def forget_source(self, group: IPv6Address, source: IPv6Address) -> None:
        """A source is silent."""
        self._decisions.get(group, {}).pop(source, None)

    def forget(self, group: IPv6Address) -> None:
        """The group does not matter any more; the next one to want it asks again."""
        self._decisions.pop(group, None)
