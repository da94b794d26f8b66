"""The home agent of Mobile IPv6."""

from __future__ import annotations

from typing import Any

from agents.roles.daemon import Daemon
from agents.roles.home_agent_part import HomeAgentPart


def main(config: dict[str, Any]) -> None:
    """Be a home agent."""
    daemon = Daemon(config["node"], config["log"])
    part = HomeAgentPart(daemon, config)
    daemon.run(lambda: daemon.log.write("state", **part.close()))
