"""The tunnels between care-of addresses and home agents, at either end."""

from __future__ import annotations

import itertools
from concurrent.futures import Future
from ipaddress import IPv6Address

from agents.kernel.tunnel import MTU, Backend, Tunnel, open_tunnel
from agents.roles.daemon import Daemon

_LINGER_S = 2.0
"""How long a device stays that nobody needs: deleting one holds up all that changes links."""


class CareOfTunnels:
    """One tunnel for each pair of ends, shared by the home addresses that need it."""

    def __init__(self, daemon: Daemon, backend: Backend, mtu: int = MTU) -> None:
        self._daemon = daemon
        self._backend = backend
        self._mtu = mtu
        self._numbers = itertools.count(1)
        self._open: dict[tuple[IPv6Address, IPv6Address], tuple[Tunnel, set[IPv6Address]]] = {}
        self._closing: list[Future[None]] = []

    def hold(
        self,
        local: IPv6Address,
        remote: IPv6Address,
        holder: IPv6Address,
        link_local: IPv6Address | None = None,
        mtu: int | None = None,
    ) -> Tunnel:
        """The tunnel between these, which a home address needs from now on.

        A device that is made for it gets ``link_local``, or else an address of its end's own, and
        an MTU, if it is to have another one.
        """
        key = local, remote
        if key not in self._open:
            name = f"tun-{next(self._numbers)}"
            tunnel = open_tunnel(name, local, remote, self._backend, mtu or self._mtu, link_local)
            self._open[key] = tunnel, set()
            self._daemon.log.write("tunnel_created", peer=remote)
        tunnel, holders = self._open[key]
        holders.add(holder)
        self._daemon.log.write("tunnel_held", peer=remote, holder=f"unicast:{holder}")
        return tunnel

    def release(self, tunnel: Tunnel, holder: IPv6Address) -> None:
        """A home address does not need the tunnel any more."""
        _, holders = self._open[tunnel.local, tunnel.remote]
        holders.discard(holder)
        if not holders:
            self._daemon.after(_LINGER_S, lambda: self._close_idle(tunnel))

    def reroute(self, local: IPv6Address) -> None:
        """What is sent from this end takes another route now."""
        for tunnel, _ in self._open.values():
            if tunnel.local == local:
                tunnel.reroute()

    def close(self) -> None:
        """Delete all, and wait until they are gone."""
        for tunnel, _ in list(self._open.values()):
            self._close(tunnel)
        for closing in self._closing:
            closing.result()

    def names(self) -> list[str]:
        """The devices."""
        return [tunnel.name for tunnel, _ in self._open.values()]

    def _close_idle(self, tunnel: Tunnel) -> None:
        current, holders = self._open.get((tunnel.local, tunnel.remote), (None, set()))
        if current is tunnel and not holders:
            self._close(tunnel)

    def _close(self, tunnel: Tunnel) -> None:
        del self._open[tunnel.local, tunnel.remote]
        self._daemon.log.write("tunnel_removed", peer=tunnel.remote)
        self._closing.append(self._daemon.aside(tunnel.close))
