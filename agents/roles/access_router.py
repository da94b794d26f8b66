"""An access router of host-based mobility; with a home agent it is a DAR of the client scheme."""

from __future__ import annotations

import json
import socket
import time
from ipaddress import IPv6Address, IPv6Network
from typing import Any

from agents.core import Action
from agents.kernel.netlink import Netlink
from agents.kernel.sockets import Frame
from agents.mipv6.access_router import AccessRouterCore
from agents.mipv6.actions import Advertise, Assign, Withdraw
from agents.mipv6.config import AccessRouterConfig
from agents.mobility.pool import PrefixPool
from agents.roles.daemon import Daemon
from agents.roles.home_agent_part import HomeAgentPart
from agents.roles.link_port import LinkPort
from agents.wire import ipv6, ndp

_ALL_NODES = IPv6Address("ff02::1")


class AccessRouter:
    """Joins an ``AccessRouterCore`` to Router Advertisements, routes and L2 triggers."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._daemon = Daemon(config["node"], config["log"])
        self._access: str = config["access"]
        self._address = IPv6Address(config["address"])
        self._link_local = IPv6Address(config["link_local"])
        self._link_layer = bytes.fromhex(config["link_layer_address"].replace(":", ""))
        self._agent: HomeAgentPart | None = None
        if config["home_agent"]:
            self._agent = HomeAgentPart(self._daemon, config)
        self._pool = PrefixPool(IPv6Network(config["pool"]))
        self._core = AccessRouterCore(
            AccessRouterConfig(config["lifetime"]), self._pool.assign, self._in_use
        )
        self._netlink = Netlink()
        handlers = {ndp.ROUTER_SOLICITATION: self._solicited}
        self._port = LinkPort(self._daemon, self._access, handlers)
        self._daemon.on(Assign, lambda a: self._netlink.route_replace(a.prefix, oif=self._access))
        self._daemon.on(Withdraw, self._withdraw)
        self._daemon.on(Advertise, self._advertise)
        self._triggers = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._triggers.bind(config["trigger"])
        self._daemon.watch(self._triggers.fileno(), self._trigger)

    def run(self) -> None:
        """Serve until told to stop."""
        self._daemon.run(self._last_words)

    def _last_words(self) -> None:
        agent = self._agent.close() if self._agent else {}
        self._daemon.log.write("state", prefixes=self._core.prefixes(), **agent)

    def _in_use(self, prefix: IPv6Network) -> bool:
        return self._agent is not None and self._agent.serves(prefix)

    def _carry_out(self, answer: list[Action]) -> None:
        self._daemon.carry_out(self._core, answer)

    def _trigger(self) -> None:
        """The access point's Link_Up and Link_Down."""
        trigger = json.loads(self._triggers.recv(4096))
        now = time.monotonic_ns()
        if trigger["trigger"] == "link_up":
            link_layer_address = bytes.fromhex(trigger["link_layer_address"].replace(":", ""))
            self._carry_out(self._core.attach(trigger["mn"], link_layer_address, now))
        elif trigger["trigger"] == "link_down":
            self._carry_out(self._core.detach(trigger["mn"], now))

    def _solicited(self, frame: Frame, packet: ipv6.IPv6Packet, link: str) -> None:
        if packet.hop_limit == ndp.HOP_LIMIT:
            ndp.decode(packet.payload, packet.source, packet.destination)
            self._carry_out(self._core.solicit(frame.link_layer_source, time.monotonic_ns()))

    def _withdraw(self, action: Withdraw) -> None:
        self._netlink.route_delete(action.prefix)
        self._pool.release(action.prefix)

    def _advertise(self, action: Advertise) -> None:
        """To all nodes, in a frame for one (RFC 6085); a home agent tells its address, too."""
        prefixes = [ndp.PrefixInformation(action.prefix, action.lifetime, action.lifetime)]
        if self._agent is not None:
            own = IPv6Network((self._address, 64), strict=False)
            lifetime = action.lifetime
            prefixes.append(
                ndp.PrefixInformation(own, lifetime, lifetime, False, False, self._address)
            )
        message = ndp.RouterAdvertisement(
            hop_limit=64,
            router_lifetime=action.lifetime,
            prefixes=tuple(prefixes),
            source_link_layer_address=self._link_layer,
            home_agent=self._agent is not None,
        )
        payload = ndp.encode(message, self._link_local, _ALL_NODES)
        packet = ipv6.packet(
            self._link_local, _ALL_NODES, ipv6.ICMPV6, payload, hop_limit=ndp.HOP_LIMIT
        )
        self._port.send(packet, action.link_layer_address)


def main(config: dict[str, Any]) -> None:
    """Be an access router."""
    AccessRouter(config).run()
