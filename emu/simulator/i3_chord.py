"""i3 servers on a Chord ring, in virtual time: they come, leave and crash as they like."""

from __future__ import annotations

from functools import partial
from typing import cast

from agents.core import MILLISECOND, SECOND
from agents.i3.chord import LEAVING_TIME
from agents.i3.directory import Entries
from agents.i3.host import EndHost
from agents.i3.member import Member
from agents.i3.positions import position_of
from agents.i3.ring_server import RingServer
from agents.wire.i3 import Endpoint, Identifier
from emu.simulator.i3 import Host, Overlay

JOIN_INTERVAL = 200 * MILLISECOND
SETTLING = 30 * SECOND
"""For which the first servers have the ring to themselves; ns."""
WELL_KNOWN = 3
"""How many servers a server or a host is told by which to begin."""
_KEY = b"what all servers have"


class ChordOverlay(Overlay):
    """Servers that know one another by Chord, and hosts that know some of them."""

    def add_server(self, node: int) -> Host:
        """A server at a node joins the ring."""
        endpoint, secret = self._endpoint(), self.random.randbytes(16)
        core = RingServer(endpoint, _KEY, self._some(), secret, self.random, self._config)
        host = self.hosts[endpoint] = Host(endpoint, node, core)
        self.servers.append(host)
        self._servers_changed()
        self.call(host, core.chord.start)
        return host

    def crash(self, host: Host) -> None:
        """A server or another host is gone."""
        super().crash(host)
        if host in self.servers:
            self.servers.remove(host)
            self._servers_changed()

    def leave(self, host: Host) -> None:
        """A server leaves: it says so, and is gone after a while."""
        cast(RingServer, host.core).chord.leave()
        self.engine.after(LEAVING_TIME, partial(self.crash, host))

    def one_hop_share(self) -> float:
        """Of the packets that have come to their identifiers' servers, those that came straight."""
        cores = [cast(RingServer, host.core) for host in self.servers]
        arrived = sum(core.arrived for core in cores)
        return 1 - sum(core.passed_on for core in cores) / arrived

    def _add_servers(self, number: int) -> None:
        for node in self._places(number):
            self.add_server(node)
            self.engine.run(self.engine.now + JOIN_INTERVAL)
        self.engine.run(self.engine.now + SETTLING)

    def _servers_changed(self) -> None:
        self._set_ring(
            {position_of(one.endpoint): (one.node, one.endpoint) for one in self.servers}
        )

    def _end_host(self, endpoint: Endpoint, root: Identifier, node: int) -> tuple[EndHost, Member]:
        def near() -> bytes:
            return self._prefix(self._nearest(node))

        entries = Entries(self._some(), self.random)
        host = EndHost(endpoint, root, entries, near, self.random, self.group)
        return host, host.member

    def _some(self) -> list[Endpoint]:
        """Servers that are there."""
        number = min(WELL_KNOWN, len(self.servers))
        return [host.endpoint for host in self.random.sample(self.servers, number)]
