"""The central mobility database of partially distributed mobility management.

What it answers with is in its store first, and in that of the other CMD if there are two; it begins
with what is there.

Where the scenario says so the multicast channel control is beside it (the paper: "co-located with
the central mobility anchor").
"""

from __future__ import annotations

import time
from ipaddress import IPv6Address
from typing import Any

from agents.core import MILLISECOND
from agents.mobility.actions import Forget, Store
from agents.mobility.cmd import CmdCore
from agents.mobility.cmd_pair import CmdPair
from agents.mobility.config import CmdConfig, PairConfig, Variant
from agents.roles.binding_store import BindingStore
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
        core = CmdCore(
            CmdConfig(
                address=address,
                mars=mars,
                variant=variant,
                clock_offset=time.time_ns() - time.monotonic_ns(),
                **config["mobility"],
            )
        )
        self._pair = CmdPair(core, pair_config(config)) if config["peer"] else None
        self._core = self._pair or core
        self._signalling = Signalling(self._daemon, address, self._core, key=config["key"])
        self._store = BindingStore(config["store"])
        self._daemon.on(Store, self._store.store)
        self._daemon.on(Forget, self._store.forget)
        self._mcc: MulticastChannelControl | None = None
        if config["channel_control"]:
            self._mcc = MulticastChannelControl(
                self._daemon, config["channel_control"], mars, self._signalling, address
            )
        self._daemon.answer(config["query"], self._state)

    def run(self) -> None:
        """Go on with what is stored, and serve until told to stop."""
        restored = self._store.restore(self._core, time.monotonic_ns())
        self._daemon.carry_out(self._core, restored)
        self._daemon.run(lambda: self._daemon.log.write("state", **self._state()))

    def _state(self) -> dict[str, Any]:
        return {
            "bindings": self._core.bindings(),
            "counters": self._core.counters,
            "signalling": self._signalling.counters,
            "channel_control": self._mcc.core.counters if self._mcc else None,
            "pair": {"has_peer": self._pair.has_peer, "alone": self._pair.alone}
            if self._pair
            else None,
        }


def pair_config(config: dict[str, Any]) -> PairConfig:
    """What it is told of the other CMD."""
    return PairConfig(
        IPv6Address(config["peer"]),
        time.time_ns() // MILLISECOND % (1 << 32),
        config["mobility"]["initial_timeout"],
    )


def main(config: dict[str, Any]) -> None:
    """Be a CMD."""
    CentralMobilityDatabase(config).run()
