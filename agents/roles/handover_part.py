"""MIH messages between the cores that prepare handovers and the network (RFC 5677)."""

from __future__ import annotations

import json
import socket
import time
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any, Protocol

from agents.core import Action, Core
from agents.kernel.udp import UdpSocket
from agents.mobility.actions import SendMih
from agents.mobility.handover_user import AccessPoint, HandoverUser
from agents.mobility.mar import MarCore
from agents.mobility.point_of_service import PointOfService, PointOfServiceConfig
from agents.roles.daemon import BUDGET, Daemon
from agents.wire import mih
from agents.wire.errors import MalformedPacket


class MihCore(Core, Protocol):
    """A core that is told of MIH messages."""

    def receive(self, message: mih.MihMessage, source: IPv6Address, now: int) -> list[Action]:
        """A message came in from ``source``."""


class HandoverPart:
    """Joins such a core to UDP: on the access link, and at a router also towards the others.

    From the link there, what says that it comes from another router is not heard.
    """

    def __init__(
        self, daemon: Daemon, core: MihCore, link: UdpSocket, domain: UdpSocket | None = None
    ) -> None:
        self.untrusted = 0
        """Messages that came in on the access link, and not to the address on it."""
        self._daemon = daemon
        self._core = core
        self._link = link
        self._domain = domain
        daemon.on(SendMih, self._send)
        for udp in (link, domain) if domain else (link,):
            daemon.watch(udp.fileno(), lambda udp=udp: self._readable(udp))  # type: ignore[misc]

    def carry_out(self, answer: list[Action]) -> None:
        """Do what the core has said."""
        self._daemon.carry_out(self._core, answer)

    def _send(self, action: SendMih) -> None:
        on_link = self._domain is None or action.destination.is_link_local
        udp = self._link if on_link else self._domain
        assert udp is not None
        udp.send(mih.encode(action.message), action.destination)

    def _readable(self, udp: UdpSocket) -> None:
        for _ in range(BUDGET):
            received = udp.receive()
            if received is None:
                return
            if udp is self._domain and received.interface == self._link.scope:
                self.untrusted += 1
                continue
            try:
                message = mih.decode(received.message)
            except MalformedPacket:
                self._daemon.count_malformed()
                continue
            self.carry_out(self._core.receive(message, received.source, time.monotonic_ns()))


class RouterHandovers:
    """The point of service of a router."""

    def __init__(self, daemon: Daemon, mar: MarCore, config: dict[str, Any]) -> None:
        others = {
            _octets(point): (IPv6Address(address), name)
            for point, (address, name) in config["others"].items()
        }
        address = IPv6Address(config["address"])
        service = PointOfServiceConfig(config["name"], address, _octets(config["point"]), others)
        self.core = PointOfService(service, mar)
        link = UdpSocket(mih.PORT, IPv6Address(config["link_local"]), config["access"])
        self.part = HandoverPart(daemon, self.core, link, UdpSocket(mih.PORT, address))

    def arrived(self, identifier: str) -> None:
        """A mobile node has come up on the access link."""
        self.part.carry_out(self.core.arrived(identifier, time.monotonic_ns()))


class NodeHandovers:
    """The MIH function of a mobile node, and what its link tells it."""

    def __init__(self, daemon: Daemon, name: str, interface: str, config: dict[str, Any]) -> None:
        access_points = {
            mar: AccessPoint(_octets(point), IPv6Address(address))
            for mar, (point, address) in config["access_points"].items()
        }
        self._core = HandoverUser(name, _octets(config["link"]), access_points)
        self._part = HandoverPart(daemon, self._core, UdpSocket(mih.PORT, interface=interface))
        self._triggers = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        Path(config["trigger"]).unlink(missing_ok=True)  # of an agent that was killed
        self._triggers.bind(config["trigger"])
        daemon.watch(self._triggers.fileno(), self._trigger)

    def _trigger(self) -> None:
        trigger = json.loads(self._triggers.recv(4096))
        now = time.monotonic_ns()
        if trigger["trigger"] == "link_up":
            self._part.carry_out(self._core.link_up(trigger["mar"], now))
        elif trigger["trigger"] == "link_going_down":
            self._part.carry_out(self._core.going_down(trigger["to"], now))


def _octets(link_layer_address: str) -> bytes:
    return bytes.fromhex(link_layer_address.replace(":", ""))
