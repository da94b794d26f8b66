"""MLD on a router's tunnels, which stay as long as multicast needs them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from ipaddress import IPv6Address, IPv6Network
from types import MappingProxyType

from agents.kernel.tunnel import Tunnel
from agents.multicast.actions import HoldLink, ReleaseLink
from agents.roles.daemon import Daemon
from agents.roles.forwarding_part import ForwardingPart
from agents.roles.multicast_part import MulticastPart

MULTICAST_HOLDER = "multicast"


class MulticastTunnels:
    """Runs MLD on every tunnel of a ``ForwardingPart``, as upstream, downstream or both.

    With ``peers``, on those to these only. ``pools`` is what the routers at the other ends anchor
    prefixes of, if they are MARs.
    """

    def __init__(
        self,
        daemon: Daemon,
        multicast: MulticastPart,
        forwarding: ForwardingPart,
        *,
        upstream: bool,
        downstream: bool,
        pools: Mapping[IPv6Address, IPv6Network] = MappingProxyType({}),
        peers: Collection[IPv6Address] | None = None,
    ) -> None:
        self._pools = pools
        self._multicast = multicast
        self._forwarding = forwarding
        self._upstream = upstream
        self._downstream = downstream
        self._only = peers
        self._peers: dict[str, IPv6Address] = {}
        forwarding.on_tunnel_created.add(self._created)
        forwarding.on_tunnel_removed.add(self._removed)
        daemon.on(HoldLink, self._hold)
        daemon.on(ReleaseLink, self._release)

    def _created(self, tunnel: Tunnel) -> None:
        if self._only is not None and tunnel.remote not in self._only:
            return
        self._peers[tunnel.name] = tunnel.remote
        self._multicast.add_tunnel(
            tunnel.name,
            tunnel.link_local,
            upstream=self._upstream,
            downstream=self._downstream,
            anchors=self._pools.get(tunnel.remote),
        )

    def _removed(self, tunnel: Tunnel) -> None:
        if tunnel.name in self._peers:
            self._multicast.remove_link(tunnel.name)
            del self._peers[tunnel.name]

    def _hold(self, action: HoldLink) -> None:
        self._forwarding.hold_tunnel(self._peers[action.link], MULTICAST_HOLDER)

    def _release(self, action: ReleaseLink) -> None:
        peer = self._peers.get(action.link)
        if peer is not None:  # else it is being removed already
            self._forwarding.release_tunnel(peer, MULTICAST_HOLDER)
