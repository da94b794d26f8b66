"""What a mobility core says of tunnels and routes, carried out on the kernel: in any router."""

from __future__ import annotations

import time
from collections.abc import Callable
from ipaddress import IPv6Address, IPv6Interface, IPv6Network
from typing import Any, Protocol

from agents.core import Action, Core
from agents.kernel.netlink import Netlink
from agents.kernel.tunnel import Tunnel
from agents.mobility import actions
from agents.roles.daemon import Daemon
from agents.roles.hook import Hook
from agents.roles.ingress_filter import SOURCE_ROUTE_PRIORITY
from agents.roles.tunnel_devices import TunnelDevices

Routed = Hook[IPv6Network, "IPv6Address | None"]
"""Of a prefix and the peer behind whose tunnel it is now; None: behind none."""


class TunnellingCore(Core, Protocol):
    """A core whose tunnels others may hold as well."""

    def hold_tunnel(self, peer: IPv6Address, holder: str, now: int) -> list[Action]:
        """Another part of the router needs the tunnel to a peer."""

    def release_tunnel(self, peer: IPv6Address, holder: str, now: int) -> list[Action]:
        """Another part of the router no longer needs the tunnel to a peer."""


class ForwardingPart:
    """Joins a core to tunnels, routes, source routes and DLIF addresses.

    ``access`` is the access link; a router that has none anchors prefixes and serves nobody.
    """

    def __init__(
        self,
        daemon: Daemon,
        core: TunnellingCore,
        devices: TunnelDevices,
        access: str | None = None,
    ) -> None:
        self.tunnels: dict[IPv6Address, Tunnel] = {}
        self.on_tunnel_created: Hook[Tunnel] = Hook()
        self.on_tunnel_removed: Hook[Tunnel] = Hook()
        self.on_rerouting: Routed = Hook()
        """Of a route before it is installed."""
        self.on_route: Routed = Hook()
        self.on_source_route: Routed = Hook()
        self.on_routed: Hook[IPv6Network, bool] = Hook()
        """Of a prefix that leads to a mobile node, wherever that is, or no longer does."""
        self._daemon = daemon
        self._core = core
        self._devices = devices
        self._access = access
        self._netlink = Netlink()
        self._source_routes: dict[IPv6Network, int] = {}
        self._return_routes: dict[IPv6Network, tuple[str, int]] = {}
        handlers: dict[type[Action], Callable[[Any], None]] = {
            actions.CreateTunnel: self._create_tunnel,
            actions.RemoveTunnel: self._remove_tunnel,
            actions.InstallRoute: self._install_route,
            actions.RemoveRoute: self._remove_route,
            actions.InstallSourceRoute: self._install_source_route,
            actions.RemoveSourceRoute: self._remove_source_route,
            actions.InstallReturnRoute: self._install_return_route,
            actions.RemoveReturnRoute: self._remove_return_route,
            actions.AddDlif: self._add_dlif,
            actions.RemoveDlif: self._remove_dlif,
        }
        for action, handler in handlers.items():
            daemon.on(action, handler)

    def hold_tunnel(self, peer: IPv6Address, holder: str) -> None:
        """Another part of the router needs the tunnel to ``peer``."""
        self._daemon.carry_out(
            self._core, self._core.hold_tunnel(peer, holder, time.monotonic_ns())
        )

    def release_tunnel(self, peer: IPv6Address, holder: str) -> None:
        """Another part of the router no longer needs the tunnel to ``peer``."""
        self._daemon.carry_out(
            self._core, self._core.release_tunnel(peer, holder, time.monotonic_ns())
        )

    def close(self) -> None:
        """Delete the tunnels that are not needed any more."""
        self._devices.close()

    def _create_tunnel(self, action: actions.CreateTunnel) -> None:
        tunnel = self._devices.open(action.peer)
        self.tunnels[action.peer] = tunnel
        self.on_tunnel_created(tunnel)

    def _remove_tunnel(self, action: actions.RemoveTunnel) -> None:
        tunnel = self.tunnels.pop(action.peer)
        self.on_tunnel_removed(tunnel)
        self._devices.retire(tunnel)

    def _install_route(self, action: actions.InstallRoute) -> None:
        self.on_rerouting(action.prefix, action.peer)
        device = self.tunnels[action.peer].name if action.peer else self._link()
        self._netlink.route_replace(action.prefix, oif=device)
        self.on_route(action.prefix, action.peer)
        self.on_routed(action.prefix, True)

    def _remove_route(self, action: actions.RemoveRoute) -> None:
        self._netlink.route_delete(action.prefix)
        self.on_route(action.prefix, None)
        self.on_routed(action.prefix, False)

    def _install_source_route(self, action: actions.InstallSourceRoute) -> None:
        self._forget_source_route(action.prefix)
        table = self._devices.table(self.tunnels[action.peer])
        self._netlink.rule_add(
            action.prefix, iif=self._link(), table=table, priority=SOURCE_ROUTE_PRIORITY
        )
        self._source_routes[action.prefix] = table
        self.on_source_route(action.prefix, action.peer)

    def _remove_source_route(self, action: actions.RemoveSourceRoute) -> None:
        self._forget_source_route(action.prefix)
        self.on_source_route(action.prefix, None)

    def _forget_source_route(self, prefix: IPv6Network) -> None:
        table = self._source_routes.pop(prefix, None)
        if table is not None:
            self._netlink.rule_delete(
                prefix, iif=self._link(), table=table, priority=SOURCE_ROUTE_PRIORITY
            )

    def _install_return_route(self, action: actions.InstallReturnRoute) -> None:
        self._forget_return_route(action.prefix)
        origin = self.tunnels[action.origin].name
        table = self._devices.table(self.tunnels[action.peer])
        self._netlink.rule_add(
            action.prefix, iif=origin, table=table, priority=SOURCE_ROUTE_PRIORITY
        )
        self._return_routes[action.prefix] = (origin, table)

    def _remove_return_route(self, action: actions.RemoveReturnRoute) -> None:
        self._forget_return_route(action.prefix)

    def _forget_return_route(self, prefix: IPv6Network) -> None:
        if prefix in self._return_routes:
            origin, table = self._return_routes.pop(prefix)
            self._netlink.rule_delete(
                prefix, iif=origin, table=table, priority=SOURCE_ROUTE_PRIORITY
            )

    def _link(self) -> str:
        assert self._access is not None
        return self._access

    def _add_dlif(self, action: actions.AddDlif) -> None:
        self._netlink.add_address(self._link(), IPv6Interface((action.link_local, 64)), nodad=True)

    def _remove_dlif(self, action: actions.RemoveDlif) -> None:
        self._netlink.remove_address(self._link(), IPv6Interface((action.link_local, 64)))
