"""The central mobility database of partially distributed mobility management.

Where the scenario says so the multicast channel control is beside it (the paper: "co-located with
the central mobility anchor").
"""

from __future__ import annotations

from ipaddress import IPv6Address
from typing import Any

from agents.mobility.cmd import CmdCore
from agents.mobility.config import CmdConfig, Variant
from agents.roles.channel_part import MulticastChannelControl
from agents.roles.daemon import Daemon
from agents.roles.signalling import Signalling


class CentralMobilityDatabase:
    """Joins a ``CmdCore`` to its signalling."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._daemon = Daemon(config["node"], config["log"])
        address = IPv6Address(config["address"])
        mars = frozenset(IPv6Address(mar) for mar in config["peers"])
        variant = Variant(config["variant"])
        self._core = CmdCore(
            CmdConfig(address=address, mars=mars, variant=variant, **config["mobility"])
        )
        self._signalling = Signalling(self._daemon, address, self._core, key=config["key"])
        self._mcc: MulticastChannelControl | None = None
        if config["channel_control"]:
            self._mcc = MulticastChannelControl(
                self._daemon, config["channel_control"], mars, self._signalling, address
            )

    def run(self) -> None:
        """Serve until told to stop."""
        self._daemon.run(self._last_words)

    def _last_words(self) -> None:
        self._daemon.log.write(
            "state",
            bindings=self._core.bindings(),
            counters=self._core.counters,
            signalling=self._signalling.counters,
            channel_control=self._mcc.core.counters if self._mcc else None,
        )


def main(config: dict[str, Any]) -> None:
    """Be a CMD."""
    CentralMobilityDatabase(config).run()
