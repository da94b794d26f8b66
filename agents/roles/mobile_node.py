"""A mobile node that takes care of its mobility itself: Mobile IPv6, or client-based DMM."""

from __future__ import annotations

import time
from ipaddress import IPv6Address, IPv6Network
from random import Random
from typing import Any

from agents.core import Action
from agents.mipv6.config import MobileNodeConfig
from agents.mipv6.mobile_node import MobileNodeCore
from agents.mipv6.movement import Router
from agents.mipv6.packets import Packet
from agents.mipv6.route_optimiser import RouteOptimiser
from agents.roles.direct_paths import DirectPaths
from agents.roles.idle_homes import IdleHomes
from agents.roles.mobile_host import MobileHost
from agents.roles.route_optimisation import RouteOptimisation
from agents.roles.tunnelled_memberships import TunnelledMemberships


class MobileNode(MobileHost):
    """Joins a ``MobileNodeCore`` to its messages, to movement detection and to the kernel."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        settings = MobileNodeConfig(
            config["node"],
            config["lifetime"],
            initial_timeout=config["retransmission"],
            only_last=config["only_last"],
        )
        self._core = MobileNodeCore(settings, self._security.authorizer)
        self._optimisation: RouteOptimisation | None = None
        self._home_domain = [IPv6Network(prefix) for prefix in config["home_domain"]]
        self._served: tuple[Router, IPv6Address | None] | None = None
        """In the home domain: by which router, and the address that is from there, if usable."""
        if config["multicast_by_tunnel"]:
            self._homes.on_tunnel.add(TunnelledMemberships(self._daemon, self._interface).use)
        if config["idle_release"] is not None:
            IdleHomes(self._daemon, self._core, config["idle_release"])
        if config["route_optimisation"]:
            optimiser = RouteOptimiser(settings, Random(config["seed"]))
            paths = DirectPaths(self._daemon, next(iter(self._settled), None))
            self._optimisation = RouteOptimisation(
                self._daemon, self._port, optimiser, self._core, paths
            )
        for home, agent in self._settled.items():
            self._carry_out(self._core.add_home(home, agent, time.monotonic_ns()))

    def _state(self) -> dict[str, Any]:
        phases = {str(home): b.phase for home, b in self._core.bindings().items()}
        direct = self._optimisation.close() if self._optimisation else {}
        return {"homes": phases, "counters": self._core.counters, **direct}

    def _carry_out(self, answer: list[Action]) -> None:
        self._daemon.carry_out(self._core, answer)
        if self._optimisation is not None:
            self._optimisation.follow()

    def _received(self, packet: Packet) -> None:
        if self._optimisation is not None and not self._optimisation.is_agent(packet.sender):
            self._optimisation.receive(packet)
            return
        self._carry_out(self._core.receive(packet, time.monotonic_ns()))

    def _stands(self, router: Router | None, care_of: IPv6Address | None) -> None:
        if self._is_served(router):
            self._leave_it_to_the_network(router, care_of)
        else:
            super()._stands(router, care_of)

    def _moved(self, care_of: IPv6Address | None, router: Router | None) -> None:
        self._served = None
        agent = router.home_agent if router else None
        self._carry_out(self._core.moved(care_of, time.monotonic_ns(), agent))

    def _is_served(self, router: Router | None) -> bool:
        """Whether this is the home domain, by the prefix advertised; until the next one is, yes."""
        if router is None:
            return self._served is not None
        return any(router.prefix.subnet_of(prefix) for prefix in self._home_domain)

    def _leave_it_to_the_network(self, router: Router | None, address: IPv6Address | None) -> None:
        """In the home domain the client is idle, and takes note of routers and addresses only."""
        if router is None or router.home_agent is None or (router, address) == self._served:
            return
        self._served, self._last_care_of = (router, address), None
        self._place = (None, ())
        now = time.monotonic_ns()
        self._carry_out(self._core.served(address, router.home_agent, now))


def main(config: dict[str, Any]) -> None:
    """Be a mobile node."""
    MobileNode(config).run()
