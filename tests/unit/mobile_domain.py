"""Virtual time: MARs with tunnels, hosts that move, context transfer and channel control."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from ipaddress import IPv6Address, IPv6Network
from typing import ClassVar

from agents.core import MILLISECOND
from agents.multicast.actions import AskChannelControl
from agents.multicast.config import ProxyConfig
from agents.multicast.multi_upstream import MultiUpstream
from agents.multicast.selection import MldDmm, UpstreamSelection
from agents.wire.channel import ChannelScope
from tests.unit.mld_network import Host, Network, Router, tunnel

ROUND_TRIP = 20 * MILLISECOND
QUESTION_TIMEOUT = 200 * MILLISECOND
Channel = tuple["IPv6Address | None", IPv6Address]


class MobileDomain(Network):
    """mr1 with a source LAN, two MARs below each other router, and tunnels between all MARs.

    ``scopes`` is what channel control says, ``asks`` whether it is asked, ``transfers`` whether
    there is context transfer.
    """

    has_visitors: ClassVar[bool] = False
    """Whether mobile nodes' prefixes are of no MAR, but of an anchor beyond."""

    def __init__(
        self,
        config: ProxyConfig,
        seed: int,
        mars: int,
        loss: float = 0.0,
        *,
        transfers: bool,
        selection: UpstreamSelection | None = None,
    ) -> None:
        selection = selection or MultiUpstream(config.ongoing_session_window)
        super().__init__(config, seed, loss, selection)
        self.scopes: dict[Channel, ChannelScope] = {}
        self.transfers = transfers
        self.asks = selection.shares
        self.questions: list[tuple[str, Channel]] = []
        self.silent_until = 0
        self.visited: dict[str, list[str]] = {}
        self.on_restart: Callable[[str], None] = lambda router: None
        self.mars = [f"mar{number}" for number in range(1, mars + 1)]
        self._links: set[str] = set()
        self._build()

    def _build(self) -> None:
        """Its routers."""
        self.pools = self._pools()
        self.router("mr1")
        self.plug("mr1", "lan", upstream=False, downstream=True)
        for number, mar in enumerate(self.mars):
            self._add_mar(mar, f"mr{2 + number // 2}")

    def _pools(self) -> dict[str, IPv6Network]:
        """What the MARs anchor."""
        numbers = enumerate(self.mars, 1)
        return {mar: IPv6Network(f"2001:db8:{number:x}::/48") for number, mar in numbers}

    def _add_mar(self, mar: str, above: str) -> None:
        if above not in self.routers:
            self._add_router(above, "mr1", f"{above}-up")
        self._add_router(mar, above, f"{mar}-core")
        radio, visited = f"{mar}-radio", self.has_visitors
        self.plug(mar, radio, upstream=False, downstream=True, announced=True, visited=visited)

    def _add_router(self, name: str, above: str, wire: str) -> None:
        self.router(name)
        self.plug(above, wire, upstream=False, downstream=True)
        self.plug(name, wire, upstream=True, downstream=False)

    def node(self, name: str, mar: str) -> Host:
        """A mobile node that begins at a MAR."""
        host = self.host(name, "nowhere")
        self.arrive(host, mar)
        return host

    def where(self, host: Host) -> str:
        """The MAR where a host is."""
        return host.wire.split("-")[0]

    def arrive(self, host: Host, mar: str, gap: int = 0) -> None:
        """Go to a MAR, from another one if it was at one; the signalling follows by itself."""
        left = host.wire
        host.wire = "air"
        self.at(self.now + gap, partial(self._arrived, host, left, mar))

    def _arrived(self, host: Host, left: str, mar: str) -> None:
        self.attach(host, f"{mar}-radio")
        delay = self.random.randint(1, ROUND_TRIP)
        self.at(self.now + delay, partial(self._served, host, mar))

    def _served(self, host: Host, mar: str) -> None:
        """The CMD knows: it tells both MARs, and context comes with that or a little later."""
        if self.where(host) != mar:
            return
        visited = self.visited.get(host.name, [])
        previous = visited[-1] if visited else None
        anchors = [anchor for anchor in reversed(visited) if anchor != mar]
        self.visited[host.name] = [*reversed(anchors), mar]
        if previous in (None, mar):
            self.at(self.now + ROUND_TRIP, partial(self._bound, host, mar, ()))
            return
        for anchor in anchors:
            self.connect(anchor, mar)
        links = tuple(tunnel(anchor, mar) for anchor in anchors)
        self.at(self.now + ROUND_TRIP, partial(self._bound, host, mar, links))
        self.at(
            self.now + self.random.randint(0, ROUND_TRIP), partial(self._left, host, previous, mar)
        )

    def crash(self, router: str, dead: int) -> None:
        """A router dies, and starts anew ``dead`` ns later, unless it is dead already."""
        if not self.routers[router].is_down:
            self.stop(router)
            self.at(self.now + dead, partial(self.restart, router))

    def crash_channel_control(self, dead: int) -> None:
        """Channel control does not answer for ``dead`` ns."""
        self.silent_until = self.now + dead

    def restart(self, mar: str) -> None:
        """A router starts anew, and its hosts attach again."""
        self.start(mar)
        self.on_restart(mar)
        for host in self.hosts.values():
            if self.where(host) == mar:
                self.attach(host, host.wire)
                self.at(self.now + ROUND_TRIP, partial(self._bound, host, mar, ()))

    def connect(self, one: str, other: str) -> None:
        """Set up the tunnel between two MARs, unless it exists."""
        wire = tunnel(one, other)
        if wire not in self._links:
            self._links.add(wire)
            for mar, peer in ((one, other), (other, one)):
                pool = self.pools[peer]
                self.plug(mar, wire, upstream=True, downstream=True, anchors=pool)

    def _bound(self, host: Host, mar: str, links: tuple[str, ...]) -> None:
        """A host is bound, with these tunnels to its anchors, the latest first."""
        router, radio = self.routers[mar], f"{mar}-radio"
        if self.where(host) == mar:
            previous = links[0] if links else None
            actions = router.core.bound(host.address, radio, previous, self.now, links)
            self.perform(router, actions)

    def _left(self, host: Host, mar: str, now_at: str) -> None:
        """The previous MAR hears that its host is elsewhere, and hands its context over."""
        router, radio = self.routers[mar], f"{mar}-radio"
        if host.wire == radio or router.is_down:
            return
        records = router.core.subscription(host.address, radio)
        self.perform(router, router.core.detached(host.address, radio, self.now))
        if self.transfers:
            self.at(self.now + ROUND_TRIP, partial(self._context, host, now_at, records))

    def _context(self, host: Host, mar: str, records: tuple) -> None:
        router = self.routers[mar]
        if self.where(host) == mar:
            actions = router.core.context(host.address, f"{mar}-radio", records, self.now)
            self.perform(router, actions)

    def asked(self, router: Router, question: AskChannelControl) -> None:
        channel = (question.source, question.group)
        self.questions.append((router.name, channel))
        # Without an answer, the agent goes by the default.
        is_silent = self.now < self.silent_until
        delay, scopes = (QUESTION_TIMEOUT, {}) if is_silent else (ROUND_TRIP, self.scopes)
        self.at(self.now + delay, partial(self._answer, router, channel, scopes))

    def _answer(
        self, router: Router, channel: Channel, scopes: dict[Channel, ChannelScope]
    ) -> None:
        source, group = channel
        scope = scopes.get(channel, ChannelScope.REMOTE)
        self.perform(router, router.core.decided(group, source, scope, self.now))

    def change(self, channel: Channel, scope: ChannelScope) -> None:
        """A live change of policy, told to every MAR."""
        self.scopes[channel] = scope
        for mar in self.mars:
            self._answer(self.routers[mar], channel, self.scopes)

    def records(self, mar: str) -> set[tuple]:
        """The membership records of a MAR as the paper's tuples, with names for its addresses."""
        names = {str(host.address): name for name, host in self.hosts.items()}
        return {
            (
                (record.upstream or "").removeprefix(f"{mar}-"),
                record.source,
                record.group,
                record.count,
                tuple(names[listener] for listener in record.listeners if listener in names),
                record.local_sources,
            )
            for record in self.routers[mar].core.membership()
        }


class GatewayDomain(MobileDomain):
    """Proxy Mobile IPv6: the MARs are gateways, each of which has one upstream.

    It is the tunnel to an anchor (RFC 6224), or the native router (RFC 7028). No tunnels between
    them; the routers above learn from its data where a source is.
    """

    has_visitors = True

    def __init__(
        self, config: ProxyConfig, seed: int, mars: int, loss: float = 0.0, *, anchor: bool
    ) -> None:
        self._anchor = "lma" if anchor else None
        selection = MldDmm(config.ongoing_session_window)
        super().__init__(config, seed, mars, loss, transfers=False, selection=selection)

    def _add_mar(self, mar: str, above: str) -> None:
        super()._add_mar(mar, self._anchor or above)

    def _pools(self) -> dict[str, IPv6Network]:
        return {}

    def connect(self, one: str, other: str) -> None:
        """Gateways have no tunnels between them."""
