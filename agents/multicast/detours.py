"""MLD-DMM's detour: what a guest sends does not get to the multicast routing of its MAR.

A mobile source's data belongs to the proxy instance of the tunnel to its anchor. Who listens at the
same MAR by another instance gets it by that one's upstream (section IV.A). An entry has one
incoming link, so the source's data is then taken past multicast routing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import IPv6Address

from agents.core import Action, Log
from agents.multicast.actions import RedirectSource
from agents.multicast.sources import Channel, MobileSources


class Detours:
    """The channels that are apart; ``asked_of`` tells by which upstreams one is wanted.

    There are ``maximum`` of them at most.

    This is decided when a guest begins to send. Who listens then keeps the way that packets are on,
    whoever else comes or goes; who comes later takes part.
    """

    def __init__(
        self,
        sources: MobileSources,
        asked_of: Callable[[IPv6Address, IPv6Address], list[str]],
        maximum: int,
    ) -> None:
        self._maximum = maximum
        self._sources = sources
        self._asked_of = asked_of
        self._tunnels: dict[Channel, str] = {}

    def begin(self, source: IPv6Address, group: IPv6Address) -> Iterator[Action]:
        """A guest sends, or is going to: do others than its own instance want it, and not that?"""
        if len(self._tunnels) >= self._maximum:
            return
        tunnel = self._sources.anchor(source, group)
        asked = self._asked_of(source, group)
        if tunnel is not None and asked and tunnel not in asked:
            self._tunnels[source, group] = tunnel
            self._sources.apart.add((source, group))
            yield from _redirect(source, group, tunnel)

    def ended(self) -> list[Channel]:
        """Those whose guest has gone, or that only its own instance wants."""
        return [
            (source, group)
            for (source, group), tunnel in self._tunnels.items()
            if self._sources.guest_tunnel(source) != tunnel
            or set(self._asked_of(source, group)) <= {tunnel}
        ]

    def end(self, source: IPv6Address, group: IPv6Address) -> Iterator[Action]:
        """Let a channel take part in multicast routing again."""
        del self._tunnels[source, group]
        self._sources.apart.discard((source, group))
        yield from _redirect(source, group, None)


def _redirect(source: IPv6Address, group: IPv6Address, tunnel: str | None) -> Iterator[Action]:
    yield RedirectSource(source, group, tunnel)
    fields = {"source": str(source), "group": str(group), "tunnel": tunnel}
    yield Log("source_redirected", fields)
