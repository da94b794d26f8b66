"""What a router tells of itself: to whoever asks while it runs, and in the event log at its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from agents.mobility.config import Counters
from agents.roles.daemon import Daemon
from agents.roles.forwarding_part import ForwardingPart
from agents.roles.multicast_part import MulticastPart
from agents.roles.signalling import Signalling


class BindingCore(Protocol):
    """A core that has bindings, and counts what it drops."""

    counters: Counters

    def bindings(self) -> dict[str, Any]:
        """The mobile nodes that it knows, and how they stand."""


class StateReport:
    """The state of a mobility router's core and parts; ``more`` gives what else it has."""

    def __init__(
        self,
        daemon: Daemon,
        core: BindingCore,
        forwarding: ForwardingPart,
        signalling: Signalling,
        multicast: MulticastPart | None,
        more: Callable[[], dict[str, Any]] = dict,
    ) -> None:
        self._daemon = daemon
        self._core = core
        self._forwarding = forwarding
        self._signalling = signalling
        self._multicast = multicast
        self._more = more

    def answer(self, path: str) -> None:
        """Tell whoever connects to the socket at ``path``."""
        tables = self._multicast.tables if self._multicast else dict
        self._daemon.answer(path, lambda: {**self._state(), **tables()})

    def last_words(self, **more: Any) -> None:
        """Close the tunnels and log how things stand then, and ``more``."""
        self._forwarding.close()
        if self._multicast:
            self._multicast.write_membership()
        self._daemon.log.write("state", **self._state(), **more)

    def _state(self) -> dict[str, Any]:
        return {
            "bindings": self._core.bindings(),
            "tunnels": [tunnel.name for tunnel in self._forwarding.tunnels.values()],
            "counters": self._core.counters,
            "signalling": self._signalling.counters,
            "multicast": self._multicast.counters() if self._multicast else None,
            **self._more(),
        }
