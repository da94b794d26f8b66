"""What Mobile IPv6 and client-based DMM have in common: the mobile node does it itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import IPv6Address
from typing import Any, ClassVar

from agents.core import SECOND
from agents.kernel.tunnel import MTU
from emu.events import Event
from emu.host_based.keys import RouteOptimisation, Security
from emu.schemes.agents import Agent, Agents
from emu.schemes.keys import IdleRelease


class HostBased(Agents):
    """Access routers that only advertise, and mobile nodes that send Binding Updates."""

    homes_are_local: ClassVar[bool] = False
    """Whether each access router is the home agent of the addresses that come from it."""

    def roles(self) -> dict[str, Callable[[str], Agent]]:
        """Access routers and mobile nodes; servers, if they are to support route optimisation."""
        return {**super().roles(), "mar": self._mar, **self._correspondents()}

    @property
    def by_tunnel(self) -> bool:
        """Whether channels come by the home agent's tunnels."""
        has_any = self.scenario.multicast.scheme != "none"
        return has_any and not self.multicast_scheme.natively

    def tracking_timers(self) -> dict[str, Any] | None:
        """Of MLD proxies that mobile nodes report to; None without multicast."""
        return self.proxy_timers(explicit_tracking=self.scenario.multicast.explicit_tracking)

    def homes(self, name: str) -> dict[IPv6Address, IPv6Address]:
        """The home addresses that a mobile node has from the start, each with its home agent."""
        return {}

    def may_move(self, name: str, events: Sequence[Event]) -> bool:
        """With return routability a home address is tested at home, or is never bound."""
        if not self.scenario.mobility.of(Security).security.return_routability or self.homes(name):
            return True
        return any(e["kind"] == "home_tested" and e["node"] == name for e in events)

    def tunnel_mtu(self) -> int:
        """Of the tunnels between mobile nodes and home agents."""
        return MTU

    def maps(self, mar: str) -> list[str]:
        """The mobility anchor points that an access router tells of (RFC 5380)."""
        return []

    def _correspondents(self) -> dict[str, Callable[[str], Agent]]:
        wanted = self.scenario.mobility.of(RouteOptimisation).route_optimisation
        return {"server": self._server} if wanted else {}

    def _server(self, name: str) -> Agent:
        return "agents.roles.correspondent", {
            "address": str(self.network.address(name)),
            "interface": self.network.interface(name, "lan").name,
            "tunnel_backend": self.tunnel_backend,
        }

    def _mar(self, name: str) -> Agent:
        return "agents.roles.access_router", {
            **self.access_link(name),
            **self._home_agent(name),
            "home_agent": self.homes_are_local,
            "maps": self.maps(name),
            "upstream": self.network.interface(name, "core").name,
            "multicast": None if self.by_tunnel else self.tracking_timers(),
        }

    def _home_agent(self, name: str) -> dict[str, Any]:
        """What a home agent is told."""
        return {
            "address": str(self.network.address(name)),
            "pool": str(self.network.pool(name)),
            "interfaces": [end.name for end in self.network.interfaces(name)],
            "tunnel_backend": self.tunnel_backend,
            "tunnel_mtu": self.tunnel_mtu(),
            "lifetime": self.scenario.mobility.binding_lifetime // SECOND,
            "security": self.scenario.mobility.of(Security).security.model_dump(),
        }

    def _mn(self, name: str) -> Agent:
        mobility = self.scenario.mobility
        return "agents.roles.mobile_node", {
            "interface": self.network.interface(name, "wireless").name,
            "homes": {str(home): str(agent) for home, agent in self.homes(name).items()},
            "tunnel_backend": self.tunnel_backend,
            "tunnel_mtu": self.tunnel_mtu(),
            "lifetime": mobility.binding_lifetime // SECOND,
            "retransmission": mobility.retransmission,
            "security": mobility.of(Security).security.model_dump(),
            "idle_release": mobility.of(IdleRelease).idle_release,
            "home_domain": [],
            "only_last": False,
            "rebinds": False,
            "route_optimisation": mobility.of(RouteOptimisation).route_optimisation,
            "multicast_by_tunnel": self.by_tunnel,
        }
