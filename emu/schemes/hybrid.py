"""The hybrid scheme: network-based at home, client-based in another operator's network."""

from __future__ import annotations

from collections.abc import Callable

from emu.schemes.base import Agent, Scheme
from emu.schemes.dmm import Dmm
from emu.schemes.host_based import HostBased


class Hybrid(HostBased, Dmm):
    """Section 4.3 of the HDMM paper; the other operator has no mobility management of its own."""

    def roles(self) -> dict[str, Callable[[str], Agent]]:
        """MARs with their CMD in the home domain, plain access routers elsewhere."""
        return {**Scheme.roles(self), "mar": self._either, "cmd": self._cmd}

    def _either(self, name: str) -> Agent:
        if name not in self._home_domain():
            return HostBased._mar(self, name)
        module, config = Dmm._mar(self, name)
        return module, {**config, "home_agent": self._home_agent(name)}

    def _mn(self, name: str) -> Agent:
        module, config = super()._mn(name)
        return module, {
            **config,
            "home_domain": [str(self.network.pool(mar)) for mar in self._home_domain()],
            "only_last": self.scenario.mobility.update == "last",
        }

    def _home_domain(self) -> list[str]:
        return self.scenario.mobility.home_domain
