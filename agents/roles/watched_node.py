"""The mobile node: an unmodified kernel. This agent only watches what the kernel does by itself.

Where handovers are prepared (IEEE 802.21), it is the node's MIH function as well.
"""

from __future__ import annotations

from typing import Any

from agents.kernel.monitor import Monitor
from agents.roles.daemon import Daemon
from agents.roles.handover_part import NodeHandovers
from agents.roles.kernel_changes import note


def main(config: dict[str, Any]) -> None:
    """Log how the addresses and the link of ``interface`` change."""
    daemon = Daemon(config["node"], config["log"])
    monitor = Monitor(config["interface"])

    def read() -> None:
        for change in monitor.read():
            note(daemon.log, change)

    daemon.watch(monitor.fileno(), read)
    if config["mih"]:
        NodeHandovers(daemon, config["node"], config["interface"], config["mih"])
    daemon.run(monitor.close)
