"""The mobility access router: MAR (multicast in DMM), DAR (HDMM), MAAR (RFC 8885)."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from functools import partial
from ipaddress import IPv6Address, IPv6Network
from pathlib import Path
from typing import Any

from agents.core import MILLISECOND
from agents.mobility.actions import (
    ContextReceived,
    GoingDown,
    MobileNode,
    ServingEnded,
    ServingStarted,
)
from agents.mobility.anchors import Anchor
from agents.mobility.config import MarConfig
from agents.mobility.context import Records
from agents.mobility.mar import MarCore
from agents.multicast.multi_upstream import MultiUpstream
from agents.multicast.selection import MldDmm, UpstreamSelection
from agents.roles import ingress_filter, remains
from agents.roles.access_part import AccessPart
from agents.roles.channel_part import ChannelPart
from agents.roles.context_part import ContextPart
from agents.roles.daemon import Daemon
from agents.roles.forwarding_part import ForwardingPart
from agents.roles.guard_part import guard
from agents.roles.handover_part import RouterHandovers
from agents.roles.idle_part import IdlePart
from agents.roles.interception_part import InterceptionPart
from agents.roles.link_port import Handler, LinkPort
from agents.roles.multicast_part import MulticastPart
from agents.roles.multicast_tunnels import MulticastTunnels
from agents.roles.prediction_part import PredictionPart
from agents.roles.roaming_part import RoamingPart
from agents.roles.signalling import Signalling
from agents.roles.source_redirects import SourceRedirects
from agents.roles.state_report import StateReport
from agents.roles.tunnel_devices import TunnelDevices
from agents.wire import ipv6, mld, ndp


class MobilityAccessRouter:
    """Joins the unicast and the multicast part: what one learns, the other is told."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._daemon = Daemon(config["node"], config["log"])
        peers = {IPv6Address(address): name for address, name in config["peers"].items()}
        self._access_link: str = config["access"]
        restarted = Path(config["trigger"]).exists()
        mar = mar_config(config, restarted=restarted)
        if restarted:
            remains.clear(self._access_link, mar.link_local, peers.values())
        self._pool = mar.pool
        self._core = MarCore(mar, self._listening, self._expected)
        devices = TunnelDevices(
            self._daemon, mar.address, config["tunnel_backend"], peers, mar.pool
        )
        self._forwarding = ForwardingPart(self._daemon, self._core, devices, self._access_link)
        self._guard = guard(self._daemon, self._access_link, wanted=config["source_guard"])
        self._access = AccessPart(
            self._daemon, self._core, mar.link_layer_address, peers, self._guard
        )
        self._signalling = Signalling(
            self._daemon,
            mar.address,
            self._core,
            key=config["key"],
            untrusted=(self._access_link,),
            beside_home_agent=config["home_agent"] is not None,
        )
        self._roaming = self._roaming_part(config, devices)
        if config["group_interface"]:
            self._signalling.join(mar.cmd, config["group_interface"])
        self._idle: IdlePart | None = None
        if config["idle_release"]:
            self._idle = IdlePart(self._daemon, config["idle_release"], self._prefix_idle)
        self._forwarding.on_source_route = self._guest
        if config["interception"]:
            InterceptionPart(self._forwarding, self._pool, config["interception"])
        self._multicast = self._multicast_part(config)
        self._channels = self._channel_part(config, mar)
        SourceRedirects(self._daemon, self._access_link)
        self._handovers: RouterHandovers | None = None
        if config["mih"]:
            self._handovers = RouterHandovers(self._daemon, self._core, config["mih"])
        port = self._open_access_link(mar)
        others = frozenset(peers) - {mar.address}
        self._prediction = self._prediction_part(config, mar, others, port)
        self._contexts = self._context_part(config, mar, others)
        self._daemon.on(ServingStarted, self._serving_started)
        self._daemon.on(ServingEnded, self._serving_ended)
        self._daemon.on(ContextReceived, self._context_received)
        self._daemon.on(GoingDown, self._going_down)
        self._access.on_link_up = self._link_up
        self._access.listen_for_triggers(config["trigger"])
        self._report = StateReport(
            self._daemon,
            self._core,
            self._forwarding,
            self._signalling,
            self._multicast,
            self._state,
        )
        self._report.answer(config["query"])

    def run(self) -> None:
        """Serve until told to stop."""
        self._daemon.run(self._last_words)

    # Parts that not every scenario has

    def _roaming_part(self, config: dict[str, Any], devices: TunnelDevices) -> RoamingPart | None:
        if not config["home_agent"]:
            return None
        return RoamingPart(
            self._daemon, self._core, self._forwarding, devices, config["home_agent"]
        )

    def _multicast_part(self, config: dict[str, Any]) -> MulticastPart | None:
        if not config["multicast"]:
            return None
        part = MulticastPart(
            self._daemon,
            config["multicast"],
            config["seed"],
            selection=_selection(config),
            pool=self._pool,
            detours=config["channel_control"] is None and config["tunnel_backend"] != "tun",
        )
        pools = {IPv6Address(mar): IPv6Network(pool) for mar, pool in config["pools"].items()}
        MulticastTunnels(
            self._daemon, part, self._forwarding, upstream=True, downstream=True, pools=pools
        )
        self._forwarding.on_route = self._away
        part.add_link(config["upstream"], upstream=True, downstream=False)
        return part

    def _channel_part(self, config: dict[str, Any], mar: MarConfig) -> ChannelPart | None:
        if not (self._multicast and config["channel_control"]):
            return None
        return ChannelPart(
            self._daemon,
            config["channel_control"],
            self._multicast,
            self._signalling,
            mar.address,
            self._access.name_of,
        )

    def _open_access_link(self, mar: MarConfig) -> LinkPort:
        handlers: dict[int, Handler] = {ndp.ROUTER_SOLICITATION: self._access.solicited}
        if self._multicast:
            handlers |= dict.fromkeys(mld.TYPES, self._multicast.receive)
        overheard = self._signalling.overheard
        port = LinkPort(self._daemon, self._access_link, handlers, mobility=overheard)
        self._access.serve(port)
        ingress_filter.route_only(self._access_link, mar.pool)
        if self._multicast:
            self._multicast.add_port(
                port, mar.link_local, upstream=False, downstream=True, announced=True
            )
        return port

    def _prediction_part(
        self,
        config: dict[str, Any],
        mar: MarConfig,
        others: frozenset[IPv6Address],
        port: LinkPort,
    ) -> PredictionPart | None:
        if not (self._multicast and config["prediction"]):
            return None
        return PredictionPart(
            self._daemon,
            config["prediction"],
            mar.address,
            others,
            self._signalling,
            self._forwarding,
            self._multicast,
            port,
        )

    def _context_part(
        self, config: dict[str, Any], mar: MarConfig, others: frozenset[IPv6Address]
    ) -> ContextPart | None:
        if not (self._multicast and config["cxtp"]):
            return None
        return ContextPart(
            self._daemon,
            mar.address,
            others,
            socket.if_nametoindex(self._access_link),
            self._core.context,
            self._context_arrived,
            config["key"],
        )

    # What one part learns, the others are told

    def _link_up(self, mobile_node: MobileNode) -> None:
        if self._handovers:
            self._handovers.arrived(mobile_node.identifier)
        if self._multicast:
            self._multicast.attached(mobile_node.link_layer_address, self._access_link)
        if self._prediction:
            self._prediction.link_up(mobile_node)
        if self._roaming:
            self._roaming.returned(mobile_node.identifier)

    def _going_down(self, action: GoingDown) -> None:
        if self._prediction:
            self._prediction.going_down(action.mobile_node, action.to)

    def _expected(self, identifier: str) -> tuple[Anchor, ...]:
        return self._handovers.core.expected(identifier) if self._handovers else ()

    def _serving_started(self, action: ServingStarted) -> None:
        mobile_node = action.mobile_node
        self._daemon.log.write("serving", mn=mobile_node.identifier, previous=action.previous)
        if self._channels and action.previous:
            self._channels.moved(mobile_node.identifier)
        if self._multicast:
            tunnel = self._forwarding.tunnels.get(action.previous) if action.previous else None
            self._multicast.bound(
                mobile_node.link_layer_address,
                self._access_link,
                tunnel.name if tunnel else None,
                self._anchor_links(mobile_node.identifier) if tunnel else (),
            )
        if self._contexts and action.previous:
            # It had an address of the prefix there, with the identifier of its link-layer address.
            left = self._core.anchors(mobile_node.identifier)[-1]
            address = ipv6.of_interface(left.prefix, mobile_node.link_layer_address)
            self._contexts.request(mobile_node.identifier, address, action.previous)

    def _guest(self, prefix: IPv6Network, anchor: IPv6Address | None) -> None:
        """Another MAR anchors a prefix whose mobile node is here; None: no longer."""
        if self._multicast:
            self._multicast.guest(prefix, self._tunnel_to(anchor))
        if self._idle:
            (self._idle.watch if anchor else self._idle.forget)(prefix)

    def _prefix_idle(self, prefix: IPv6Network) -> None:
        self._daemon.carry_out(self._core, self._core.idle(prefix, time.monotonic_ns()))

    def _away(self, prefix: IPv6Network, serving: IPv6Address | None) -> None:
        """The mobile node with a prefix that is anchored here is at another MAR; None: not so."""
        if prefix.subnet_of(self._pool):
            assert self._multicast is not None
            self._multicast.away(prefix, self._tunnel_to(serving))

    def _anchor_links(self, identifier: str) -> tuple[str, ...]:
        """To the MARs that anchor a mobile node's prefixes, the one that it left last first."""
        anchors = reversed(self._core.anchors(identifier))
        tunnels, peers = self._forwarding.tunnels, dict.fromkeys(a.address for a in anchors)
        return tuple(tunnels[peer].name for peer in peers if peer in tunnels)

    def _tunnel_to(self, peer: IPv6Address | None) -> str | None:
        return self._forwarding.tunnels[peer].name if peer else None

    def _listening(self, mobile_node: MobileNode) -> tuple[mld.AddressRecord, ...]:
        if self._multicast is None:
            return ()
        return self._multicast.listening(mobile_node.link_layer_address, self._access_link)

    def _context_received(self, action: ContextReceived) -> None:
        if self._multicast:
            mobile_node = action.mobile_node
            self._multicast.context(
                mobile_node.link_layer_address, self._access_link, action.records
            )

    def _context_arrived(self, identifier: str, records: Records) -> None:
        link_layer_address = self._access.link_layer_address_of(identifier)
        assert self._multicast is not None
        self._multicast.context(link_layer_address, self._access_link, records)
        groups = [record.group for record in records]
        self._daemon.log.write("context", mn=identifier, groups=groups)

    def _serving_ended(self, action: ServingEnded) -> None:
        mobile_node = action.mobile_node
        self._daemon.log.write("serving_ended", mn=mobile_node.identifier)
        if self._multicast:
            self._multicast.detached(mobile_node.link_layer_address, self._access_link)
        if self._prediction:
            self._prediction.gone(mobile_node.identifier)

    def _last_words(self) -> None:
        if self._contexts:
            self._contexts.close()
        roaming = self._roaming.close() if self._roaming else None
        self._report.last_words(home_agent=roaming)

    def _state(self) -> dict[str, Any]:
        return {
            "guard": self._guard.counts() if self._guard else None,
            "handovers": self._handovers.core.counters if self._handovers else None,
            "prediction": self._prediction.last_words() if self._prediction else None,
            "contexts": self._contexts.last_words() if self._contexts else None,
        }


def _selection(config: dict[str, Any]) -> Callable[[int], UpstreamSelection]:
    if config["channel_control"] is not None:
        return MultiUpstream
    return partial(MldDmm, all_anchors=config["all_anchors"])


def mar_config(config: dict[str, Any], *, restarted: bool) -> MarConfig:
    """The core's configuration from the role's."""
    since_1970 = time.time_ns()
    return MarConfig(
        address=IPv6Address(config["address"]),
        cmd=IPv6Address(config["cmd"]),
        standby=IPv6Address(config["standby"]) if config["standby"] else None,
        pool=IPv6Network(config["pool"]),
        link_local=IPv6Address(config["link_local"]),
        link_layer_address=bytes.fromhex(config["link_layer_address"].replace(":", "")),
        clock_offset=since_1970 - time.monotonic_ns(),
        first_prefix=since_1970 // MILLISECOND if restarted else 1,
        acknowledging=frozenset(map(IPv6Address, config["acknowledging"])),
        home_agent=config["home_agent"] is not None,
        **config["mobility"],
    )


def main(config: dict[str, Any]) -> None:
    """Be a MAR."""
    MobilityAccessRouter(config).run()
