"""The central mobility database of partially distributed mobility management."""

from __future__ import annotations

from ipaddress import IPv6Address
from typing import Any

from agents.mobility.cmd import CmdCore
from agents.mobility.config import CmdConfig
from agents.roles.daemon import Daemon
from agents.roles.signalling import Signalling


class CentralMobilityDatabase:
    """Joins a ``CmdCore`` to its signalling."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._daemon = Daemon(config["node"], config["log"])
        address = IPv6Address(config["address"])
        mars = frozenset(IPv6Address(mar) for mar in config["peers"])
        self._core = CmdCore(CmdConfig(address=address, mars=mars, **config["mobility"]))
        Signalling(self._daemon, address, self._core)

    def run(self) -> None:
        """Serve until told to stop."""
        self._daemon.run(self._last_words)

    def _last_words(self) -> None:
        self._daemon.log.write(
            "state", bindings=self._core.bindings(), counters=self._core.counters
        )


def main(config: dict[str, Any]) -> None:
    """Be a CMD."""
    CentralMobilityDatabase(config).run()
