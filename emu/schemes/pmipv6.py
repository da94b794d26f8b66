"""Proxy Mobile IPv6: the access routers are MAGs, and all prefixes are the LMA's (RFC 5213)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from agents.core import SECOND
from emu.sandbox import RUN_DIRECTORY
from emu.scenario.multicast import RFC6224, RFC7028
from emu.schemes.base import Agent, Scheme
from topologies.parameters import Centre

_NATIVE = {RFC6224: False, RFC7028: True, "none": False}
"""Whether a MAG has channels from the native infrastructure, by the multicast scheme."""


class Pmipv6(Scheme):
    """RFC 5213; multicast by the LMA (RFC 6224), or by each MAG's own way (RFC 7028)."""

    centre: ClassVar[Centre] = "lma"

    def roles(self) -> dict[str, Callable[[str], Agent]]:
        """MAGs in the MARs' places, and the LMA."""
        return {**super().roles(), "mar": self._mag, "lma": self._lma}

    def _mag(self, name: str) -> Agent:
        network = self.network
        access = network.interface(name, "access")
        native = _NATIVE[self.scenario.multicast.scheme]
        tracking = self.scenario.multicast.explicit_tracking
        return "agents.roles.mag", {
            "address": str(network.address(name)),
            "lma": str(network.address("lma")),
            "pool": str(network.pool("lma")),
            "link_local": str(access.link_local),
            "link_layer_address": access.link_layer_address,
            "access": access.name,
            "upstream": network.interface(name, "core").name if native else None,
            "tunnel_backend": self.tunnel_backend,
            "peers": self.mars(),
            "trigger": str(RUN_DIRECTORY / f"{name}.trigger"),
            "multicast": self.proxy_timers(explicit_tracking=tracking),
            "key": self.scenario.mobility.key,
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
            "key": self.scenario.mobility.key,
            "mobility": {"binding_lifetime_s": self._lifetime_s()},
        }

    def _timers_of_lma(self) -> dict[str, Any] | None:
        """It has a part in multicast only where that comes by its tunnels."""
        if self.scenario.multicast.scheme != RFC6224:
            return None
        return self.proxy_timers(explicit_tracking=self.scenario.multicast.explicit_tracking)

    def _lifetime_s(self) -> int:
        return self.scenario.mobility.binding_lifetime // SECOND
