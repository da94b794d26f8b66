"""The multicast channel control as a node of its own (paper 000, section III.A, figure 5)."""

from __future__ import annotations

from ipaddress import IPv6Address
from typing import Any

from agents.roles.channel_part import MulticastChannelControl
from agents.roles.daemon import Daemon
from agents.roles.signalling import Signalling


class MulticastChannelControlNode:
    """Joins an MCC to its signalling; it knows nothing of bindings."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._daemon = Daemon(config["node"], config["log"])
        address = IPv6Address(config["address"])
        mars = frozenset(IPv6Address(mar) for mar in config["peers"])
        self._signalling = Signalling(self._daemon, address, None, key=config["key"])
        self._mcc = MulticastChannelControl(
            self._daemon, config["channel_control"], mars, self._signalling, address
        )
        self._daemon.answer(config["query"], self._state)

    def run(self) -> None:
        """Serve until told to stop."""
        self._daemon.run(lambda: self._daemon.log.write("state", **self._state()))

    def _state(self) -> dict[str, Any]:
        return {
            "signalling": self._signalling.counters,
            "channel_control": self._mcc.core.counters,
        }


def main(config: dict[str, Any]) -> None:
    """Be an MCC."""
    MulticastChannelControlNode(config).run()
