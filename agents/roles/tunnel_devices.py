"""The tunnel devices of a router: made when needed, deleted when quiet."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from ipaddress import IPv6Address

from agents.kernel.tunnel import Backend, Tunnel, open_tunnel
from agents.roles.daemon import Daemon

LINGER_S = 2.0
"""How long a device stays that nobody needs.

Deleting one takes the kernel tens of ms, under a lock that all that changes links waits for: not
during the handover that made it superfluous. And a mobile node may soon come back.
"""


class TunnelDevices:
    """At most one tunnel to each peer; ``names`` are the peers', for the names of the devices."""

    def __init__(
        self, daemon: Daemon, local: IPv6Address, backend: Backend, names: dict[IPv6Address, str]
    ) -> None:
        self._daemon = daemon
        self._local = local
        self._backend = backend
        self._names = names
        self._retired: dict[IPv6Address, tuple[Tunnel, asyncio.TimerHandle]] = {}
        self._closing: dict[IPv6Address, Future[None]] = {}

    def open(self, peer: IPv6Address) -> Tunnel:
        """The tunnel to a peer: the one that is still there, or a new one."""
        if peer in self._retired:
            tunnel, timer = self._retired.pop(peer)
            timer.cancel()
            return tunnel
        if peer in self._closing:  # both would have the same name
            self._closing.pop(peer).result()
        return open_tunnel(f"tun-{self._names[peer]}", self._local, peer, self._backend)

    def retire(self, tunnel: Tunnel) -> None:
        """A tunnel is not needed any more."""
        timer = self._daemon.after(LINGER_S, lambda: self._delete(tunnel.remote))
        self._retired[tunnel.remote] = (tunnel, timer)

    def _delete(self, peer: IPv6Address) -> None:
        tunnel, _ = self._retired.pop(peer)
        self._closing[peer] = self._daemon.aside(tunnel.close)

    def close(self) -> None:
        """Delete what is not needed, and wait until it is gone."""
        for peer in list(self._retired):
            self._delete(peer)
        for closing in self._closing.values():
            closing.result()
