"""Mobile IPv6: one home agent, and a home address for each mobile node."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv6Address

from emu.network.addressing import HOME_POOL
from emu.schemes.base import Agent
from emu.schemes.host_based import HostBased


class Mipv6(HostBased):
    """RFC 6275; the centralized client-based scheme of the HDMM paper (figure 1)."""

    centre = "ha"
    permanent = HOME_POOL

    def roles(self) -> dict[str, Callable[[str], Agent]]:
        """The home agent as well."""
        return {**super().roles(), "ha": self._ha}

    def homes(self, name: str) -> dict[IPv6Address, IPv6Address]:
        """An address of the home agent's pool, with the node's own interface identifier."""
        identifier = self.network.interface(name, "wireless").link_local
        assert identifier is not None  # only the switch has none
        base = int(self.network.pool("ha").network_address)
        home = IPv6Address(base | int(identifier) & (1 << 64) - 1)
        return {home: self.network.address("ha")}

    def _ha(self, name: str) -> Agent:
        return "agents.roles.ha", {
            **self._home_agent(name),
            "upstream": self.network.interface(name, "home").name,
            "multicast": self.tracking_timers() if self.by_tunnel else None,
        }
