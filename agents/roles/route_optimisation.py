"""A mobile node's part in route optimisation: its correspondents, and the direct paths to them."""

from __future__ import annotations

import time
from dataclasses import replace
from ipaddress import IPv6Address
from random import Random
from typing import Any

from agents.kernel.senders import Senders
from agents.mipv6.actions import LeaveDirectPath, UseDirectPath
from agents.mipv6.config import MobileNodeConfig
from agents.mipv6.packets import Packet
from agents.mipv6.route_optimiser import RouteOptimiser
from agents.mipv6.update_list import Binding, Phase
from agents.roles.daemon import Daemon
from agents.roles.direct_paths import DirectPaths
from agents.roles.mobile_ip_port import MobileIpPort
from agents.wire.mobile_packet import MobilePacket

_LOOK_S = 0.25
"""How often the home address is asked who sends to it."""


class RouteOptimisation:
    """Joins a ``RouteOptimiser`` to its messages, to users' packets, and to the kernel."""

    def __init__(
        self,
        daemon: Daemon,
        port: MobileIpPort,
        config: MobileNodeConfig,
        home: IPv6Address,
        agent: IPv6Address,
        random: Random,
    ) -> None:
        self._daemon = daemon
        self._port = port
        self._home = home
        self._agent = agent
        self._core = RouteOptimiser(config, home, random)
        self._paths = DirectPaths(daemon, self._send, home)
        self._senders = Senders(home)
        port.on_data = self._deliver
        daemon.on(UseDirectPath, lambda action: self._paths.add(action.correspondent))
        daemon.on(LeaveDirectPath, lambda action: self._paths.remove(action.correspondent))
        self._look()

    def is_agent(self, sender: IPv6Address) -> bool:
        """Whether messages from there are the home agent's."""
        return sender == self._agent

    def follow(self, bindings: dict[IPv6Address, Binding]) -> None:
        """The bindings at home agents may have changed."""
        binding = bindings[self._home]
        care_of = binding.care_of if binding.phase is Phase.BOUND else None
        self._daemon.carry_out(self._core, self._core.moved(care_of, time.monotonic_ns()))

    def receive(self, packet: Packet) -> None:
        """A Mobility Header message came that is not the home agent's."""
        self._daemon.carry_out(self._core, self._core.receive(packet, time.monotonic_ns()))

    def close(self) -> dict[str, Any]:
        """Remove what is in the kernel; how things stood."""
        self._paths.close()
        self._senders.close()
        return {"direct": self._core.direct(), "optimiser": self._core.counters}

    def _look(self) -> None:
        heard = self._senders.look() - {self._agent}
        self._daemon.carry_out(self._core, self._core.heard(heard, time.monotonic_ns()))
        self._daemon.after(_LOOK_S, self._look)

    def _send(self, packet: MobilePacket) -> None:
        """RFC 6275 section 11.3.1: from the care-of address, with the Home Address option."""
        care_of = self._core.care_of
        direct = self._core.is_direct(packet.destination) and packet.source == self._home
        if care_of is not None and direct:  # else the route is about to go
            self._port.send_data(replace(packet, source=care_of, home_address=self._home))

    def _deliver(self, packet: MobilePacket) -> None:
        """RFC 6275 section 11.3.2: to the home address, which the routing header names."""
        if packet.routed_to == self._home and packet.home_address is None:
            self._paths.deliver(packet)
        else:
            self._daemon.count_malformed()
