"""Proxy Mobile IPv6: the access routers are MAGs, and all prefixes are the LMA's (RFC 5213)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agents.core import SECOND
from emu.schemes.agents import Agent, Agents


class Pmipv6(Agents):
    """RFC 5213; multicast by the LMA (RFC 6224), or by each MAG's own way (RFC 7028)."""

    def roles(self) -> dict[str, Callable[[str], Agent]]:
        """MAGs in the MARs' places, and the LMA."""
        return {**super().roles(), "mar": self._mag, "lma": self._lma}

    def _mag(self, name: str) -> Agent:
        network = self.network
        native = self.multicast_scheme.natively
        tracking = self.scenario.multicast.explicit_tracking
        return "agents.roles.mag", {
            **self.access_link(name),
            "address": str(network.address(name)),
            "lma": str(network.address("lma")),
            "pool": str(network.pool("lma")),
            "upstream": network.interface(name, "core").name if native else None,
            "tunnel_backend": self.tunnel_backend,
            "multicast": self.proxy_timers(explicit_tracking=tracking),
            "key": self.scenario.mobility.domain_key,
            "mobility": {
                "binding_lifetime_s": self._lifetime_s(),
                "initial_timeout": self.scenario.mobility.retransmission,
            },
        }

    def _lma(self, name: str) -> Agent:
        network = self.network
        return "agents.roles.lma", {
            "address": str(network.address(name)),
            "pool": str(network.pool(name)),
            "upstream": network.interface(name, "home").name,
            "tunnel_backend": self.tunnel_backend,
            "peers": self.mars(),
            "multicast": self._timers_of_lma(),
            "interception": self.interception(name),
            "key": self.scenario.mobility.domain_key,
            "mobility": {"binding_lifetime_s": self._lifetime_s()},
        }

    def _timers_of_lma(self) -> dict[str, Any] | None:
        """It has a part in multicast only where that comes by its tunnels."""
        if self.multicast_scheme.natively:
            return None
        return self.proxy_timers(explicit_tracking=self.scenario.multicast.explicit_tracking)

    def _lifetime_s(self) -> int:
        return self.scenario.mobility.binding_lifetime // SECOND
