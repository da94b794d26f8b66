"""Where a mobile i3 client can be reached: at its address of the access router on its link."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv6Address, IPv6Network

from agents.kernel.monitor import CarrierChange, Monitor
from agents.kernel.netlink import Netlink
from agents.kernel.sockets import Frame
from agents.mipv6.movement import Movement
from agents.roles.daemon import Daemon
from agents.roles.kernel_changes import note
from agents.roles.link_port import LinkPort
from agents.wire import ipv6, ndp
from agents.wire.errors import MalformedPacket

_ALL = IPv6Network("::/0")
_USABLE = ("preferred", "optimistic")


class Location:
    """Tells ``moved`` each address at which the node is reached from now on."""

    def __init__(
        self, daemon: Daemon, interface: str, moved: Callable[[IPv6Address], None]
    ) -> None:
        self._daemon = daemon
        self._moved = moved
        self._movement = Movement()
        self._monitor = Monitor(interface)
        self._netlink = Netlink()
        self._router: IPv6Address | None = None
        """The default router of last time."""
        self._address: IPv6Address | None = None
        LinkPort(daemon, interface, {ndp.ROUTER_ADVERTISEMENT: self._advertised})
        daemon.watch(self._monitor.fileno(), self._changed)

    def close(self) -> None:
        """Watch no more."""
        self._monitor.close()

    def _changed(self) -> None:
        """The kernel's addresses or link changed."""
        for change in self._monitor.read():
            note(self._daemon.log, change)
            if isinstance(change, CarrierChange) and not change.up:
                self._movement.lost()
        self._settle()

    def _advertised(self, frame: Frame, packet: ipv6.IPv6Packet, link: str) -> None:
        if frame.for_another:
            return
        if packet.hop_limit != ndp.HOP_LIMIT or not packet.source.is_link_local:
            raise MalformedPacket("Router Advertisement from beyond the link")
        message = ndp.decode(packet.payload, packet.source, packet.destination)
        if isinstance(message, ndp.RouterAdvertisement):
            if self._movement.advertised(packet.source, message):
                self._leave(packet.source)
            self._settle()

    def _leave(self, router: IPv6Address) -> None:
        """The default router before this one is out of reach."""
        if self._router is not None and self._router != router:
            self._netlink.route_delete(_ALL, via=self._router)
        self._router = router

    def _settle(self) -> None:
        states = self._monitor.states
        usable = [one for one, state in states.items() if state in _USABLE]
        address = self._movement.care_of(usable if self._monitor.carrier else [], None)
        if address is not None and address != self._address:
            self._address = address
            self._moved(address)
