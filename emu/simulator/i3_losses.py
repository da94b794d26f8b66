"""Losses of an overlay: each hop has a rate of its own, drawn once (section 6.3)."""

from __future__ import annotations

from random import Random

from emu.simulator.i3 import Host


class HopLosses:
    """Says of each datagram whether it is lost; rates are uniform from 0 to the given ones.

    What goes to or from an end host meets that host's last hop; between servers, the pair's.
    """

    def __init__(self, seed: int, between_servers: float = 0.04, last_hop: float = 0.08) -> None:
        self._random = Random(seed)
        self._between, self._last = between_servers, last_hop
        self._rates: dict[tuple[int, int] | bytes, float] = {}

    def __call__(self, origin: Host, target: Host) -> bool:
        """Whether a datagram from one host to another is lost."""
        ends = [host for host in (origin, target) if not host.is_server]
        if not ends:
            return self._lost((origin.node, target.node), self._between)
        return any(self._lost(host.endpoint, self._last) for host in ends)

    def _lost(self, hop: tuple[int, int] | bytes, most: float) -> bool:
        rate = self._rates.get(hop)
        if rate is None:
            rate = self._rates[hop] = self._random.uniform(0, most)
        return self._random.random() < rate


class ServerLosses(HopLosses):
    """As section 6.3 has them: servers drop what they send, a share of its own for each hop.

    "0-4% to i3 hops, and between 0-8% to the hops from i3 servers to end-hosts"; section 7.2: "we
    instrumented the i3 servers to artificially drop packets". What an end host sends, a request to
    a server or a repair straight to another end host, meets nobody who drops it.
    """

    def __call__(self, origin: Host, target: Host) -> bool:
        """Whether a datagram from one host to another is lost."""
        return origin.is_server and super().__call__(origin, target)
