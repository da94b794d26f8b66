"""The mobility access router: MAR (multicast in DMM), DAR (HDMM), MAAR (RFC 8885)."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
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
from agents.roles.access_part import access_link
from agents.roles.channel_part import ChannelPart
from agents.roles.context_part import ContextPart
from agents.roles.daemon import Daemon
from agents.roles.forwarding_part import ForwardingPart
from agents.roles.handover_part import RouterHandovers
from agents.roles.idle_part import IdlePart
from agents.roles.interception_part import InterceptionPart
from agents.roles.listeners_part import ListenersOfMars
from agents.roles.multicast_part import MulticastPart
from agents.roles.multicast_tunnels import MulticastTunnels
from agents.roles.prediction_part import PredictionPart
from agents.roles.roaming_part import RoamingPart
from agents.roles.signalling import Signalling
from agents.roles.source_redirects import SourceRedirects
from agents.roles.state_report import StateReport
from agents.roles.tunnel_devices import TunnelDevices
from agents.wire import mld


@dataclass
class _Answers:
    """What the core asks of parts that it may have."""

    listening: Callable[[MobileNode], Records] = lambda mobile_node: ()
    expected: Callable[[str], tuple[Anchor, ...]] = lambda identifier: ()


class MobilityAccessRouter:
    """A core, its signalling, tunnels and access link; and ``_parts`` that others lack.

    Parts ask to be told of what happens, and are told in the order in which they are made.
    """

    def __init__(self, config: dict[str, Any]) -> None:
        self._daemon = daemon = Daemon(config["node"], config["log"])
        self._config = config
        peers = {IPv6Address(address): name for address, name in config["peers"].items()}
        self._link: str = config["access"]
        restarted = Path(config["trigger"]).exists()
        self._mar = mar = mar_config(config, restarted=restarted)
        if restarted:
            remains.clear(self._link, mar.link_local, peers.values())
        self._others = frozenset(peers) - {mar.address}
        answers = _Answers()
        self._answers = answers
        self._core = core = MarCore(
            mar, lambda node: answers.listening(node), lambda name: answers.expected(name)
        )
        daemon.on(ServingStarted, self._log_serving)
        daemon.on(ServingEnded, self._log_ended)
        daemon.need_not(GoingDown, ContextReceived)
        self._devices = TunnelDevices(
            daemon, mar.address, config["tunnel_backend"], peers, mar.pool
        )
        self._forwarding = ForwardingPart(daemon, core, self._devices, self._link)
        self._signalling = Signalling(
            daemon,
            mar.address,
            core,
            key=config["key"],
            untrusted=(self._link,),
            beside_home_agent=config["home_agent"] is not None,
        )
        self._access = access_link(daemon, core, config, self._signalling.overheard)
        self._port = self._access.port
        self._report = StateReport(daemon, core, self._forwarding, self._signalling)
        if self._access.guard:
            self._report.add("guard", self._access.guard.counts)
        ingress_filter.route_only(self._link, mar.pool)
        SourceRedirects(daemon, self._link, core.host_of if self._access.guard else None)
        for asked, make in self._parts().items():
            if config[asked]:
                make(config[asked])
        self._report.answer(config["query"])

    def run(self) -> None:
        """Serve until told to stop."""
        self._daemon.run(self._report.last_words)

    def _parts(self) -> dict[str, Callable[[Any], None]]:
        """What the scheme or the scenario may ask for, by the key of the configuration."""
        return {
            "group_interface": self._all_mars,
            "home_agent": self._roaming,
            "idle_release": self._idle,
            "interception": self._interception,
            "mih": self._prepared_handovers,
            "multicast": self._channels,
            "channel_control": self._channel_control,
            "prediction": self._predictive_handovers,
            "cxtp": self._context_transfer,
        }

    def _all_mars(self, interface: str) -> None:
        self._signalling.join(self._mar.cmd, interface)

    def _roaming(self, config: dict[str, Any]) -> None:
        part = RoamingPart(self._daemon, self._core, self._forwarding, self._devices, config)
        self._access.on_link_up.add(lambda mobile_node: part.returned(mobile_node.identifier))
        self._report.close_with(part.close, "home_agent")

    def _idle(self, after: int) -> None:
        part = IdlePart(self._daemon, after, self._prefix_idle)
        self._forwarding.on_source_route.add(part.watch)

    def _prefix_idle(self, prefix: IPv6Network) -> None:
        self._daemon.carry_out(self._core, self._core.idle(prefix, time.monotonic_ns()))

    def _interception(self, config: dict[str, Any]) -> None:
        InterceptionPart(self._forwarding, self._mar.pool, config)

    def _prepared_handovers(self, config: dict[str, Any]) -> None:
        part = RouterHandovers(self._daemon, self._core, config)
        self._answers.expected = part.core.expected
        self._access.on_link_up.add(lambda mobile_node: part.arrived(mobile_node.identifier))
        self._report.add("handovers", lambda: part.core.counters)

    def _channels(self, config: dict[str, Any]) -> None:
        """An MLD proxy on the access link and on all tunnels."""
        self._multicast = multicast = MulticastPart(
            self._daemon,
            config,
            self._config["seed"],
            selection=_selection(self._config),
            pool=self._mar.pool,
            detours=self._config["channel_control"] is None
            and self._config["tunnel_backend"] != "tun",
        )
        pools = {IPv6Address(mar): IPv6Network(at) for mar, at in self._config["pools"].items()}
        MulticastTunnels(
            self._daemon, multicast, self._forwarding, upstream=True, downstream=True, pools=pools
        )
        multicast.add_link(self._config["upstream"], upstream=True, downstream=False)
        self._port.add(dict.fromkeys(mld.TYPES, multicast.receive))
        multicast.add_port(
            self._port, self._mar.link_local, upstream=False, downstream=True, announced=True
        )
        self._listeners = ListenersOfMars(
            self._daemon,
            multicast,
            self._access,
            self._link,
            self._core,
            self._forwarding,
            self._mar.pool,
        )
        self._answers.listening = self._listeners.listening
        self._report.add_multicast(multicast)

    def _channel_control(self, config: dict[str, Any]) -> None:
        ChannelPart(
            self._daemon,
            config,
            self._multicast,
            self._signalling,
            self._mar.address,
            self._access.name_of,
        )

    def _predictive_handovers(self, config: dict[str, Any]) -> None:
        part = PredictionPart(
            self._daemon,
            config,
            self._mar.address,
            self._others,
            self._signalling,
            self._forwarding,
            self._multicast,
            self._port,
        )
        self._access.on_link_up.add(part.link_up)
        self._report.add("prediction", part.last_words)

    def _context_transfer(self, asked: bool) -> None:
        part = ContextPart(
            self._daemon,
            self._mar.address,
            self._others,
            socket.if_nametoindex(self._link),
            self._core,
            self._listeners.arrived,
            self._config["key"],
        )
        self._report.add("contexts", part.last_words)
        self._report.close_with(part.close)

    def _log_serving(self, action: ServingStarted) -> None:
        identifier, previous = action.mobile_node.identifier, action.previous
        self._daemon.log.write("serving", mn=identifier, previous=previous)

    def _log_ended(self, action: ServingEnded) -> None:
        self._daemon.log.write("serving_ended", mn=action.mobile_node.identifier)


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
