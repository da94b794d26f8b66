"""Tells a core of the prefixes that are anchored elsewhere, and that no flow uses any more."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network

from agents.core import SECOND
from agents.kernel.prefix_counter import PrefixCounter
from agents.roles.daemon import Daemon

_LOOKS = 10
"""How often packets are looked for in the time without any that makes a prefix idle."""


@dataclass
class _Watched:
    counter: PrefixCounter
    since: int
    """When packets were last seen, ns."""


class IdlePart:
    """Counts the packets of prefixes; ``tell`` is called with one that had none for ``after`` ns.

    And again after as long, if it still is watched then.
    """

    def __init__(self, daemon: Daemon, after: int, tell: Callable[[IPv6Network], None]) -> None:
        self._daemon = daemon
        self._after = after
        self._tell = tell
        self._watched: dict[IPv6Network, _Watched] = {}
        self._look()

    def watch(self, prefix: IPv6Network, anchor: IPv6Address | None) -> None:
        """A prefix is anchored elsewhere from now on; None: not any more."""
        if anchor is None:
            self._forget(prefix)
        elif prefix not in self._watched:
            self._watched[prefix] = _Watched(PrefixCounter(prefix), time.monotonic_ns())

    def _forget(self, prefix: IPv6Network) -> None:
        watched = self._watched.pop(prefix, None)
        if watched is not None:
            self._daemon.aside(watched.counter.close)

    def _look(self) -> None:
        now = time.monotonic_ns()
        idle = []
        for prefix, watched in self._watched.items():
            if watched.counter.packets():
                watched.since = now
            elif now - watched.since >= self._after:
                watched.since = now
                idle.append(prefix)
        for prefix in idle:
            self._tell(prefix)
        self._daemon.after(self._after / _LOOKS / SECOND, self._look)
