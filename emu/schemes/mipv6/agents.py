"""Mobile IPv6: one home agent, and a home address for each mobile node."""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable, Iterable, Mapping
from ipaddress import IPv6Address, IPv6Network
from typing import Any

from emu.host_based.agents import HostBased
from emu.scenario.fields import NO_KEY
from emu.schemes.agents import Agent
from topologies.parameters import HOME_POOL

_KEY_SIZE = 16
"""Octets (RFC 4285 section 5.1)."""


class Mipv6(HostBased):
    """RFC 6275; the centralized client-based scheme of the HDMM paper (figure 1)."""

    permanent = HOME_POOL

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._secret = _secret(self.scenario.mobility.key)

    def roles(self) -> dict[str, Callable[[str], Agent]]:
        """The home agent as well."""
        return {**super().roles(), "ha": self._ha}

    def homes(self, name: str) -> dict[IPv6Address, IPv6Address]:
        """An address of the home agent's pool, with the node's own interface identifier."""
        return {self.address_of(name, self.network.pool("ha")): self.network.address("ha")}

    def address_of(self, name: str, pool: IPv6Network) -> IPv6Address:
        """A mobile node's in the first prefix of a pool."""
        identifier = self.network.interface(name, "wireless").link_local
        assert identifier is not None  # only the switch has none
        return IPv6Address(int(pool.network_address) | int(identifier) & (1 << 64) - 1)

    def _mn(self, name: str) -> Agent:
        module, config = super()._mn(name)
        return module, {**config, "keys": self.keys(self.owners(self.homes, name))}

    def owners(
        self, homes: Callable[[str], Iterable[IPv6Address]], *names: str
    ) -> dict[IPv6Address, str]:
        """These mobile nodes by their home addresses."""
        return {home: name for name in names for home in homes(name)}

    def keys(self, owners: Mapping[IPv6Address, str]) -> dict[str, tuple[str, str]] | None:
        """What mobile nodes share with a home agent, each for its home address."""
        if self._secret is None:
            return None
        return {
            str(home): (name, hmac.digest(self._secret, home.packed, "sha256")[:_KEY_SIZE].hex())
            for home, name in owners.items()
        }

    def _ha(self, name: str) -> Agent:
        return "agents.roles.ha", {
            **self._home_agent(name),
            "keys": self.keys(self.owners(self.homes, *self.network.names("mn"))),
            "upstream": self.network.interface(name, "home").name,
            "multicast": self.tracking_timers() if self.by_tunnel else None,
        }


def _secret(key: str | None) -> bytes | None:
    """What the keys of a run are made of: what the scenario says, or a secret that nobody reads."""
    if key == NO_KEY:
        return None
    return os.urandom(_KEY_SIZE) if key is None else key.encode()
