"""A mobile node's home addresses on its kernel: addresses, routes and tunnels.

A home address has a routing table of its own, which a rule chooses for packets from that address:
into its tunnel while it is bound, into a link that leads nowhere while it is away and not bound.
A regional care-of address (RFC 5380) is one, too: tunnels that begin at it lie in its own. With
Mobile IPv6's one home address, which is not of any link, packets that have no source yet take
that table, too, so that connections begin with the home address; packets from care-of addresses
never do.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Interface, IPv6Network
from typing import Any

from agents.core import Action
from agents.kernel.netlink import MAIN_TABLE, Netlink
from agents.kernel.sink import Sink
from agents.kernel.tunnel import MTU, Tunnel
from agents.mipv6.actions import (
    GiveUp,
    LeaveHome,
    LeaveLink,
    OpenTunnel,
    ReturnHome,
    TakeRegional,
    UseTunnel,
)
from agents.roles.care_of_tunnels import CareOfTunnels
from agents.roles.daemon import Daemon
from agents.roles.hook import Hook
from agents.wire import ipv6

_ALL = IPv6Network("::/0")
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_TABLE_BASE = 0x20000
_NOWHERE = "nowhere"
"""A link, so that what is sent is lost: an error would end the program that sends."""
_CARE_OF_PRIORITY, _HOME_PRIORITY, _UNBOUND_PRIORITY = 900, 1000, 1100


@dataclass
class _Home:
    table: int
    tunnel: Tunnel | None = None
    opened: Tunnel | None = None
    """The tunnel of the binding that is asked for."""


class HomeAddresses:
    """Carries out what a ``MobileNodeCore`` asks of the kernel."""

    def __init__(
        self, daemon: Daemon, interface: str, tunnels: CareOfTunnels, lifetime: int
    ) -> None:
        """``lifetime`` is of home addresses that are on the link again, in s."""
        self.on_tunnel: Hook[Tunnel | None] = Hook()
        """Told of the tunnel that a binding is asked for with, and (None) when there is none."""
        self._daemon = daemon
        self._interface = interface
        self._lifetime = lifetime
        self._netlink = Netlink()
        self._nowhere = Sink(_NOWHERE)
        self._tunnels = tunnels
        self._tables = itertools.count(_TABLE_BASE)
        self._homes: dict[IPv6Address, _Home] = {}
        self._settled: IPv6Address | None = None
        self._regional: set[IPv6Address] = set()
        self._reachable = False
        self._care_of: IPv6Address | None = None
        self._router: tuple[IPv6Address, IPv6Network] | None = None
        handlers: dict[type[Action], Callable[[Any], None]] = {
            LeaveHome: self._leave,
            LeaveLink: self._leave_link,
            OpenTunnel: self._open,
            UseTunnel: self._use,
            ReturnHome: self._return,
            GiveUp: self._give_up,
            TakeRegional: self._take,
        }
        for action, handler in handlers.items():
            daemon.on(action, handler)

    def settle(self, home_address: IPv6Address) -> None:
        """Have a home address that is of no link, and that every connection begins with."""
        self._settled = home_address
        self._netlink.add_address("lo", IPv6Interface(home_address), nodad=True)

    def _take(self, action: TakeRegional) -> None:
        if action.address not in self._regional:
            self._regional.add(action.address)
            self._netlink.add_address("lo", IPv6Interface(action.address), nodad=True)

    def use_router(self, link_local: IPv6Address, prefix: IPv6Network) -> None:
        """Another router is the default router now: the one before is out of reach."""
        if self._router is not None and self._router[0] != link_local:
            self._netlink.route_delete(_ALL, via=self._router[0])
        self._router = link_local, prefix

    def use_care_of(self, care_of: IPv6Address) -> None:
        """Send packets from this care-of address, and no longer from the last one, as they are."""
        if self._settled is not None and care_of != self._care_of:
            self._netlink.rule_add(
                IPv6Network(care_of), table=MAIN_TABLE, priority=_CARE_OF_PRIORITY
            )
            self._forget_care_of()
            self._care_of = care_of

    def _forget_care_of(self) -> None:
        if self._care_of is not None:
            self._netlink.rule_delete(
                IPv6Network(self._care_of), table=MAIN_TABLE, priority=_CARE_OF_PRIORITY
            )
            self._care_of = None

    def close(self) -> list[str]:
        """Delete the tunnels; their names."""
        names = self._tunnels.names()
        self._tunnels.close()
        return names

    def _leave(self, action: LeaveHome) -> None:
        home_address = action.home_address
        if home_address in self._homes:
            self._stop(home_address, self._homes[home_address])
        else:
            table = next(self._tables)
            self._homes[home_address] = _Home(table)
            self._netlink.last_route(_GLOBAL_UNICAST, oif=self._nowhere.name, table=table)
            self._choose_table(home_address, table)
        if home_address != self._settled and home_address not in self._regional:
            self._netlink.keep_address(self._interface, home_address)

    def _leave_link(self, action: LeaveLink) -> None:
        # First the tunnel: without the rule its own packets would take it.
        self._stop(action.home_address, self._homes[action.home_address])
        self._forget_care_of()

    def _choose_table(self, home_address: IPv6Address, table: int) -> None:
        source = IPv6Network(home_address)
        self._netlink.rule_add(source, table=table, priority=_HOME_PRIORITY)
        if home_address == self._settled:
            self._netlink.rule_add(_ALL, table=table, priority=_UNBOUND_PRIORITY)

    def _open(self, action: OpenTunnel) -> None:
        home = self._homes[action.home_address]
        before = home.opened
        home.opened = self._tunnels.hold(
            action.care_of,
            action.home_agent,
            action.home_address,
            # Flag L says that the node has it (RFC 6275 section 10.3.1).
            ipv6.link_local_like(action.home_address),
            # Other tunnels lie in it, so it has what they leave.
            MTU if action.home_address in self._regional else None,
        )
        if before not in (None, home.opened, home.tunnel):
            self._tunnels.release(before, action.home_address)
        self.on_tunnel(home.opened)

    def _use(self, action: UseTunnel) -> None:
        home = self._homes[action.home_address]
        assert home.opened is not None
        before, home.tunnel = home.tunnel, home.opened
        self._netlink.route_replace(
            _GLOBAL_UNICAST, oif=home.tunnel.name, source=action.home_address, table=home.table
        )
        if action.home_address in self._regional:
            self._tunnels.reroute(action.home_address)
        if before not in (None, home.tunnel):
            self._tunnels.release(before, action.home_address)
        if action.home_address == self._settled:
            self._daemon.soon(self._forget_care_of_addresses)  # packets do not wait for that
            if not self._reachable:
                self._reachable = True
                address = action.home_address
                self._daemon.log.write("address", address=address, state="preferred")

    def _forget_care_of_addresses(self) -> None:
        """Remove those of earlier links."""
        assert self._router is not None
        for address in self._netlink.addresses(self._interface):
            if address.ip in _GLOBAL_UNICAST and address.ip not in self._router[1]:
                self._netlink.remove_address(self._interface, address)

    def _return(self, action: ReturnHome) -> None:
        self._forget(action.home_address)
        here = self._router is not None and action.home_address in self._router[1]
        preferred = self._lifetime if here else 0
        self._netlink.renew_address(
            self._interface, action.home_address, self._lifetime, preferred=preferred
        )

    def _give_up(self, action: GiveUp) -> None:
        self._forget(action.home_address)
        if action.home_address in self._regional:
            self._regional.remove(action.home_address)
            self._netlink.remove_address("lo", IPv6Interface(action.home_address))
        else:
            address = IPv6Interface((action.home_address, 64))
            self._netlink.remove_address(self._interface, address)

    def _forget(self, home_address: IPv6Address) -> None:
        """Route packets from the address as any others."""
        home = self._homes.pop(home_address)
        source = IPv6Network(home_address)
        self._netlink.rule_delete(source, table=home.table, priority=_HOME_PRIORITY)
        self._stop(home_address, home)
        self._netlink.last_route_delete(_GLOBAL_UNICAST, table=home.table)

    def _stop(self, home_address: IPv6Address, home: _Home) -> None:
        """Send nothing through a tunnel any more."""
        self._netlink.route_delete(_GLOBAL_UNICAST, table=home.table)
        for tunnel in {home.tunnel, home.opened}:
            if tunnel is not None:
                self._tunnels.release(tunnel, home_address)
        home.tunnel = home.opened = None
        self.on_tunnel(None)
