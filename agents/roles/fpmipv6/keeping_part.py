"""What comes for mobile nodes that are on their way, kept in this process until it can be sent.

The kernel routes their prefixes to a link that ends here. What was kept goes out before the route
of the node's own is installed, and after that what came in between.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv6Address, IPv6Network

from agents.fast_handover.buffer import Buffer
from agents.kernel.netlink import Netlink
from agents.kernel.sink import Sink
from agents.kernel.sockets import LinkSocket
from agents.mobility.actions import KeepPackets, MobileNode
from agents.roles.daemon import Daemon
from agents.roles.forwarding_part import ForwardingPart
from agents.roles.link_port import LinkPort
from agents.wire import ipv6

_DESTINATION = slice(24, 40)
_LINK = "kept"


class KeepingPart:
    """Carries out ``KeepPackets`` beside a ``ForwardingPart``; ``maximum`` octets a mobile node.

    ``node_of`` says whose a prefix is.
    """

    def __init__(
        self,
        daemon: Daemon,
        forwarding: ForwardingPart,
        port: LinkPort,
        node_of: Callable[[IPv6Network], MobileNode | None],
        maximum: int,
    ) -> None:
        self.dropped = 0
        """Packets that went for others from a full buffer, or that nobody came for."""
        self._daemon = daemon
        self._forwarding = forwarding
        self._port = port
        self._node_of = node_of
        self._maximum = maximum
        self._netlink = Netlink()
        self._sink = Sink(_LINK)
        self._buffers: dict[IPv6Network, Buffer] = {}
        self._nodes: dict[IPv6Network, MobileNode] = {}
        self._ways: dict[IPv6Network, IPv6Address | None] = {}
        daemon.on(KeepPackets, self._keep)
        daemon.watch(self._sink.fileno(), self._drain)
        forwarding.on_rerouting.add(self._rerouting)
        forwarding.on_routed.add(self._routed)

    def _keep(self, action: KeepPackets) -> None:
        self._buffers[action.prefix] = Buffer(self._maximum)
        self._nodes[action.prefix] = action.mobile_node
        self._netlink.route_replace(action.prefix, oif=_LINK)

    def _drain(self) -> None:
        """Read all that the kernel has sent here."""
        while (packet := self._sink.receive()) is not None:
            prefix = IPv6Network((packet[_DESTINATION], 64), strict=False)
            if prefix in self._buffers:  # what the kernel says of itself on a link is not
                self.dropped += self._buffers[prefix].put(packet)

    def _rerouting(self, prefix: IPv6Network, peer: IPv6Address | None) -> None:
        if peer is None:
            self._note_neighbour(prefix)
        if prefix in self._buffers:
            self._ways[prefix] = peer
            self._deliver(prefix)

    def _note_neighbour(self, prefix: IPv6Network) -> None:
        """The first packets need not wait for the node to say where it is (RFC 5949 section 4.1).

        It has just come, and may not hear the question.
        """
        node = self._node_of(prefix)
        if node is not None:
            host = ipv6.of_interface(prefix, node.link_layer_address)
            self._netlink.note_neighbour(self._port.name, host, node.link_layer_address)

    def _routed(self, prefix: IPv6Network, is_routed: bool) -> None:
        """No more of the prefix comes here."""
        if prefix not in self._buffers:
            return
        if is_routed:
            self._deliver(prefix)
            del self._ways[prefix]
        else:
            self._drain()
            self.dropped += len(self._buffers[prefix].take())
        del self._buffers[prefix], self._nodes[prefix]

    def _deliver(self, prefix: IPv6Network) -> None:
        """Send what was kept the way that its prefix goes: to the node, or into a tunnel."""
        self._drain()
        packets, node, peer = self._buffers[prefix].take(), self._nodes[prefix], self._ways[prefix]
        if peer is None:
            for packet in packets:
                self._port.send(packet, node.link_layer_address)
        elif packets:
            tunnel = LinkSocket(self._forwarding.tunnels[peer].name)
            for packet in packets:
                tunnel.send(packet)
            self._daemon.aside(tunnel.close)
        if packets:
            self._daemon.log.write("kept_delivered", mn=node.identifier, packets=len(packets))
