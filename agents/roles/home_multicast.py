"""MLD on a home agent's tunnels (RFC 6275 section 10.4.3): what a node listens to moves with it."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network

from agents.core import refused
from agents.kernel.mroute import MAXIMUM_INTERFACES
from agents.kernel.tunnel import Tunnel
from agents.multicast.actions import HoldLink, ReleaseLink
from agents.roles.daemon import Daemon
from agents.roles.multicast_part import MulticastPart
from agents.roles.multicast_tunnels import MULTICAST_HOLDER
from agents.wire import ipv6

_TUNNELS = MAXIMUM_INTERFACES - 1
"""As many as the kernel forwards multicast to, beside the upstream."""


class HomeMulticast:
    """Each tunnel to a care-of address is a downstream link of the home agent's MLD proxy.

    The host on it has the link-local address of its home address: whatever the tunnel, a listener
    is the same one, and a binding alone moves its channels. It is asked to confirm them.
    """

    def __init__(self, daemon: Daemon, multicast: MulticastPart) -> None:
        self._daemon = daemon
        self._multicast = multicast
        self._homes: dict[Tunnel, set[IPv6Address]] = {}
        """Those behind each tunnel; bindings that nothing authenticates may share one."""
        daemon.on(HoldLink, self._held)
        daemon.on(ReleaseLink, lambda action: None)  # the binding keeps the tunnel

    def moved(self, home_address: IPv6Address, before: Tunnel | None, after: Tunnel | None) -> None:
        """A home address is behind another tunnel; None: behind none."""
        if before is after:
            return
        host = ipv6.link_local_like(home_address)
        served = before if before in self._homes else None
        if after is not None and self._open(after, home_address):
            self._homes[after].add(home_address)
            self._multicast.follow(host, after.name, served.name if served else None)
            self._multicast.away(IPv6Network(home_address), after.name)
        else:
            self._multicast.away(IPv6Network(home_address), None)
        if served is not None:
            self._leave(served, home_address)

    def _open(self, tunnel: Tunnel, home_address: IPv6Address) -> bool:
        """Run MLD on a tunnel, if the kernel has room for one more."""
        if tunnel in self._homes:
            return True
        if len(self._homes) == _TUNNELS:
            why = f"the kernel forwards multicast to {_TUNNELS} tunnels at most"
            line = refused(home_address, "all multicast", why)
            self._daemon.log.write(line.kind, **line.fields)
            return False
        self._homes[tunnel] = set()
        self._multicast.add_tunnel(tunnel.name, tunnel.link_local, upstream=False, downstream=True)
        return True

    def _leave(self, tunnel: Tunnel, home_address: IPv6Address) -> None:
        self._homes[tunnel].discard(home_address)
        if not self._homes[tunnel]:
            del self._homes[tunnel]
            self._multicast.remove_link(tunnel.name)

    def _held(self, action: HoldLink) -> None:
        peer = next(tunnel.remote for tunnel in self._homes if tunnel.name == action.link)
        self._daemon.log.write("tunnel_held", peer=peer, holder=MULTICAST_HOLDER)
