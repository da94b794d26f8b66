"""A MAR as the home agent of mobile nodes that roam in another operator's network.

Prefix by prefix (HDMM paper section 4.3): of its own prefixes, wherever the network has them now;
and, for a mobile node that it served last, of those that other MARs anchor, which go on coming
through the tunnels from there.
"""

from __future__ import annotations

import time
from functools import partial
from ipaddress import IPv6Address, IPv6Network
from typing import Any

from agents.kernel.netlink import Netlink
from agents.mipv6.home_agent import HomeAgentCore
from agents.mobility.mar import MarCore
from agents.roles.daemon import Daemon
from agents.roles.forwarding_part import ForwardingPart
from agents.roles.home_agent_part import HomeAgentPart
from agents.roles.tunnel_devices import TunnelDevices

_PRIORITY = 900


class RoamingPart:
    """Joins a home agent to a ``MarCore``, whose sessions go on while their addresses are bound."""

    def __init__(
        self,
        daemon: Daemon,
        core: MarCore,
        forwarding: ForwardingPart,
        devices: TunnelDevices,
        config: dict[str, Any],
    ) -> None:
        self._daemon = daemon
        self._core = core
        self._forwarding = forwarding
        self._devices = devices
        self._netlink = Netlink()
        self._tables: dict[IPv6Address, int] = {}
        self._roaming: dict[str, set[IPv6Address]] = {}
        """The mobile nodes that this MAR represents, and their addresses that are bound here."""
        self._represented: dict[IPv6Address, str] = {}
        """Whose these addresses are."""
        self._agent = HomeAgentPart(
            daemon,
            config,
            partial(HomeAgentCore, also_serves=self._serves),
            beside_signalling=True,
        )
        self._agent.on_bind.add(self._bound)
        self._agent.on_unbind.add(self._unbound)

    def returned(self, identifier: str) -> None:
        """The mobile node is on the access link again."""
        self._roaming.pop(identifier, None)

    def close(self) -> dict[str, Any]:
        """Delete the tunnels; how things stood."""
        return self._agent.close()

    def _serves(self, home_address: IPv6Address) -> bool:
        return self._core.owner(home_address) is not None

    def _bound(self, home_address: IPv6Address) -> None:
        found = self._core.owner(home_address)
        if found is None:  # another MAR serves it, or did so last
            return
        identifier, anchor = found
        self._roaming.setdefault(identifier, set()).add(home_address)
        self._represented[home_address] = identifier
        self._daemon.carry_out(self._core, self._core.represent(identifier, time.monotonic_ns()))
        if anchor is not None and home_address not in self._tables:
            table = self._devices.table(self._forwarding.tunnels[anchor])
            self._tables[home_address] = table
            source = IPv6Network(home_address)
            self._netlink.rule_add(source, table=table, priority=_PRIORITY)

    def _unbound(self, home_address: IPv6Address) -> None:
        table = self._tables.pop(home_address, None)
        if table is not None:
            source = IPv6Network(home_address)
            self._netlink.rule_delete(source, table=table, priority=_PRIORITY)
        identifier = self._represented.pop(home_address, None)
        if identifier is None or identifier not in self._roaming:
            return
        self._roaming[identifier].discard(home_address)
        if not self._roaming[identifier]:
            del self._roaming[identifier]
            self._daemon.carry_out(self._core, self._core.detach(identifier, time.monotonic_ns()))
