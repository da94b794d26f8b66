"""The unicast half of a mobility access router: the MAR core on the kernel's routes and tunnels."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Mapping
from ipaddress import IPv6Address, IPv6Interface, IPv6Network
from typing import Any

from agents.core import Action
from agents.kernel.netlink import Netlink
from agents.kernel.sockets import Frame
from agents.kernel.tunnel import Tunnel
from agents.mobility import actions
from agents.mobility.config import MarConfig
from agents.mobility.context import Listening, listens_to_nothing
from agents.mobility.mar import MarCore
from agents.roles.daemon import Daemon
from agents.roles.link_port import LinkPort
from agents.roles.signalling import Signalling
from agents.roles.tunnel_devices import TunnelDevices
from agents.wire import ipv6, ndp

ALL_NODES = IPv6Address("ff02::1")
RULE_PRIORITY = 1000


Prefixed = Callable[[IPv6Network, "IPv6Address | None"], None]
"""Told of a prefix whose mobile node is not where it is anchored, and of the other MAR.

A guest is here, and anchored there; what is away is anchored here, and there. None: no longer.
"""


class MobilityPart:
    """Joins a ``MarCore`` to signalling, routes, tunnels, Router Advertisements and L2 triggers."""

    def __init__(
        self,
        daemon: Daemon,
        config: MarConfig,
        access: str,
        devices: TunnelDevices,
        peers: Mapping[IPv6Address, str],
        key: str | None,
    ) -> None:
        """``peers`` are all MARs' names by their addresses; ``key`` is the domain's, if any."""
        self.listening: Listening = listens_to_nothing
        self.core = MarCore(config, lambda mobile_node: self.listening(mobile_node))
        self.tunnels: dict[IPv6Address, Tunnel] = {}
        self.on_tunnel_created: Callable[[Tunnel], None] = lambda tunnel: None
        self.on_tunnel_removed: Callable[[Tunnel], None] = lambda tunnel: None
        self.on_guest: Prefixed = lambda prefix, peer: None
        self.on_away: Prefixed = lambda prefix, peer: None
        self.on_link_up: Callable[[actions.MobileNode], None] = lambda mobile_node: None
        self._daemon = daemon
        self._config = config
        self._access = access
        self._devices = devices
        self._addresses = {name: address for address, name in peers.items()}
        self._netlink = Netlink()
        self.signalling = Signalling(
            daemon, config.address, self.core, key=key, untrusted=(access,)
        )
        self._port: LinkPort | None = None
        self._identifiers: dict[bytes, str] = {}
        self._source_routes: dict[IPv6Network, int] = {}
        handlers: dict[type[Action], Callable[[Any], None]] = {
            actions.CreateTunnel: self._create_tunnel,
            actions.RemoveTunnel: self._remove_tunnel,
            actions.InstallRoute: self._install_route,
            actions.RemoveRoute: self._remove_route,
            actions.InstallSourceRoute: self._install_source_route,
            actions.RemoveSourceRoute: self._remove_source_route,
            actions.AddDlif: self._add_dlif,
            actions.RemoveDlif: self._remove_dlif,
            actions.Advertise: self._advertise,
        }
        for action, handler in handlers.items():
            daemon.on(action, handler)

    def serve_access(self, port: LinkPort) -> None:
        """Advertise on the access link."""
        self._port = port

    def join_mars(self, group: IPv6Address, backhaul: str) -> None:
        """Be one of the MARs that are asked for mobile nodes (there is no CMD)."""
        self.signalling.join(group, backhaul)

    def listen_for_triggers(self, path: str) -> None:
        """Take the access point's Link_Up, Link_Going_Down and Link_Down from a datagram socket."""
        self._triggers = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._triggers.bind(path)
        self._daemon.watch(self._triggers.fileno(), self._trigger)

    def solicited(self, frame: Frame, packet: ipv6.IPv6Packet, link: str) -> None:
        """A Router Solicitation came in on the access link."""
        if packet.hop_limit == ndp.HOP_LIMIT:
            ndp.decode(packet.payload, packet.source, packet.destination)
            identifier = self._identifiers.get(frame.link_layer_source)
            if identifier:
                self._carry_out(self.core.solicit(identifier, time.monotonic_ns()))

    def name_of(self, host: IPv6Address) -> str | None:
        """The identifier of the mobile node whose address this is; None: of none known.

        Whatever the prefix, they have the interface identifier of their link-layer address.
        """
        for link_layer_address, identifier in self._identifiers.items():
            if ipv6.link_local(link_layer_address).packed[8:] == host.packed[8:]:
                return identifier
        return None

    def hold_tunnel(self, peer: IPv6Address, holder: str) -> None:
        """Another part of the router needs the tunnel to ``peer``."""
        self._carry_out(self.core.hold_tunnel(peer, holder, time.monotonic_ns()))

    def release_tunnel(self, peer: IPv6Address, holder: str) -> None:
        """Another part of the router no longer needs the tunnel to ``peer``."""
        self._carry_out(self.core.release_tunnel(peer, holder, time.monotonic_ns()))

    def close(self) -> None:
        """Delete the tunnels that are not needed any more."""
        self._devices.close()

    def _carry_out(self, answer: list[Action]) -> None:
        self._daemon.carry_out(self.core, answer)

    def _trigger(self) -> None:
        trigger = json.loads(self._triggers.recv(4096))
        now = time.monotonic_ns()
        if trigger["trigger"] == "link_up":
            link_layer_address = bytes.fromhex(trigger["link_layer_address"].replace(":", ""))
            self._identifiers[link_layer_address] = trigger["mn"]
            mobile_node = actions.MobileNode(trigger["mn"], link_layer_address)
            self._carry_out(self.core.attach(mobile_node, now))
            self.on_link_up(mobile_node)
        elif trigger["trigger"] == "link_going_down":
            to = self._addresses[trigger["to"]]
            self._carry_out(self.core.going_down(trigger["mn"], to, now))
        else:
            self._carry_out(self.core.detach(trigger["mn"], now))

    def _create_tunnel(self, action: actions.CreateTunnel) -> None:
        tunnel = self._devices.open(action.peer)
        self.tunnels[action.peer] = tunnel
        self.on_tunnel_created(tunnel)

    def _remove_tunnel(self, action: actions.RemoveTunnel) -> None:
        tunnel = self.tunnels.pop(action.peer)
        self.on_tunnel_removed(tunnel)
        self._devices.retire(tunnel)

    def _install_route(self, action: actions.InstallRoute) -> None:
        device = self.tunnels[action.peer].name if action.peer else self._access
        self._netlink.route_replace(action.prefix, oif=device)
        if action.prefix.subnet_of(self._config.pool):
            self.on_away(action.prefix, action.peer)

    def _remove_route(self, action: actions.RemoveRoute) -> None:
        self._netlink.route_delete(action.prefix)
        if action.prefix.subnet_of(self._config.pool):
            self.on_away(action.prefix, None)

    def _install_source_route(self, action: actions.InstallSourceRoute) -> None:
        self._forget_source_route(action.prefix)
        table = self._devices.table(self.tunnels[action.peer])
        self._netlink.rule_add(action.prefix, iif=self._access, table=table, priority=RULE_PRIORITY)
        self._source_routes[action.prefix] = table
        self.on_guest(action.prefix, action.peer)

    def _remove_source_route(self, action: actions.RemoveSourceRoute) -> None:
        self._forget_source_route(action.prefix)
        self.on_guest(action.prefix, None)

    def _forget_source_route(self, prefix: IPv6Network) -> None:
        table = self._source_routes.pop(prefix, None)
        if table is not None:
            self._netlink.rule_delete(prefix, iif=self._access, table=table, priority=RULE_PRIORITY)

    def _add_dlif(self, action: actions.AddDlif) -> None:
        self._netlink.add_address(self._access, IPv6Interface((action.link_local, 64)), nodad=True)

    def _remove_dlif(self, action: actions.RemoveDlif) -> None:
        self._netlink.remove_address(self._access, IPv6Interface((action.link_local, 64)))

    def _advertise(self, action: actions.Advertise) -> None:
        """Send a Router Advertisement to one mobile node alone.

        It goes to all nodes in a frame for that one (RFC 6085): its link-local address may still
        be tentative.
        """
        assert self._port is not None
        message = ndp.RouterAdvertisement(
            hop_limit=64,
            router_lifetime=action.router_lifetime,
            prefixes=tuple(
                ndp.PrefixInformation(p.prefix, p.valid_lifetime, p.preferred_lifetime)
                for p in action.prefixes
            ),
            source_link_layer_address=self._config.link_layer_address,
        )
        payload = ndp.encode(message, action.router, ALL_NODES)
        packet = ipv6.packet(
            action.router, ALL_NODES, ipv6.ICMPV6, payload, hop_limit=ndp.HOP_LIMIT
        )
        self._port.send(packet, action.mobile_node.link_layer_address)
        self._daemon.log.write(
            "advertised",
            mn=action.mobile_node.identifier,
            router=action.router,
            prefixes=[p.prefix for p in action.prefixes],
        )


def mar_config(config: dict[str, Any]) -> MarConfig:
    """The core's configuration from the role's."""
    return MarConfig(
        address=IPv6Address(config["address"]),
        cmd=IPv6Address(config["cmd"]),
        pool=IPv6Network(config["pool"]),
        link_local=IPv6Address(config["link_local"]),
        link_layer_address=bytes.fromhex(config["link_layer_address"].replace(":", "")),
        clock_offset=time.time_ns() - time.monotonic_ns(),
        acknowledging=frozenset(map(IPv6Address, config["acknowledging"])),
        **config["mobility"],
    )
