"""The hybrid scheme: network-based at home, client-based in another operator's network."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv6Address

from agents.kernel.tunnel import MTU, NESTED_MTU
from emu.schemes.base import Agent, Scheme
from emu.schemes.dmm import Dmm
from emu.schemes.host_based import HostBased
from topologies.domain import SECOND_CMD

FOREIGN_MARS = IPv6Address("ff05::5214")
"""The group of all MARs of the foreign domain, where there is no CMD."""


class Hybrid(HostBased, Dmm):
    """Section 4.3 of the HDMM paper; other operators may have mobility management of their own."""

    def roles(self) -> dict[str, Callable[[str], Agent]]:
        """MARs in each domain, with a CMD each or without; plain access routers elsewhere."""
        agents = {**Scheme.roles(self), "mar": self._either}
        return {**agents, **self._centre(), **self._correspondents()}

    def managed(self) -> list[str]:
        """Those of the home operator, and of the other one who manages mobility."""
        mobility = self.scenario.mobility
        return [*mobility.home_domain, *mobility.foreign_domain]

    def group_of(self, mar: str) -> IPv6Address:
        """Each domain has its own."""
        return FOREIGN_MARS if self._is_foreign(mar) else super().group_of(mar)

    def cmd_of(self, mar: str) -> str:
        """Each domain has its own."""
        return SECOND_CMD if self._is_foreign(mar) else super().cmd_of(mar)

    def peers(self, name: str) -> dict[str, str]:
        """Operators know their own MARs only."""
        mobility = self.scenario.mobility
        domain = mobility.foreign_domain if self._is_foreign(name) else mobility.home_domain
        return {address: mar for address, mar in self.mars().items() if mar in domain}

    def key_of(self, name: str) -> str | None:
        """Operators share no secret."""
        key = super().key_of(name)
        return f"{key} of {SECOND_CMD}" if key and self._is_foreign(name) else key

    def tunnel_mtu(self) -> int:
        """A care-of address of the foreign domain may be at the far end of a tunnel there."""
        return NESTED_MTU if self.scenario.mobility.foreign_domain else MTU

    def _is_foreign(self, name: str) -> bool:
        return name in (*self.scenario.mobility.foreign_domain, SECOND_CMD)

    def _either(self, name: str) -> Agent:
        at_home = name in self.scenario.mobility.home_domain
        if not at_home and not self._is_foreign(name):
            return HostBased._mar(self, name)
        module, config = Dmm._mar(self, name)
        return module, {**config, "home_agent": self._home_agent(name) if at_home else None}

    def _mn(self, name: str) -> Agent:
        module, config = super()._mn(name)
        mobility = self.scenario.mobility
        return module, {
            **config,
            "home_domain": [str(self.network.pool(mar)) for mar in mobility.home_domain],
            "only_last": mobility.update == "last",
            "rebinds": mobility.care_of == "update",
        }
