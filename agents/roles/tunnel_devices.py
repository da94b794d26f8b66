"""The tunnel devices of a router: ready before they are needed."""

from __future__ import annotations

from concurrent.futures import Future
from functools import partial
from ipaddress import IPv6Address, IPv6Network

from agents.kernel.netlink import Netlink
from agents.kernel.tunnel import Backend, Tunnel, open_tunnel
from agents.roles import ingress_filter
from agents.roles.daemon import Daemon

READY = 16
"""How many devices a router keeps that nobody needs: at the start, and when they are released."""

_DEFAULT = IPv6Network("::/0")
_TABLE_BASE = 0x10000


def device_name(peer: str) -> str:
    """The name of the device of the tunnel to a peer of this name."""
    return f"tun-{peer}"


class TunnelDevices:
    """At most one tunnel to each peer; ``names`` are the peers', for the names of the devices.

    ``pool`` has the prefixes that this router anchors: their mobile nodes send by tunnels.

    Making a device takes the kernel some ms and deleting one tens of ms, under a lock that all that
    changes links waits for. So neither is left to a handover: the devices to the first peers are
    made at the start (RFC 5213 section 5.6.1 allows static tunnels), and one that is not needed any
    more goes only when too many others have been idle for a shorter time.
    """

    def __init__(
        self,
        daemon: Daemon,
        local: IPv6Address,
        backend: Backend,
        names: dict[IPv6Address, str],
        pool: IPv6Network | None = None,
    ) -> None:
        self._daemon = daemon
        self._local = local
        self._backend = backend
        self._names = names
        self._pool = pool
        self._netlink = Netlink()
        self._closing: dict[IPv6Address, Future[None]] = {}
        peers = [peer for peer in names if peer != local][:READY]
        self._idle = {peer: self._make(peer) for peer in peers}

    def open(self, peer: IPv6Address) -> Tunnel:
        """The tunnel to a peer: the one that is there, or a new one."""
        tunnel = self._idle.pop(peer, None)
        if tunnel is None:
            if peer in self._closing:  # both would have the same name
                self._closing.pop(peer).result()
            tunnel = self._make(peer)
        return tunnel

    def table(self, tunnel: Tunnel) -> int:
        """The routing table of its own, whose one route leads into the tunnel."""
        return _TABLE_BASE + self._netlink.index(tunnel.name)

    def retire(self, tunnel: Tunnel) -> None:
        """A tunnel is not needed any more."""
        self._idle[tunnel.remote] = tunnel
        if len(self._idle) > READY:
            self._delete(next(iter(self._idle)))

    def close(self) -> None:
        """Delete what is not needed, and wait until it is gone."""
        for peer in list(self._idle):
            self._delete(peer)
        for closing in self._closing.values():
            closing.result()

    def _make(self, peer: IPv6Address) -> Tunnel:
        tunnel = open_tunnel(device_name(self._names[peer]), self._local, peer, self._backend)
        self._netlink.route_replace(_DEFAULT, oif=tunnel.name, table=self.table(tunnel))
        ingress_filter.deliver_only(tunnel.name, self._pool)
        tunnel.after_closing(partial(ingress_filter.forget, tunnel.name))
        return tunnel

    def _delete(self, peer: IPv6Address) -> None:
        self._closing[peer] = self._daemon.aside(self._idle.pop(peer).close)
