"""A mobile node of Hierarchical Mobile IPv6 (RFC 5380)."""

from __future__ import annotations

import time
from ipaddress import IPv6Address
from typing import Any

from agents.kernel.tunnel import Tunnel
from agents.mipv6.config import MobileNodeConfig
from agents.mipv6.hmipv6.node import HierarchicalNode
from agents.mipv6.movement import Router
from agents.mipv6.packets import Packet
from agents.roles.mobile_host import MobileHost


class HierarchicalMobileNode(MobileHost):
    """Joins a ``HierarchicalNode`` to its messages, to movement detection and to the kernel."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self._core = HierarchicalNode(
            MobileNodeConfig(
                config["node"], config["lifetime"], initial_timeout=config["retransmission"]
            )
        )
        self._shielded: set[str] = set()
        if config["tunnel_backend"] == "bpf":
            self._homes.on_tunnel.add(self._shield)
        for home, agent in self._settled.items():
            now = time.monotonic_ns()
            self._daemon.carry_out(self._core, self._core.add_home(home, agent, now))

    def _state(self) -> dict[str, Any]:
        phases = {str(home): b.phase for home, b in self._core.bindings().items()}
        return {"homes": phases, "counters": self._core.counters()}

    def _received(self, packet: Packet) -> None:
        self._daemon.carry_out(self._core, self._core.receive(packet, time.monotonic_ns()))

    def _moved(self, care_of: IPv6Address | None, router: Router | None) -> None:
        maps = router.maps if router else ()
        actions = self._core.moved(care_of, maps, time.monotonic_ns())
        self._daemon.carry_out(self._core, actions)

    def _shield(self, tunnel: Tunnel | None) -> None:
        """A home agent's answer comes by the tunnel to the MAP: it is not for the kernel."""
        if tunnel is not None and tunnel.name not in self._shielded:
            self._shielded.add(tunnel.name)
            tunnel.after_closing(lambda: self._shielded.discard(tunnel.name))
            self._port.shield([tunnel.name])


def main(config: dict[str, Any]) -> None:
    """Be a mobile node."""
    HierarchicalMobileNode(config).run()
