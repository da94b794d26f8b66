"""The mobile node: an unmodified kernel. This agent only watches what the kernel does by itself.

Where handovers are prepared (IEEE 802.21), it is the node's MIH function as well.
"""

from __future__ import annotations

from typing import Any

from agents.kernel.monitor import AddressChange, Monitor
from agents.roles.daemon import Daemon
from agents.roles.handover_part import NodeHandovers


def main(config: dict[str, Any]) -> None:
    """Log how the addresses and the carrier of ``interface`` change."""
    daemon = Daemon(config["node"], config["log"])
    monitor = Monitor(config["interface"])

    def read() -> None:
        for change in monitor.read():
            if isinstance(change, AddressChange):
                daemon.log.write("address", address=change.address, state=change.state)
            else:
                daemon.log.write("carrier", up=change.up)

    daemon.watch(monitor.fileno(), read)
    if config["mih"]:
        NodeHandovers(daemon, config["node"], config["interface"], config["mih"])
    daemon.run(monitor.close)
