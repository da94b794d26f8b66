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
    """The state of a mobility router's core, and of the parts that it has besides."""

    def __init__(
        self,
        daemon: Daemon,
        core: BindingCore,
        forwarding: ForwardingPart,
        signalling: Signalling,
    ) -> None:
        self._daemon = daemon
        self._forwarding = forwarding
        self._states: dict[str, Callable[[], Any]] = {
            "bindings": core.bindings,
            "tunnels": lambda: [tunnel.name for tunnel in forwarding.tunnels.values()],
            "counters": lambda: core.counters,
            "signalling": lambda: signalling.counters,
        }
        self._tables: Callable[[], dict[str, Any]] = dict
        self._closing: dict[str, Callable[[], Any]] = {}
        self._last: list[Callable[[], None]] = []

    def add(self, name: str, state: Callable[[], Any]) -> None:
        """Tell how one more part stands, too."""
        self._states[name] = state

    def add_multicast(self, multicast: MulticastPart) -> None:
        """Tell how the MLD proxy stands; who asks gets its tables as well."""
        self.add("multicast", multicast.counters)
        self._tables = multicast.tables
        self._last.append(multicast.write_membership)

    def close_with(self, close: Callable[[], Any], name: str | None = None) -> None:
        """Close a part at the end, and log under this name, if any, how it stood."""
        if name is None:
            self._last.append(close)
        else:
            self._closing[name] = close

    def answer(self, path: str) -> None:
        """Tell whoever connects to the socket at ``path``."""
        self._daemon.answer(path, lambda: {**self._state(), **self._tables()})

    def last_words(self) -> None:
        """Close the parts and the tunnels, and log how things stand then."""
        closed = {name: close() for name, close in self._closing.items()}
        self._forwarding.close()
        for close in self._last:
            close()
        self._daemon.log.write("state", **self._state(), **closed)

    def _state(self) -> dict[str, Any]:
        return {name: state() for name, state in self._states.items()}
