"""The mobile access gateway of Proxy Mobile IPv6: MAG (RFC 5213)."""

from __future__ import annotations

import time
from ipaddress import IPv6Address
from typing import Any, Protocol

from agents.mobility.actions import ServingEnded, ServingStarted
from agents.mobility.config import MagConfig
from agents.mobility.mag import MagCore
from agents.roles import ingress_filter
from agents.roles.access_part import AccessCore, access_link
from agents.roles.daemon import Daemon
from agents.roles.forwarding_part import ForwardingPart, TunnellingCore
from agents.roles.listeners_part import ListenersPart
from agents.roles.multicast_part import MulticastPart
from agents.roles.multicast_tunnels import MulticastTunnels
from agents.roles.signalling import Signalling, SignallingCore
from agents.roles.state_report import BindingCore, StateReport
from agents.roles.tunnel_devices import TunnelDevices
from agents.roles.visiting_sources import VisitingSources
from agents.wire import mld


class GatewayCore(AccessCore, SignallingCore, TunnellingCore, BindingCore, Protocol):
    """A MAG's protocol machine."""


class MobileAccessGateway:
    """Joins a ``MagCore`` to the kernel, and an MLD proxy to the access link."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._daemon = Daemon(config["node"], config["log"])
        self._link: str = config["access"]
        mag = mag_config(config)
        self._address, self._lma = mag.address, mag.lma
        self._core = self._make_core(mag, config)
        self._daemon.on(ServingStarted, self._log_serving)
        self._daemon.on(ServingEnded, self._log_ended)
        devices = TunnelDevices(
            self._daemon, mag.address, config["tunnel_backend"], self._tunnel_names(mag, config)
        )
        self._forwarding = ForwardingPart(self._daemon, self._core, devices, self._link)
        self._signalling = Signalling(
            self._daemon, mag.address, self._core, key=config["key"], untrusted=(self._link,)
        )
        self._access = access_link(self._daemon, self._core, config, self._signalling.overheard)
        self._port = self._access.port
        self._multicast = self._proxy(config) if config["multicast"] else None
        ingress_filter.route_only(self._link)
        if self._multicast:
            self._port.add(dict.fromkeys(mld.TYPES, self._multicast.receive))
            self._multicast.add_port(
                self._port,
                mag.link_local,
                upstream=False,
                downstream=True,
                visited=True,
                announced=True,
            )
            ListenersPart(self._daemon, self._multicast, self._access, self._link)
            VisitingSources(self._daemon, self._multicast, self._access, self._link)
        self._report = StateReport(self._daemon, self._core, self._forwarding, self._signalling)
        if self._multicast:
            self._report.add_multicast(self._multicast)
        if self._access.guard:
            self._report.add("guard", self._access.guard.counts)
        self._report.answer(config["query"])

    def run(self) -> None:
        """Serve until told to stop."""
        self._daemon.run(self._report.last_words)

    def _make_core(self, mag: MagConfig, config: dict[str, Any]) -> GatewayCore:
        return MagCore(mag)

    def _tunnel_names(self, mag: MagConfig, config: dict[str, Any]) -> dict[IPv6Address, str]:
        """The routers to which there may be tunnels."""
        return {mag.lma: "lma"}

    def _proxy(self, config: dict[str, Any]) -> MulticastPart:
        """The MLD proxy.

        Its upstream is the native infrastructure (RFC 7028), or else the tunnel (RFC 6224).
        """
        multicast = MulticastPart(self._daemon, config["multicast"], config["seed"])
        if config["upstream"]:
            multicast.add_link(config["upstream"], upstream=True, downstream=False)
        else:
            MulticastTunnels(
                self._daemon,
                multicast,
                self._forwarding,
                upstream=True,
                downstream=False,
                peers=[self._lma],
            )
        return multicast

    def _log_serving(self, action: ServingStarted) -> None:
        self._daemon.log.write("serving", mn=action.mobile_node.identifier)

    def _log_ended(self, action: ServingEnded) -> None:
        self._daemon.log.write("serving_ended", mn=action.mobile_node.identifier)


def mag_config(config: dict[str, Any]) -> MagConfig:
    """The core's configuration from the role's."""
    return MagConfig(
        address=IPv6Address(config["address"]),
        lma=IPv6Address(config["lma"]),
        link_local=IPv6Address(config["link_local"]),
        link_layer_address=bytes.fromhex(config["link_layer_address"].replace(":", "")),
        clock_offset=time.time_ns() - time.monotonic_ns(),
        **config["mobility"],
    )


def main(config: dict[str, Any]) -> None:
    """Be a MAG."""
    MobileAccessGateway(config).run()
