"""A host that goes from link to link: where it is, and its home addresses on its kernel."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from ipaddress import IPv6Address
from typing import Any

from agents.kernel.monitor import CarrierChange, Monitor
from agents.kernel.sockets import Frame
from agents.mipv6.movement import Movement, Router
from agents.mipv6.packets import Packet
from agents.roles.binding_security import MobileNodeSecurity
from agents.roles.care_of_tunnels import CareOfTunnels
from agents.roles.daemon import Daemon
from agents.roles.home_addresses import HomeAddresses
from agents.roles.home_keys import home_keys
from agents.roles.kernel_changes import note
from agents.roles.link_port import LinkPort
from agents.roles.mobile_ip_port import MobileIpPort
from agents.wire import ipv6, mld, ndp
from agents.wire.errors import MalformedPacket
from agents.wire.ndp import MapOption

_SOLICITATION_INTERVAL_S = 0.1
"""RFC 4861's 4 s are for hosts that stay; what a node that moves waits for is an interruption."""
_MAX_SOLICITATIONS = 3
_USABLE = ("preferred", "optimistic", "deprecated")


class MobileHost(ABC):
    """Movement detection, and the home addresses; a subclass has the protocol's core."""

    def __init__(self, config: dict[str, Any]) -> None:
        """``config``: homes, each with its home agent; keys, where the node shares some with these
        or with other ``agents``; and what the parts are told.
        """
        self._name: str = config["node"]
        self._daemon = Daemon(config["node"], config["log"])
        self._interface: str = config["interface"]
        self._security = MobileNodeSecurity(config)
        self._monitor = Monitor(self._interface)
        self._movement = Movement(rebinds=config["rebinds"])
        self._place: tuple[IPv6Address | None, tuple[MapOption, ...]] = (None, ())
        """The care-of address, and the mobility anchor points that are advertised there."""
        self._last_care_of: IPv6Address | None = None
        """Since the node left its home domain."""
        self._soliciting: asyncio.TimerHandle | None = None
        self._homes = HomeAddresses(
            self._daemon,
            self._interface,
            CareOfTunnels(self._daemon, config["tunnel_backend"], config["tunnel_mtu"]),
            config["lifetime"],
        )
        homes = {IPv6Address(h): IPv6Address(agent) for h, agent in config["homes"].items()}
        agents = {*homes.values(), *map(IPv6Address, config.get("agents", ()))}
        self._keys = home_keys(agents, config.get("keys"))
        self._port = MobileIpPort(self._daemon, self._received, None, keys=self._keys)
        if config["tunnel_backend"] == "bpf":
            self._port.shield([self._interface])
        handlers = {ndp.ROUTER_ADVERTISEMENT: self._advertised}
        self._link = LinkPort(self._daemon, self._interface, handlers)
        self._daemon.watch(self._monitor.fileno(), self._changed)
        for home in homes:
            self._homes.settle(home)
        self._settled = homes

    def run(self) -> None:
        """Go about until told to stop."""
        self._daemon.run(self._last_words)

    @abstractmethod
    def _moved(self, care_of: IPv6Address | None, router: Router | None) -> None:
        """The care-of address, or what the router tells of, is another one now."""

    @abstractmethod
    def _received(self, packet: Packet) -> None:
        """A Mobility Header message came."""

    @abstractmethod
    def _state(self) -> dict[str, Any]:
        """How the protocol stands, for the event log."""

    def _last_words(self) -> None:
        tunnels = self._homes.close()
        more = {"signalling": self._keys.counters} if self._keys else {}
        self._daemon.log.write("state", tunnels=tunnels, **self._state(), **more)

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
                    "router", mn=self._name, router=router.link_local, prefix=router.prefix
                )
                self._homes.use_router(router.link_local, router.prefix)
            self._settle()

    def _settle(self) -> None:
        """Tell the core at which address on this link the node can be reached now, if any."""
        # A router may be heard before the kernel sends, a long moment if it is deleting tunnels.
        router, states = self._movement.router, self._monitor.states
        usable = [a for a, state in states.items() if self._monitor.carrier and state in _USABLE]
        self._stands(router, self._movement.care_of(usable, self._last_care_of))

    def _stands(self, router: Router | None, care_of: IPv6Address | None) -> None:
        """The router is heard, and the address can be used, if there are any."""
        before, self._place = self._place, (care_of, router.maps if router else ())
        if self._place == before:
            return
        if care_of is not None and care_of != before[0]:
            self._last_care_of = care_of
            self._homes.use_care_of(care_of)
        self._moved(care_of, router)
