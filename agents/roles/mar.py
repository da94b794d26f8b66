"""The mobility access router: MAR (multicast in DMM), DAR (HDMM), MAAR (RFC 8885)."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network
from typing import Any

from agents.kernel.tunnel import Tunnel
from agents.mobility.actions import ContextReceived, MobileNode, ServingEnded, ServingStarted
from agents.multicast.actions import HoldLink, ReleaseLink
from agents.roles.channel_part import ChannelPart
from agents.roles.daemon import Daemon
from agents.roles.link_port import Handler, LinkPort
from agents.roles.mobility_part import MobilityPart, mar_config
from agents.roles.multicast_part import MulticastPart
from agents.roles.tunnel_devices import TunnelDevices
from agents.wire import mld, ndp

MULTICAST_HOLDER = "multicast"


class MobilityAccessRouter:
    """Joins the unicast and the multicast part: what one learns, the other is told."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._daemon = Daemon(config["node"], config["log"])
        peers = {IPv6Address(address): name for address, name in config["peers"].items()}
        self._access: str = config["access"]
        core = mar_config(config)
        devices = TunnelDevices(self._daemon, core.address, config["tunnel_backend"], peers)
        self._mobility = MobilityPart(
            self._daemon, core, self._access, devices, peers, config["key"]
        )
        if config["group_interface"]:
            self._mobility.join_mars(IPv6Address(config["cmd"]), config["group_interface"])
        self._multicast: MulticastPart | None = None
        self._channels: ChannelPart | None = None
        self._peers_by_tunnel: dict[str, IPv6Address] = {}
        handlers: dict[int, Handler] = {ndp.ROUTER_SOLICITATION: self._mobility.solicited}
        if config["multicast"]:
            self._multicast = MulticastPart(
                self._daemon,
                config["multicast"],
                config["seed"],
                multi_upstream=config["channel_control"] is not None,
            )
            self._mobility.on_tunnel_created = self._tunnel_created
            self._mobility.on_tunnel_removed = self._tunnel_removed
            self._mobility.on_link_up = self._link_up
            self._mobility.listening = self._listening
            self._mobility.on_guest = self._guest
            self._mobility.on_away = self._away
            self._daemon.on(HoldLink, self._hold_tunnel)
            self._daemon.on(ReleaseLink, self._release_tunnel)
            handlers |= dict.fromkeys(mld.TYPES, self._multicast.receive)
            self._multicast.add_link(config["upstream"], upstream=True, downstream=False)
        if self._multicast and config["channel_control"]:
            self._channels = ChannelPart(
                self._daemon,
                config["channel_control"],
                self._multicast,
                self._mobility.signalling,
                IPv6Address(config["address"]),
                self._mobility.name_of,
            )
        port = LinkPort(self._daemon, self._access, handlers)
        self._mobility.serve_access(port)
        if self._multicast:
            link_local = IPv6Address(config["link_local"])
            self._multicast.add_port(port, link_local, upstream=False, downstream=True)
        self._daemon.on(ServingStarted, self._serving_started)
        self._daemon.on(ServingEnded, self._serving_ended)
        self._daemon.on(ContextReceived, self._context_received)
        self._mobility.listen_for_triggers(config["trigger"])

    def run(self) -> None:
        """Serve until told to stop."""
        self._daemon.run(self._last_words)

    def _tunnel_created(self, tunnel: Tunnel) -> None:
        assert self._multicast is not None
        self._peers_by_tunnel[tunnel.name] = tunnel.remote
        self._multicast.add_tunnel(tunnel.name, tunnel.link_local)

    def _tunnel_removed(self, tunnel: Tunnel) -> None:
        assert self._multicast is not None
        self._multicast.remove_link(tunnel.name)
        del self._peers_by_tunnel[tunnel.name]

    def _hold_tunnel(self, action: HoldLink) -> None:
        peer = self._peers_by_tunnel[action.link]
        self._mobility.hold_tunnel(peer, MULTICAST_HOLDER)

    def _release_tunnel(self, action: ReleaseLink) -> None:
        peer = self._peers_by_tunnel.get(action.link)
        if peer is not None:  # else it is being removed already
            self._mobility.release_tunnel(peer, MULTICAST_HOLDER)

    def _link_up(self, mobile_node: MobileNode) -> None:
        assert self._multicast is not None
        self._multicast.attached(mobile_node.link_layer_address, self._access)

    def _serving_started(self, action: ServingStarted) -> None:
        mobile_node = action.mobile_node
        self._daemon.log.write("serving", mn=mobile_node.identifier, previous=action.previous)
        if self._channels and action.previous:
            self._channels.moved(mobile_node.identifier)
        if self._multicast:
            tunnel = self._mobility.tunnels.get(action.previous) if action.previous else None
            self._multicast.bound(
                mobile_node.link_layer_address, self._access, tunnel.name if tunnel else None
            )

    def _guest(self, prefix: IPv6Network, anchor: IPv6Address | None) -> None:
        assert self._multicast is not None
        self._multicast.guest(prefix, self._tunnel_to(anchor))

    def _away(self, prefix: IPv6Network, serving: IPv6Address | None) -> None:
        assert self._multicast is not None
        self._multicast.away(prefix, self._tunnel_to(serving))

    def _tunnel_to(self, peer: IPv6Address | None) -> str | None:
        return self._mobility.tunnels[peer].name if peer else None

    def _listening(self, mobile_node: MobileNode) -> tuple[mld.AddressRecord, ...]:
        assert self._multicast is not None
        return self._multicast.listening(mobile_node.link_layer_address, self._access)

    def _context_received(self, action: ContextReceived) -> None:
        if self._multicast:
            mobile_node = action.mobile_node
            self._multicast.context(mobile_node.link_layer_address, self._access, action.records)

    def _serving_ended(self, action: ServingEnded) -> None:
        mobile_node = action.mobile_node
        self._daemon.log.write("serving_ended", mn=mobile_node.identifier)
        if self._multicast:
            self._multicast.detached(mobile_node.link_layer_address, self._access)

    def _last_words(self) -> None:
        self._mobility.close()
        if self._multicast:
            self._multicast.write_membership()
        self._daemon.log.write(
            "state",
            bindings=self._mobility.core.bindings(),
            tunnels=[tunnel.name for tunnel in self._mobility.tunnels.values()],
            counters=self._mobility.core.counters,
            signalling=self._mobility.signalling.counters,
        )


def main(config: dict[str, Any]) -> None:
    """Be a MAR."""
    MobilityAccessRouter(config).run()
