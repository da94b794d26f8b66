"""A mobile node's part in route optimisation: its correspondents, and the direct paths to them."""

from __future__ import annotations

import time
from dataclasses import replace
from ipaddress import IPv6Address
from typing import Any

from agents.kernel.senders import Senders
from agents.mipv6.actions import LeaveDirectPath, UseDirectPath
from agents.mipv6.mobile_node import MobileNodeCore
from agents.mipv6.packets import Packet
from agents.mipv6.route_optimiser import RouteOptimiser
from agents.mipv6.update_list import Binding, Phase
from agents.roles.daemon import Daemon
from agents.roles.direct_paths import DirectPaths
from agents.roles.mobile_ip_port import MobileIpPort
from agents.wire.mobile_packet import MobilePacket

_LOOK_S = 0.25
"""How often it is looked who sends to the home addresses."""


class RouteOptimisation:
    """Joins a ``RouteOptimiser`` to its messages, to users' packets, and to the kernel."""

    def __init__(
        self,
        daemon: Daemon,
        port: MobileIpPort,
        core: RouteOptimiser,
        home_core: MobileNodeCore,
        paths: DirectPaths,
    ) -> None:
        """``home_core`` knows what the home agents know."""
        self._daemon = daemon
        self._port = port
        self._core = core
        self._home_core = home_core
        self._paths = paths
        self._senders: dict[IPv6Address, Senders] = {}
        self._agents: set[IPv6Address] = set()
        port.on_data.add(self._deliver)
        paths.on_packet.add(self._send)
        daemon.on(UseDirectPath, lambda a: paths.add(a.correspondent, a.home_address))
        daemon.on(LeaveDirectPath, lambda a: paths.remove(a.correspondent, a.home_address))
        self._look()

    def is_agent(self, sender: IPv6Address) -> bool:
        """Whether messages from there are a home agent's."""
        return sender in self._agents

    def follow(self) -> None:
        """The bindings at home agents may have changed."""
        now, bindings = time.monotonic_ns(), self._home_core.bindings()
        self._agents = {binding.home_agent for binding in bindings.values()}
        for home in self._senders.keys() - bindings.keys():
            self._senders.pop(home).close()
            self._daemon.carry_out(self._core, self._core.forget(home))
        for home, binding in bindings.items():
            if home not in self._senders:
                self._senders[home] = Senders(home)
            self._daemon.carry_out(self._core, self._core.moved(home, _place(binding), now))

    def receive(self, packet: Packet) -> None:
        """A Mobility Header message came that is no home agent's."""
        self._daemon.carry_out(self._core, self._core.receive(packet, time.monotonic_ns()))

    def close(self) -> dict[str, Any]:
        """Remove what is in the kernel; how things stood."""
        self._paths.close()
        for senders in self._senders.values():
            senders.close()
        direct = [{"home": home, "correspondent": peer} for home, peer in self._core.direct()]
        return {"direct": direct, "optimiser": self._core.counters}

    def _look(self) -> None:
        self.follow()  # bindings end by time, too
        for home, senders in self._senders.items():
            heard = senders.look() - self._agents
            self._daemon.carry_out(self._core, self._core.heard(home, heard, time.monotonic_ns()))
        self._daemon.after(_LOOK_S, self._look)

    def _send(self, packet: MobilePacket) -> None:
        """RFC 6275 section 11.3.1: from the care-of address, with the Home Address option."""
        home = packet.source
        care_of = self._core.care_of(home)
        # Else the route is about to go.
        if care_of is not None and self._core.is_direct(home, packet.destination):
            self._port.send_data(replace(packet, source=care_of, home_address=home))

    def _deliver(self, packet: MobilePacket) -> None:
        """RFC 6275 section 11.3.2: to the home address, which the routing header names."""
        if packet.routed_to in self._senders and packet.home_address is None:
            self._paths.deliver(packet)
        else:
            self._daemon.count_malformed()


def _place(binding: Binding) -> IPv6Address | None:
    """Where the home address can be reached now, as the home agent knows."""
    if binding.phase is Phase.HOME:
        return binding.home_address
    return binding.care_of if binding.phase is Phase.BOUND else None
