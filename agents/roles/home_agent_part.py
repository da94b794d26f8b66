"""A home agent on the kernel: the MIPv6 anchor ``ha``, or a part of each DAR."""

from __future__ import annotations

import time
from collections.abc import Callable
from ipaddress import IPv6Address, IPv6Network
from typing import Any

from agents.kernel.netlink import Netlink
from agents.kernel.tunnel import Tunnel
from agents.mipv6.actions import Bind, Unbind
from agents.mipv6.authorization import Verification
from agents.mipv6.config import HomeAgentConfig
from agents.mipv6.home_agent import HomeAgentCore
from agents.mipv6.packets import Packet
from agents.roles.binding_security import verifier
from agents.roles.care_of_tunnels import CareOfTunnels
from agents.roles.daemon import Daemon
from agents.roles.home_keys import home_keys
from agents.roles.hook import Hook
from agents.roles.mobile_ip_port import MobileIpPort

OnTunnel = Hook[IPv6Address, "Tunnel | None", "Tunnel | None"]
"""Of a home address, the tunnel that it was behind, and the one that it is behind now."""


class HomeAgentPart:
    """Joins a ``HomeAgentCore`` to its messages, and to tunnels and routes of home addresses."""

    def __init__(
        self,
        daemon: Daemon,
        config: dict[str, Any],
        make: Callable[[HomeAgentConfig, Verification | None], HomeAgentCore] = HomeAgentCore,
        *,
        beside_signalling: bool = False,
    ) -> None:
        """``config``: address, pool, lifetime in s, tunnel_backend, tunnel_mtu, interfaces,
        security, and keys, where mobile nodes have some. ``make`` is for a home agent of another
        kind. A MAR has the messages between routers beside it.
        """
        self.on_bind: Hook[IPv6Address] = Hook()
        self.on_unbind: Hook[IPv6Address] = Hook()
        self.on_tunnel: OnTunnel = Hook()
        self._daemon = daemon
        self._address = IPv6Address(config["address"])
        self.core = make(
            HomeAgentConfig(self._address, IPv6Network(config["pool"]), config["lifetime"]),
            verifier(config),
        )
        self._netlink = Netlink()
        self._devices = CareOfTunnels(daemon, config["tunnel_backend"], config["tunnel_mtu"])
        self._tunnels: dict[IPv6Address, Tunnel] = {}
        self._keys = home_keys((self._address,), config.get("keys"))
        port = MobileIpPort(
            daemon,
            self._received,
            self._address,
            beside_signalling=beside_signalling,
            keys=self._keys,
        )
        if config["tunnel_backend"] == "bpf":
            port.shield(config["interfaces"])
        daemon.on(Bind, self._bind)
        daemon.on(Unbind, self._unbind)

    def serves(self, prefix: IPv6Network) -> bool:
        """Whether an address of the prefix is bound."""
        return any(home in prefix for home in self.core.bindings())

    def close(self) -> dict[str, Any]:
        """Delete the tunnels; how things stood."""
        tunnels = self._devices.names()
        self._devices.close()
        bindings = {str(home): care_of for home, care_of in self.core.bindings().items()}
        state = {"bindings": bindings, "tunnels": tunnels, "counters": self.core.counters}
        return {**state, "signalling": self._keys.counters} if self._keys else state

    def _received(self, packet: Packet) -> None:
        self._daemon.carry_out(self.core, self.core.receive(packet, time.monotonic_ns()))

    def _bind(self, action: Bind) -> None:
        home = action.home_address
        before = self._tunnels.get(home)
        tunnel = self._devices.hold(self._address, action.care_of, home)
        self._tunnels[home] = tunnel
        self._netlink.route_replace(IPv6Network(home), oif=tunnel.name)
        self.on_tunnel(home, before, tunnel)
        if before is not None:
            self._devices.release(before, home)
        self.on_bind(home)

    def _unbind(self, action: Unbind) -> None:
        home = action.home_address
        tunnel = self._tunnels.pop(home)
        self._netlink.route_delete(IPv6Network(home))
        self.on_tunnel(home, tunnel, None)
        self._devices.release(tunnel, home)
        self.on_unbind(home)
