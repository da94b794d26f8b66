"""What the kernel of a router would hold; it refuses what a kernel would refuse."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network

from agents.core import Action
from agents.mobility.actions import (
    AddDlif,
    CreateTunnel,
    InstallReturnRoute,
    InstallRoute,
    InstallSourceRoute,
    KeepPackets,
    RemoveDlif,
    RemoveReturnRoute,
    RemoveRoute,
    RemoveSourceRoute,
    RemoveTunnel,
)


class Refused(Exception):
    """The kernel would not have done this: something is there already, or is not there."""


class Router:
    """Tunnels, routes, source routes, DLIF addresses of one router."""

    def __init__(self) -> None:
        self.tunnels: set[IPv6Address] = set()
        self.routes: dict[IPv6Network, IPv6Address | None] = {}
        self.source_routes: dict[IPv6Network, IPv6Address] = {}
        self.link_locals: set[IPv6Address] = set()
        self.kept: set[IPv6Network] = set()
        self.return_routes: dict[IPv6Network, tuple[IPv6Address, IPv6Address]] = {}

    def apply(self, action: Action) -> bool:
        """Carry out one action; False if it is none of a router's forwarding."""
        if isinstance(action, InstallRoute):
            if action.peer is not None:
                self._expect(action.peer in self.tunnels, action)
            self.routes[action.prefix] = action.peer
            self.kept.discard(action.prefix)
        elif isinstance(action, KeepPackets):
            self.routes.pop(action.prefix, None)
            self.kept.add(action.prefix)
        elif isinstance(action, RemoveRoute):
            self._expect(action.prefix in {*self.routes, *self.kept}, action)
            self.routes.pop(action.prefix, None)
            self.kept.discard(action.prefix)
        elif isinstance(action, InstallSourceRoute):
            self._expect(action.peer in self.tunnels, action)
            self.source_routes[action.prefix] = action.peer
        elif isinstance(action, RemoveSourceRoute):
            self._expect(action.prefix in self.source_routes, action)
            del self.source_routes[action.prefix]
        elif isinstance(action, InstallReturnRoute):
            self._expect({action.origin, action.peer} <= self.tunnels, action)
            self.return_routes[action.prefix] = (action.origin, action.peer)
        elif isinstance(action, RemoveReturnRoute):
            self._expect(action.prefix in self.return_routes, action)
            del self.return_routes[action.prefix]
        else:
            return self._apply_to_interfaces(action)
        return True

    def _apply_to_interfaces(self, action: Action) -> bool:
        if isinstance(action, CreateTunnel):
            self._expect(action.peer not in self.tunnels, action)
            self.tunnels.add(action.peer)
        elif isinstance(action, RemoveTunnel):
            returned = [peer for pair in self.return_routes.values() for peer in pair]
            users = [*self.routes.values(), *self.source_routes.values(), *returned]
            self._expect(action.peer in self.tunnels and action.peer not in users, action)
            self.tunnels.remove(action.peer)
        elif isinstance(action, AddDlif):
            self._expect(action.link_local not in self.link_locals, action)
            self.link_locals.add(action.link_local)
        elif isinstance(action, RemoveDlif):
            self._expect(action.link_local in self.link_locals, action)
            self.link_locals.remove(action.link_local)
        else:
            return False
        return True

    @staticmethod
    def _expect(possible: bool, action: Action) -> None:
        if not possible:
            raise Refused(action)
