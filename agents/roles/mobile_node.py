"""A mobile node that takes care of its mobility itself: Mobile IPv6, or client-based DMM."""

from __future__ import annotations

import asyncio
import time
from ipaddress import IPv6Address, IPv6Network
from random import Random
from typing import Any

from agents.core import Action
from agents.kernel.monitor import CarrierChange, Monitor
from agents.kernel.sockets import Frame
from agents.mipv6.config import MobileNodeConfig
from agents.mipv6.mobile_node import MobileNodeCore
from agents.mipv6.movement import Movement, Router
from agents.mipv6.packets import Packet
from agents.mipv6.route_optimiser import RouteOptimiser
from agents.roles.binding_security import MobileNodeSecurity
from agents.roles.care_of_tunnels import CareOfTunnels
from agents.roles.daemon import Daemon
from agents.roles.direct_paths import DirectPaths
from agents.roles.home_addresses import HomeAddresses
from agents.roles.idle_homes import IdleHomes
from agents.roles.kernel_changes import note
from agents.roles.link_port import LinkPort
from agents.roles.mobile_ip_port import MobileIpPort
from agents.roles.route_optimisation import RouteOptimisation
from agents.roles.tunnelled_memberships import TunnelledMemberships
from agents.wire import ipv6, mld, ndp
from agents.wire.errors import MalformedPacket

_SOLICITATION_INTERVAL_S = 0.1
"""RFC 4861's 4 s are for hosts that stay; what a node that moves waits for is an interruption."""
_MAX_SOLICITATIONS = 3
_USABLE = ("preferred", "optimistic", "deprecated")


