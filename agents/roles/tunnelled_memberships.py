"""A mobile node away from home listens by its tunnel to what its applications joined on its link.

RFC 6275 section 11.3.4: it takes part in MLD as if at home, through the tunnel to its home agent.
The memberships there are the kernel's, as are those on the link; so reports and answers to queries
are the kernel's, too, and what comes by the tunnel reaches the applications' ordinary sockets.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

from agents.kernel.memberships import Member, memberships
from agents.kernel.sockets import LinkSocket
from agents.kernel.tunnel import Tunnel
from agents.roles.daemon import BUDGET, Daemon
from agents.wire import ipv6


class TunnelledMemberships:
    """Has the tunnel in use follow what applications join and leave on the link ``interface``."""

    def __init__(self, daemon: Daemon, interface: str) -> None:
        self._interface = interface
        self._members = WeakKeyDictionary[Tunnel, Member]()
        self._member: Member | None = None
        # The kernel tells nobody of a change but the routers on the link.
        self._reports = LinkSocket(interface, outgoing=True)
        daemon.watch(self._reports.fileno(), self._reported)

    def use(self, tunnel: Tunnel | None) -> None:
        """Listen by this tunnel from now on; None: by none, at home or off any link."""
        self._member = None if tunnel is None else self._member_of(tunnel)
        self._follow()

    def _member_of(self, tunnel: Tunnel) -> Member:
        """Memberships go with the device: to leave by a tunnel out of use would be to no avail."""
        if tunnel not in self._members:
            member = self._members[tunnel] = Member(tunnel.name)
            tunnel.after_closing(member.close)
        return self._members[tunnel]

    def _follow(self) -> None:
        if self._member is not None:
            self._member.listen(memberships(self._interface))

    def _reported(self) -> None:
        """The kernel sent, or got, control packets on the link: see whether memberships changed."""
        changed = False
        for _ in range(BUDGET):
            frame = self._reports.receive()
            if frame is None:
                break
            changed |= frame.outgoing and ipv6.parse(frame.packet).router_alert  # only MLD has it
        if changed:
            self._follow()
