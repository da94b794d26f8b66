"""The mobile access gateway of Proxy Mobile IPv6: MAG (RFC 5213)."""

from __future__ import annotations

import time
from ipaddress import IPv6Address, IPv6Network
from typing import Any

from agents.mobility.actions import MobileNode, ServingEnded, ServingStarted
from agents.mobility.config import MagConfig
from agents.mobility.mag import MagCore
from agents.roles import ingress_filter
from agents.roles.access_part import AccessPart
from agents.roles.daemon import Daemon
from agents.roles.forwarding_part import ForwardingPart
from agents.roles.guard_part import guard
from agents.roles.link_port import Handler, LinkPort
from agents.roles.multicast_part import MulticastPart
from agents.roles.multicast_tunnels import MulticastTunnels
from agents.roles.signalling import Signalling
from agents.roles.state_report import StateReport
from agents.roles.tunnel_devices import TunnelDevices
from agents.wire import mld, ndp


class MobileAccessGateway:
    """Joins a ``MagCore`` to the kernel, and an MLD proxy to the access link."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._daemon = Daemon(config["node"], config["log"])
        peers = {IPv6Address(address): name for address, name in config["peers"].items()}
        self._link: str = config["access"]
        mag = mag_config(config)
        self._core = MagCore(mag)
        devices = TunnelDevices(
            self._daemon, mag.address, config["tunnel_backend"], {mag.lma: "lma"}
        )
        self._forwarding = ForwardingPart(self._daemon, self._core, devices, self._link)
        self._guard = guard(self._daemon, self._link, wanted=config["source_guard"])
        self._access = AccessPart(
            self._daemon, self._core, mag.link_layer_address, peers, self._guard
        )
        self._signalling = Signalling(
            self._daemon, mag.address, self._core, key=config["key"], untrusted=(self._link,)
        )
        handlers: dict[int, Handler] = {ndp.ROUTER_SOLICITATION: self._access.solicited}
        self._multicast = self._proxy(config) if config["multicast"] else None
        if self._multicast:
            handlers |= dict.fromkeys(mld.TYPES, self._multicast.receive)
            self._access.on_link_up = self._link_up
        port = LinkPort(self._daemon, self._link, handlers, mobility=self._signalling.overheard)
        self._access.serve(port)
        ingress_filter.route_only(self._link)
        if self._multicast:
            # Its nodes' prefixes are the LMA's, and others of them are elsewhere.
            self._multicast.add_port(
                port,
                mag.link_local,
                upstream=False,
                downstream=True,
                hosts=IPv6Network(config["pool"]),
                hosts_move=True,
                announced=True,
            )
        self._daemon.on(ServingStarted, self._serving_started)
        self._daemon.on(ServingEnded, self._serving_ended)
        self._access.listen_for_triggers(config["trigger"])
        self._report = StateReport(
            self._daemon,
            self._core,
            self._forwarding,
            self._signalling,
            self._multicast,
            lambda: {"guard": self._guard.counts() if self._guard else None},
        )
        self._report.answer(config["query"])

    def run(self) -> None:
        """Serve until told to stop."""
        self._daemon.run(self._report.last_words)

    def _proxy(self, config: dict[str, Any]) -> MulticastPart:
        """The MLD proxy.

        Its upstream is the native infrastructure (RFC 7028), or else the tunnel (RFC 6224).
        """
        multicast = MulticastPart(self._daemon, config["multicast"], config["seed"])
        if config["upstream"]:
            multicast.add_link(config["upstream"], upstream=True, downstream=False)
        else:
            MulticastTunnels(
                self._daemon, multicast, self._forwarding, upstream=True, downstream=False
            )
        return multicast

    def _link_up(self, mobile_node: MobileNode) -> None:
        assert self._multicast is not None
        self._multicast.attached(mobile_node.link_layer_address, self._link)

    def _serving_started(self, action: ServingStarted) -> None:
        mobile_node = action.mobile_node
        self._daemon.log.write("serving", mn=mobile_node.identifier)
        if self._multicast:
            self._multicast.bound(mobile_node.link_layer_address, self._link, None)

    def _serving_ended(self, action: ServingEnded) -> None:
        mobile_node = action.mobile_node
        self._daemon.log.write("serving_ended", mn=mobile_node.identifier)
        if self._multicast:
            self._multicast.detached(mobile_node.link_layer_address, self._link)


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
