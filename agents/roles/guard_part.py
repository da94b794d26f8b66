"""The source guard of an access link: knows of each mobile node what it was advertised."""

from __future__ import annotations

from collections import Counter

from agents.kernel.source_guard import SourceGuard
from agents.mobility.actions import Advertise
from agents.roles.daemon import Daemon


class GuardPart:
    """Lets a mobile node send from its own prefixes, before it is told of them.

    Until the router has told it of any, what it sends passes, for the cores to judge: no packet is
    lost because the access point's trigger, or a binding, is still on its way.
    """

    def __init__(self, daemon: Daemon, link: str) -> None:
        self._daemon = daemon
        self._guard = SourceGuard(link)
        self._names: dict[bytes, str] = {}

    def advertises(self, action: Advertise) -> None:
        """A mobile node is going to be told of prefixes: it may use them from now on."""
        link_layer = action.mobile_node.link_layer_address
        self._names[link_layer] = action.mobile_node.identifier
        self._guard.allow(link_layer, [p.prefix for p in action.prefixes])
        # Once it may use all that it is told of now.
        self._daemon.soon(lambda: self._guard.watch(link_layer))

    def left(self, link_layer: bytes) -> None:
        """A mobile node has left the link."""
        self._guard.forget(link_layer)

    def counts(self) -> dict[str, int]:
        """How many packets were dropped, by ``node.reason``."""
        counts: Counter[str] = Counter()
        for (link_layer, why), packets in self._guard.counts().items():
            counts[f"{self._names.get(link_layer, 'nobody')}.{why}"] += packets
        return dict(counts)


def guard(daemon: Daemon, link: str, *, wanted: bool) -> GuardPart | None:
    """The guard of a link, if it is wanted."""
    return GuardPart(daemon, link) if wanted else None
