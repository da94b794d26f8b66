"""A relay of AMT on an island of a lab: the same daemon as on any machine, told by a plan."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from agents.overlay.amt.config import RelayConfig
from agents.roles.amt_relay_daemon import AmtRelayDaemon, RelayOptions
from agents.wire.amt import PORT


def main(config: dict[str, Any]) -> None:
    """Be a relay until told to stop."""
    options = RelayOptions(
        name=config["node"],
        interface=config["interface"],
        addresses=(ip_address(config["address"]),),
        discovery=(),
        port=PORT,
        config=RelayConfig(query_interval=config["query_interval"]),
        query=config["query"],
        log=config["log"],
    )
    AmtRelayDaemon(options).run()
