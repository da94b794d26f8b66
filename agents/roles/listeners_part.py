"""What a router's MLD proxy is told of the mobile nodes on the access link."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network

from agents.mobility.actions import ContextReceived, MobileNode, ServingEnded, ServingStarted
from agents.mobility.context import Records
from agents.mobility.mar import MarCore
from agents.roles.access_part import AccessPart
from agents.roles.daemon import Daemon
from agents.roles.forwarding_part import ForwardingPart
from agents.roles.multicast_part import MulticastPart


class ListenersPart:
    """When they come, are bound, and have left."""

    def __init__(
        self, daemon: Daemon, multicast: MulticastPart, access: AccessPart, link: str
    ) -> None:
        self._multicast = multicast
        self._link = link
        access.on_link_up.add(self._attached)
        daemon.on(ServingStarted, self._bound)
        daemon.on(ServingEnded, self._detached)

    def _attached(self, mobile_node: MobileNode) -> None:
        self._multicast.attached(mobile_node.link_layer_address, self._link)

    def _bound(self, action: ServingStarted) -> None:
        self._multicast.bound(action.mobile_node.link_layer_address, self._link, None)

    def _detached(self, action: ServingEnded) -> None:
        self._multicast.detached(action.mobile_node.link_layer_address, self._link)


class ListenersOfMars(ListenersPart):
    """And by which tunnels they were reached before, and are now; ``pool`` is the MAR's own."""

    def __init__(
        self,
        daemon: Daemon,
        multicast: MulticastPart,
        access: AccessPart,
        link: str,
        core: MarCore,
        forwarding: ForwardingPart,
        pool: IPv6Network,
    ) -> None:
        super().__init__(daemon, multicast, access, link)
        self._daemon = daemon
        self._access = access
        self._core = core
        self._forwarding = forwarding
        self._pool = pool
        daemon.on(ContextReceived, self._context)
        forwarding.on_route.add(self._away)
        forwarding.on_source_route.add(self._guest)

    def listening(self, mobile_node: MobileNode) -> Records:
        """What a mobile node on the access link listens to."""
        return self._multicast.listening(mobile_node.link_layer_address, self._link)

    def arrived(self, identifier: str, records: Records) -> None:
        """What a mobile node listened to at the MAR where it was before has come by CXTP."""
        link_layer_address = self._access.link_layer_address_of(identifier)
        self._multicast.context(link_layer_address, self._link, records)
        groups = [record.group for record in records]
        self._daemon.log.write("context", mn=identifier, groups=groups)

    def _context(self, action: ContextReceived) -> None:
        link_layer_address = action.mobile_node.link_layer_address
        self._multicast.context(link_layer_address, self._link, action.records)

    def _bound(self, action: ServingStarted) -> None:
        mobile_node = action.mobile_node
        tunnel = self._forwarding.tunnels.get(action.previous) if action.previous else None
        self._multicast.bound(
            mobile_node.link_layer_address,
            self._link,
            tunnel.name if tunnel else None,
            self._anchor_links(mobile_node.identifier) if tunnel else (),
        )

    def _anchor_links(self, identifier: str) -> tuple[str, ...]:
        """To the MARs that anchor a mobile node's prefixes, the one that it left last first."""
        anchors = reversed(self._core.anchors(identifier))
        tunnels, peers = self._forwarding.tunnels, dict.fromkeys(a.address for a in anchors)
        return tuple(tunnels[peer].name for peer in peers if peer in tunnels)

    def _guest(self, prefix: IPv6Network, anchor: IPv6Address | None) -> None:
        """Another MAR anchors a prefix whose mobile node is here; None: no longer."""
        self._multicast.guest(prefix, self._tunnel_to(anchor))

    def _away(self, prefix: IPv6Network, serving: IPv6Address | None) -> None:
        """The mobile node with a prefix that is anchored here is at another MAR; None: not so."""
        if prefix.subnet_of(self._pool):
            self._multicast.away(prefix, self._tunnel_to(serving))

    def _tunnel_to(self, peer: IPv6Address | None) -> str | None:
        return self._forwarding.tunnels[peer].name if peer else None
