"""A correspondent that supports route optimisation, on a server."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from ipaddress import IPv6Address
from typing import Any

from agents.mipv6.actions import Bind, Unbind
from agents.mipv6.correspondent import CorrespondentCore
from agents.mipv6.packets import Packet
from agents.roles.binding_security import KCN_SIZE
from agents.roles.daemon import Daemon
from agents.roles.direct_paths import DirectPaths
from agents.roles.mobile_ip_port import MobileIpPort
from agents.wire.mobile_packet import MobilePacket


class Correspondent:
    """Joins a ``CorrespondentCore`` to its messages, and to users' packets."""

    def __init__(self, daemon: Daemon, config: dict[str, Any]) -> None:
        """``config``: address, interface, tunnel_backend."""
        self._daemon = daemon
        address = IPv6Address(config["address"])
        self._core = CorrespondentCore(address, os.urandom(KCN_SIZE))
        self._port = MobileIpPort(daemon, self._received, address)
        self._port.on_data.add(self._deliver)
        if config["tunnel_backend"] == "bpf":
            self._port.shield([config["interface"]])
        self._paths = DirectPaths(daemon)
        self._paths.on_packet.add(self._send)
        daemon.on(Bind, lambda action: self._paths.add(action.home_address))
        daemon.on(Unbind, lambda action: self._paths.remove(action.home_address))

    def close(self) -> None:
        """Say how things stand, and remove what is in the kernel."""
        bindings = {str(home): care_of for home, care_of in self._core.bindings().items()}
        self._paths.close()
        self._daemon.log.write("state", bindings=bindings, counters=self._core.counters)

    def _received(self, packet: Packet) -> None:
        self._daemon.carry_out(self._core, self._core.receive(packet, time.monotonic_ns()))

    def _send(self, packet: MobilePacket) -> None:
        """RFC 6275 section 9.3.2: to the care-of address, with a type 2 routing header."""
        home = packet.destination
        care_of = self._core.care_of(home)
        if care_of is not None:  # else its route is about to go
            self._port.send_data(replace(packet, destination=care_of, routed_to=home))

    def _deliver(self, packet: MobilePacket) -> None:
        """RFC 6275 section 9.3.1: from the home address, if its binding says so."""
        home = packet.home_address
        if home is None or packet.routed_to is not None:
            self._daemon.count_malformed()
        elif self._core.admits(home, packet.source):
            self._paths.deliver(packet)
        else:
            self._daemon.carry_out(self._core, self._core.unknown(home, packet.source))


def main(config: dict[str, Any]) -> None:
    """Be a correspondent."""
    daemon = Daemon(config["node"], config["log"])
    correspondent = Correspondent(daemon, config)
    daemon.run(correspondent.close)
