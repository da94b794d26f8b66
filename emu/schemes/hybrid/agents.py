"""The hybrid scheme: network-based at home, client-based in another operator's network."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv6Address

from agents.kernel.tunnel import MTU, NESTED_MTU
from emu.host_based.agents import HostBased
from emu.schemes.agents import Agent, Agents
from emu.schemes.dmm.agents import Dmm
from emu.schemes.hybrid.keys import Domains
from topologies.parameters import SECOND_CMD

FOREIGN_MARS = IPv6Address("ff05::5214")
"""The group of all MARs of the foreign domain, where there is no CMD."""


class Hybrid(HostBased, Dmm):
    """Section 4.3 of the HDMM paper; other operators may have mobility management of their own."""

    def roles(self) -> dict[str, Callable[[str], Agent]]:
        """MARs in each domain, with a CMD each or without; plain access routers elsewhere."""
        agents = {**Agents.roles(self), "mar": self._either}
        return {**agents, **self._centre(), **self._correspondents()}

    def managed(self) -> list[str]:
        """Those of the home operator, and of the other one who manages mobility."""
        return [*self._domains.home_domain, *self._domains.foreign_domain]

    def group_of(self, mar: str) -> IPv6Address:
        """Each domain has its own."""
        return FOREIGN_MARS if self._is_foreign(mar) else super().group_of(mar)

    def cmd_of(self, mar: str) -> str:
        """Each domain has its own."""
        return SECOND_CMD if self._is_foreign(mar) else super().cmd_of(mar)

    def peers(self, name: str) -> dict[str, str]:
        """Operators know their own MARs only."""
        domains = self._domains
        domain = domains.foreign_domain if self._is_foreign(name) else domains.home_domain
        return {address: mar for address, mar in self.mars().items() if mar in domain}

    def key_of(self, name: str) -> str | None:
        """Operators share no secret."""
        key = super().key_of(name)
        return f"{key} of {SECOND_CMD}" if key and self._is_foreign(name) else key

    def tunnel_mtu(self) -> int:
        """A care-of address of the foreign domain may be at the far end of a tunnel there."""
        return NESTED_MTU if self._domains.foreign_domain else MTU

    @property
    def _domains(self) -> Domains:
        return self.scenario.mobility.of(Domains)

    def _is_foreign(self, name: str) -> bool:
        return name in (*self._domains.foreign_domain, SECOND_CMD)

    def _either(self, name: str) -> Agent:
        at_home = name in self._domains.home_domain
        if not at_home and not self._is_foreign(name):
            return HostBased._mar(self, name)
        module, config = Dmm._mar(self, name)
        return module, {**config, "home_agent": self._home_agent(name) if at_home else None}

    def _mn(self, name: str) -> Agent:
        module, config = super()._mn(name)
        domains = self._domains
        return module, {
            **config,
            "home_domain": [str(self.network.pool(mar)) for mar in domains.home_domain],
            "only_last": domains.update == "last",
            "rebinds": domains.care_of == "update",
        }
