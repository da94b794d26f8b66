"""The local mobility anchor of Proxy Mobile IPv6: LMA (RFC 5213)."""

from __future__ import annotations

import time
from ipaddress import IPv6Address, IPv6Network
from typing import Any

from agents.mobility.config import LmaConfig
from agents.mobility.lma import LmaCore
from agents.multicast.config import OF_ROUTERS
from agents.roles.daemon import Daemon
from agents.roles.forwarding_part import ForwardingPart
from agents.roles.interception_part import InterceptionPart
from agents.roles.multicast_part import MulticastPart
from agents.roles.multicast_tunnels import MulticastTunnels
from agents.roles.signalling import Signalling
from agents.roles.state_report import StateReport
from agents.roles.tunnel_devices import TunnelDevices


class LocalMobilityAnchor:
    """Joins an ``LmaCore`` to the kernel, and an MLD proxy to its tunnels (RFC 6224)."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._daemon = Daemon(config["node"], config["log"])
        mags = {IPv6Address(address): name for address, name in config["peers"].items()}
        address = IPv6Address(config["address"])
        pool = IPv6Network(config["pool"])
        self._core = LmaCore(
            LmaConfig(
                address=address,
                pool=pool,
                mags=frozenset(mags),
                clock_offset=time.time_ns() - time.monotonic_ns(),
                **config["mobility"],
            )
        )
        devices = TunnelDevices(self._daemon, address, config["tunnel_backend"], mags, pool)
        self._forwarding = ForwardingPart(self._daemon, self._core, devices)
        if config["interception"]:
            InterceptionPart(self._forwarding, pool, config["interception"])
        self._signalling = Signalling(self._daemon, address, self._core, key=config["key"])
        self._multicast: MulticastPart | None = None
        if config["multicast"]:
            proxy = OF_ROUTERS | config["multicast"]
            self._multicast = MulticastPart(
                self._daemon, proxy, config["seed"], pool=IPv6Network(config["pool"])
            )
            self._multicast.add_link(config["upstream"], upstream=True, downstream=False)
            MulticastTunnels(
                self._daemon, self._multicast, self._forwarding, upstream=False, downstream=True
            )
            self._forwarding.on_route.add(self._away)
        self._report = StateReport(self._daemon, self._core, self._forwarding, self._signalling)
        if self._multicast:
            self._report.add_multicast(self._multicast)
        self._report.answer(config["query"])

    def run(self) -> None:
        """Serve until told to stop."""
        self._daemon.run(self._report.last_words)

    def _away(self, prefix: IPv6Network, mag: IPv6Address | None) -> None:
        """A mobile node with this prefix is behind the tunnel to a MAG; None: behind none."""
        assert self._multicast is not None
        self._multicast.away(prefix, self._forwarding.tunnels[mag].name if mag else None)


def main(config: dict[str, Any]) -> None:
    """Be an LMA."""
    LocalMobilityAnchor(config).run()
