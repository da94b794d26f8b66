"""Which prefixes visit a gateway: data of others does not come from its access link."""

from __future__ import annotations

from ipaddress import IPv6Network

from agents.mobility.actions import Advertise, ServingEnded
from agents.roles.access_part import AccessPart
from agents.roles.daemon import Daemon
from agents.roles.multicast_part import MulticastPart


class VisitingSources:
    """Tells the multicast part of the prefixes that mobile nodes were shown, until they leave."""

    def __init__(
        self, daemon: Daemon, multicast: MulticastPart, access: AccessPart, link: str
    ) -> None:
        self._multicast = multicast
        self._link = link
        self._prefixes: dict[bytes, set[IPv6Network]] = {}
        access.on_advertising.add(self._shown)
        access.on_link_down.add(self._left)
        daemon.on(ServingEnded, lambda action: self._left(action.mobile_node.link_layer_address))

    def _shown(self, action: Advertise) -> None:
        of_node = self._prefixes.setdefault(action.mobile_node.link_layer_address, set())
        for shown in action.prefixes:
            if shown.valid_lifetime:
                of_node.add(shown.prefix)
            else:
                of_node.discard(shown.prefix)
            link = self._link if shown.valid_lifetime else None
            self._multicast.visitor(shown.prefix, link)

    def _left(self, link_layer: bytes) -> None:
        for prefix in self._prefixes.pop(link_layer, ()):
            self._multicast.visitor(prefix, None)
