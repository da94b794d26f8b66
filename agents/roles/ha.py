"""The home agent of Mobile IPv6."""

from __future__ import annotations

from ipaddress import IPv6Network
from typing import Any

from agents.roles.daemon import Daemon
from agents.roles.home_agent_part import HomeAgentPart
from agents.roles.home_multicast import HomeMulticast
from agents.roles.multicast_part import MulticastPart


class HomeAgent:
    """Joins a home agent to an MLD proxy, if channels come by its tunnels."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._daemon = Daemon(config["node"], config["log"])
        self._agent = HomeAgentPart(self._daemon, config)
        self._multicast: MulticastPart | None = None
        if config["multicast"]:
            self._multicast = MulticastPart(
                self._daemon,
                config["multicast"],
                config["seed"],
                pool=IPv6Network(config["pool"]),
            )
            self._multicast.add_link(config["upstream"], upstream=True, downstream=False)
            self._agent.on_tunnel.add(HomeMulticast(self._daemon, self._multicast).moved)
            self._daemon.answer(config["query"], self._state)

    def run(self) -> None:
        """Serve until told to stop."""
        self._daemon.run(self._last_words)

    def _state(self) -> dict[str, Any]:
        assert self._multicast is not None
        return {"multicast": self._multicast.counters(), **self._multicast.tables()}

    def _last_words(self) -> None:
        counters = {}
        if self._multicast:
            self._multicast.write_membership()
            counters = {"multicast": self._multicast.counters()}
        self._daemon.log.write("state", **self._agent.close(), **counters)


def main(config: dict[str, Any]) -> None:
    """Be a home agent."""
    HomeAgent(config).run()
