"""An access router of host-based mobility; with a home agent it is a DAR of the client scheme."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network
from typing import Any

from agents.kernel.netlink import Netlink
from agents.mobility.access_router import AccessRouterConfig, AccessRouterCore
from agents.mobility.actions import InstallRoute, RemoveRoute, ServingEnded, ServingStarted
from agents.roles import ingress_filter
from agents.roles.access_part import access_link
from agents.roles.daemon import Daemon
from agents.roles.home_agent_part import HomeAgentPart
from agents.roles.multicast_part import MulticastPart
from agents.wire import ipv6, mld
from agents.wire.ndp import MapOption


class AccessRouter:
    """Joins an ``AccessRouterCore`` to its access link, and to a home agent if it has one."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._daemon = Daemon(config["node"], config["log"])
        address = IPv6Address(config["address"])
        self._agent = HomeAgentPart(self._daemon, config) if config["home_agent"] else None
        self._core = AccessRouterCore(
            AccessRouterConfig(
                IPv6Address(config["link_local"]),
                IPv6Network(config["pool"]),
                config["lifetime"],
                address if config["home_agent"] else None,
                tuple(MapOption(IPv6Address(m), config["lifetime"]) for m in config["maps"]),
            ),
            self._in_use,
        )
        access = access_link(self._daemon, self._core, config)
        self._guard = access.guard
        netlink, interface = Netlink(), config["access"]
        ingress_filter.route_only(interface, IPv6Network(config["pool"]))
        self._daemon.on(InstallRoute, lambda a: netlink.route_replace(a.prefix, oif=interface))
        self._daemon.on(RemoveRoute, lambda a: netlink.route_delete(a.prefix))
        self._multicast: MulticastPart | None = None
        if config["multicast"]:
            self._multicast = MulticastPart(self._daemon, config["multicast"], config["seed"])
            self._multicast.add_link(config["upstream"], upstream=True, downstream=False)
            access.port.add(dict.fromkeys(mld.TYPES, self._multicast.receive))
            link_local = IPv6Address(config["link_local"])
            pool = IPv6Network(config["pool"])
            self._multicast.add_port(
                access.port, link_local, upstream=False, downstream=True, hosts=pool, announced=True
            )
        self._access = interface
        self._netlink = netlink
        self._daemon.on(ServingStarted, self._attached)
        self._daemon.on(ServingEnded, self._detached)

    def run(self) -> None:
        """Serve until told to stop."""
        self._daemon.run(self._last_words)

    def _attached(self, action: ServingStarted) -> None:
        """A listener is heard at once: its channels do not wait for its bindings.

        Nor does the first packet to its new address, an acknowledgement, wait for the router to ask
        whose that is: the access point has just said so (compare RFC 9131).
        """
        mobile_node = action.mobile_node
        prefix = self._core.prefixes()[mobile_node.identifier]
        host = ipv6.of_interface(prefix, mobile_node.link_layer_address)
        self._netlink.note_neighbour(self._access, host, mobile_node.link_layer_address)
        self._daemon.log.write("serving", mn=mobile_node.identifier, previous=None)
        if self._multicast:
            self._multicast.attached(mobile_node.link_layer_address, self._access)
            self._multicast.bound(mobile_node.link_layer_address, self._access, None)

    def _detached(self, action: ServingEnded) -> None:
        mobile_node = action.mobile_node
        self._daemon.log.write("serving_ended", mn=mobile_node.identifier)
        if self._multicast:
            self._multicast.detached(mobile_node.link_layer_address, self._access)

    def _in_use(self, prefix: IPv6Network) -> bool:
        return self._agent is not None and self._agent.serves(prefix)

    def _last_words(self) -> None:
        agent = self._agent.close() if self._agent else {}
        more: dict[str, Any] = {}
        if self._guard:
            more["guard"] = self._guard.counts()
        if self._multicast:
            self._multicast.write_membership()
            more["multicast"] = self._multicast.counters()
        self._daemon.log.write("state", prefixes=self._core.prefixes(), **agent, **more)


def main(config: dict[str, Any]) -> None:
    """Be an access router."""
    AccessRouter(config).run()