class MobileNode:
    """Joins a ``MobileNodeCore`` to its messages, to movement detection and to the kernel."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._daemon = Daemon(config["node"], config["log"])
        self._interface: str = config["interface"]
        self._security = MobileNodeSecurity(config)
        settings = MobileNodeConfig(
            config["node"],
            config["lifetime"],
            initial_timeout=config["retransmission"],
            only_last=config["only_last"],
        )
        self._core = MobileNodeCore(settings, self._security.authorizer)
        self._optimisation: RouteOptimisation | None = None
        self._monitor = Monitor(self._interface)
        self._movement = Movement(rebinds=config["rebinds"])
        self._home_domain = [IPv6Network(prefix) for prefix in config["home_domain"]]
        self._served: tuple[Router, IPv6Address | None] | None = None
        """In the home domain: by which router, and the address that is from there, if usable."""
        self._care_of: IPv6Address | None = None
        self._last_care_of: IPv6Address | None = None
        """Since the node left its home domain."""
        self._soliciting: asyncio.TimerHandle | None = None
        self._homes = HomeAddresses(
            self._daemon,
            self._interface,
            CareOfTunnels(self._daemon, config["tunnel_backend"], config["tunnel_mtu"]),
            config["lifetime"],
        )
        if config["multicast_by_tunnel"]:
            self._homes.on_tunnel = TunnelledMemberships(self._daemon, self._interface).use
        port = MobileIpPort(self._daemon, self._received, None)
        if config["tunnel_backend"] == "bpf":
            port.shield([self._interface])
        handlers = {ndp.ROUTER_ADVERTISEMENT: self._advertised}
        self._link = LinkPort(self._daemon, self._interface, handlers)
        self._daemon.watch(self._monitor.fileno(), self._changed)
        if config["idle_release"] is not None:
            IdleHomes(self._daemon, self._core, config["idle_release"])
        homes = {IPv6Address(h): IPv6Address(agent) for h, agent in config["homes"].items()}
        for home in homes:
            self._homes.settle(home)
        if config["route_optimisation"]:
            optimiser = RouteOptimiser(settings, Random(config["seed"]))
            paths = DirectPaths(self._daemon, next(iter(homes), None))
            self._optimisation = RouteOptimisation(self._daemon, port, optimiser, self._core, paths)
        for home, agent in homes.items():
            self._carry_out(self._core.add_home(home, agent, time.monotonic_ns()))

    def run(self) -> None:
        """Go about until told to stop."""
        self._daemon.run(self._last_words)

    def _last_words(self) -> None:
        tunnels = self._homes.close()
        phases = {str(home): b.phase for home, b in self._core.bindings().items()}
        counters = self._core.counters
        direct = self._optimisation.close() if self._optimisation else {}
        self._daemon.log.write("state", homes=phases, tunnels=tunnels, counters=counters, **direct)

    def _carry_out(self, answer: list[Action]) -> None:
        self._daemon.carry_out(self._core, answer)
        if self._optimisation is not None:
            self._optimisation.follow()

    def _received(self, packet: Packet) -> None:
        if self._optimisation is not None and not self._optimisation.is_agent(packet.sender):
            self._optimisation.receive(packet)
            return
        self._carry_out(self._core.receive(packet, time.monotonic_ns()))

    def _changed(self) -> None:
        """The kernel's addresses or link changed."""
        for change in self._monitor.read():
            note(self._daemon.log, change)
            if isinstance(change, CarrierChange):
                if not change.up:
                    self._movement.lost()
                self._expect_router(_MAX_SOLICITATIONS if change.up else 0)
        self._settle()

    def _expect_router(self, solicitations: int) -> None:
        """Ask for the advertisement, as often at the most, if none comes by itself."""
        if self._soliciting is not None:
            self._soliciting.cancel()
            self._soliciting = None
        if solicitations and self._movement.router is None:
            self._soliciting = self._daemon.after(
                _SOLICITATION_INTERVAL_S, lambda: self._solicit(solicitations)
            )

    def _solicit(self, solicitations: int) -> None:
        """RFC 4861 section 6.3.7; from no address, as the node's own may be tentative."""
        if self._movement.router is None:
            source = IPv6Address("::")
            payload = ndp.encode(ndp.RouterSolicitation(), source, mld.ALL_ROUTERS)
            self._link.send(
                ipv6.packet(source, mld.ALL_ROUTERS, ipv6.ICMPV6, payload, hop_limit=ndp.HOP_LIMIT)
            )
            self._expect_router(solicitations - 1)

    def _advertised(self, frame: Frame, packet: ipv6.IPv6Packet, link: str) -> None:
        """A Router Advertisement: of the router that is known, or the node has moved."""
        if frame.for_another:
            return  # the kernel did not get it
        if packet.hop_limit != ndp.HOP_LIMIT or not packet.source.is_link_local:
            raise MalformedPacket("Router Advertisement from beyond the link")
        message = ndp.decode(packet.payload, packet.source, packet.destination)
        if not isinstance(message, ndp.RouterAdvertisement):
            return
        for prefix in message.prefixes:
            self._security.configure(prefix)
        before = self._movement.router
        if self._movement.advertised(packet.source, message):
            router = self._movement.router
            if router is not None and router != before:
                self._daemon.log.write(
                    "router", mn=self._core.name, router=router.link_local, prefix=router.prefix
                )
                self._homes.use_router(router.link_local, router.prefix)
            self._settle()

    def _settle(self) -> None:
        """Tell the core at which address on this link the node can be reached now, if any."""
        # A router may be heard before the kernel sends, a long moment if it is deleting tunnels.
        router, states = self._movement.router, self._monitor.states
        usable = [a for a, state in states.items() if self._monitor.carrier and state in _USABLE]
        care_of = self._movement.care_of(usable, self._last_care_of)
        if self._is_served(router):
            self._leave_it_to_the_network(router, care_of)
        elif care_of != self._care_of:
            self._served = None
            self._care_of = care_of
            if care_of is not None:
                self._last_care_of = care_of
                self._homes.use_care_of(care_of)
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
        self._served, self._care_of, self._last_care_of = (router, address), None, None
        now = time.monotonic_ns()
        self._carry_out(self._core.served(address, router.home_agent, now))


def main(config: dict[str, Any]) -> None:
    """Be a mobile node."""
    MobileNode(config).run()
