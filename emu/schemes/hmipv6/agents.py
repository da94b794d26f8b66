"""Hierarchical Mobile IPv6: MAPs, and access routers that tell of them."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv6Address
from typing import Any

from agents.kernel.tunnel import MTU, NESTED_MTU
from emu.schemes.agents import Agent
from emu.schemes.hmipv6.anchor_points import ROLE, anchor_of
from emu.schemes.mipv6.agents import Mipv6


class Hmipv6(Mipv6):
    """RFC 5380; the home agent is that of Mobile IPv6, and has no part in it."""

    def roles(self) -> dict[str, Callable[[str], Agent]]:
        """The MAPs as well."""
        return {**super().roles(), ROLE: self._map}

    def maps(self, mar: str) -> list[str]:
        """The one whose domain it is in, if it is in any."""
        name = anchor_of(self.scenario, mar)
        return [] if name is None else [str(self._address(name))]

    def tunnel_mtu(self) -> int:
        """A home agent's lies in a MAP's."""
        return NESTED_MTU

    def _address(self, name: str) -> IPv6Address:
        """A MAP's, which is of the prefix that regional care-of addresses are made of."""
        return self.network.pool(name)[1]

    def _regional(self, name: str) -> list[IPv6Address]:
        """A mobile node's address at each MAP."""
        pools = (self.network.pool(one) for one in self.network.names(ROLE))
        return [self.address_of(name, pool) for pool in pools]

    def _mn(self, name: str) -> Agent:
        _, config = super()._mn(name)
        addresses = self.owners(lambda mn: [*self.homes(mn), *self._regional(mn)], name)
        return "agents.roles.hmipv6.hierarchical_node", {
            **config,
            "keys": self.keys(addresses),
            "agents": [str(self._address(one)) for one in self.network.names(ROLE)],
        }

    def _map(self, name: str) -> Agent:
        pool, nodes = self.network.pool(name), self.network.names("mn")
        config: dict[str, Any] = self._home_agent(name)
        return "agents.roles.hmipv6.anchor_point", {
            **config,
            "address": str(self._address(name)),
            "tunnel_mtu": MTU,
            "links": [str(self.network.pool(mar)) for mar in self.network.names("mar")],
            "keys": self.keys(self.owners(lambda mn: [self.address_of(mn, pool)], *nodes)),
        }
