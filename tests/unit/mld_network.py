"""Virtual time: a network of MLD proxies and hosts, with report loss, and data that follows it."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from ipaddress import IPv6Address, IPv6Network
from random import Random
from typing import Any

from agents.core import MILLISECOND, SECOND, Action
from agents.deadlines import Deadlines
from agents.multicast.actions import (
    AskChannelControl,
    HoldLink,
    RedirectSource,
    ReleaseLink,
    RemoveForwarding,
    SendMld,
    SetForwarding,
)
from agents.multicast.config import ProxyConfig
from agents.multicast.filters import NOTHING, Filter
from agents.multicast.host import HostPart
from agents.multicast.proxy import MldProxy
from agents.multicast.selection import MldDmm, UpstreamSelection
from agents.wire.mld import (
    Message,
    MulticastListenerQuery,
    MulticastListenerReport,
    RecordType,
)

HOP_DELAY = 5 * MILLISECOND
HOPS = 16
BINDING_DELAY = 20 * MILLISECOND
CURRENT_STATE = {RecordType.MODE_IS_INCLUDE, RecordType.MODE_IS_EXCLUDE}


class Loss:
    """Loses reports, but of one group's in one direction never [robustness] in a row."""

    def __init__(self, random: Random, rate: float, robustness: int) -> None:
        self._random, self._rate, self._most = random, rate, robustness - 1
        self._in_a_row: Counter[tuple[object, ...]] = Counter()

    def loses(self, sender: str, wire: str, message: Message) -> bool:
        if not isinstance(message, MulticastListenerReport):
            return False
        keys = [(sender, wire, r.group, r.type in CURRENT_STATE) for r in message.records]
        lost = self._random.random() < self._rate and all(
            self._in_a_row[key] < self._most for key in keys
        )
        for key in keys:
            self._in_a_row[key] = self._in_a_row[key] + 1 if lost else 0
        return lost


class Host:
    """A host on one wire, with the host part of MLD standing for its kernel."""

    def __init__(self, name: str, address: IPv6Address, wire: str, part: HostPart) -> None:
        self.name, self.address, self.wire, self.part = name, address, wire, part
        self.wanted: dict[IPv6Address, Filter] = {}

    @property
    def link_layer(self) -> bytes:
        return self.address.packed[-6:]


@dataclass(frozen=True)
class Packet:
    """Data under way: its number, and the routers that have forwarded it so far."""

    source: IPv6Address
    group: IPv6Address
    number: int
    path: tuple[str, ...] = ()


class Router:
    """A proxy, whose links are named as the wires, and its kernel's forwarding cache."""

    def __init__(self, name: str, core: MldProxy) -> None:
        self.name, self.core = name, core
        self.addresses: dict[str, IPv6Address] = {}
        self.parts: dict[str, dict[str, Any]] = {}
        self.cache: dict[tuple[IPv6Address, IPv6Address], SetForwarding] = {}
        self.told: dict[tuple[IPv6Address, IPv6Address], int] = {}
        self.redirects: dict[tuple[IPv6Address, IPv6Address], str] = {}
        self.held: set[str] = set()
        self.is_down = False


class Network:
    """Routers and hosts on wires; ``selection`` is the MARs' upstream selection.

    ``pools`` are the prefixes that routers anchor. ``returned`` is which packets in flight a
    router forwarded that it had forwarded before, and ``heard`` which of them each host got, how
    often.
    """

    def __init__(
        self,
        config: ProxyConfig,
        seed: int,
        loss: float = 0.0,
        selection: UpstreamSelection | None = None,
    ) -> None:
        self.config, self.now, self.random = config, 0, Random(seed)
        self.selection = selection
        self.routers: dict[str, Router] = {}
        self.hosts: dict[str, Host] = {}
        self.arrivals: Counter[str] = Counter()
        self.pools: dict[str, IPv6Network] = {}
        self.returned: list[tuple[int, str, Packet]] = []
        self.heard: dict[str, Counter[tuple[IPv6Address, int]]] = defaultdict(Counter)
        self._plugged: dict[str, list[Router]] = defaultdict(list)
        self._timers: Deadlines[tuple[str, str]] = Deadlines()
        self._loss = Loss(self.random, loss, config.robustness)
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._count = itertools.count(1)

    def router(self, name: str) -> Router:
        selection = self.selection if name.startswith("mar") else None
        detours = isinstance(selection, MldDmm)
        core = MldProxy(self.config, self.random, selection, self.pools.get(name), detours=detours)
        self.routers[name] = Router(name, core)
        return self.routers[name]

    def plug(
        self,
        name: str,
        wire: str,
        *,
        upstream: bool,
        downstream: bool,
        anchors: IPv6Network | None = None,
        announced: bool = False,
        visited: bool = False,
    ) -> None:
        """Give a router a link, named as the wire; ``anchors`` is the pool of the other end."""
        router, address = self.routers[name], IPv6Address(f"fe80::5213:{next(self._count):x}")
        router.addresses[wire] = address
        router.parts[wire] = {
            "upstream": upstream,
            "downstream": downstream,
            "on_demand": upstream and downstream,
            "anchors": anchors,
            "announced": announced,
            "visited": visited,
        }
        self._plugged[wire].append(router)
        actions = router.core.add_link(wire, address, self.now, **router.parts[wire])
        self.perform(router, actions)

    def stop(self, name: str) -> None:
        """A router is dead: it hears, says and forwards nothing until it is started again."""
        self.routers[name].is_down = True

    def start(self, name: str) -> None:
        """A router starts anew: it has forgotten everything but its addresses."""
        old, new = self.routers[name], self.router(name)
        for wire, address in old.addresses.items():
            self._plugged[wire][self._plugged[wire].index(old)] = new
            new.addresses[wire] = address
            new.parts[wire] = old.parts[wire]
            actions = new.core.add_link(wire, address, self.now, **new.parts[wire])
            self.perform(new, actions)

    def host(self, name: str, wire: str) -> Host:
        address = IPv6Address(f"fe80::a:{next(self._count):x}")
        part = HostPart(self.config, self.random, Deadlines())
        self.hosts[name] = Host(name, address, wire, part)
        return self.hosts[name]

    def at(self, time: int, call: Callable[[], None]) -> None:
        heapq.heappush(self._events, (time, next(self._count), call))

    def want(self, host: Host, group: IPv6Address, wanted: Filter) -> None:
        host.wanted[group] = wanted
        host.part.subscribe(group, wanted, self.now)
        self._set_timer(host)

    def move(self, host: Host, wire: str, previous_link: str | None) -> None:
        """Hand a host over: it keeps its subscriptions, and only answers when it is asked."""
        for router in self._plugged[host.wire]:
            self.perform(router, router.core.detached(host.address, host.wire, self.now))
        self.attach(host, wire)
        for router in self._plugged[wire]:
            bound = partial(self._bind, router, host, wire, previous_link)
            self.at(self.now + BINDING_DELAY, bound)

    def attach(self, host: Host, wire: str) -> None:
        """A host comes to a wire; its binding is pending."""
        host.wire = wire
        for router in self._plugged[wire]:
            core = router.core
            self.perform(router, core.attached(host.address, wire, self.now, host.link_layer))

    def run(self, until: int) -> None:
        """All that happens up to a time."""
        while True:
            times = [time for time, _, _ in self._events[:1]]
            timer = self._timers.next()
            times += [] if timer is None else [timer]
            if not times or min(times) > until:
                self.now = until
                return
            self.now = max(self.now, min(times))
            while self._events and self._events[0][0] <= self.now:
                heapq.heappop(self._events)[2]()
            for kind, name in list(self._timers.due(self.now)):
                if kind == "router":
                    self.perform(self.routers[name], self.routers[name].core.timer(self.now))
                    continue
                host = self.hosts[name]
                for report in host.part.timer(self.now):
                    self._transmit(host.name, host.address, host.wire, report, None)
                self._set_timer(host)

    def send(self, source: IPv6Address, group: IPv6Address, wire: str) -> Counter[str]:
        """Send a packet on a wire: how often each wire carried it."""
        carried: Counter[str] = Counter()
        self._carry(source, group, wire, None, carried, HOPS)
        return carried

    def interested(self, source: IPv6Address, group: IPv6Address) -> set[str]:
        """The wires with a host that wants a channel."""
        hosts = self.hosts.values()
        return {h.wire for h in hosts if h.wanted.get(group, NOTHING).accepts(source)}

    def _carry(
        self,
        source: IPv6Address,
        group: IPv6Address,
        wire: str,
        sender: Router | None,
        carried: Counter[str],
        hop_limit: int,
    ) -> None:
        assert hop_limit, f"a loop: {carried}"
        carried[wire] += 1
        for router in self._plugged[wire]:
            if router is sender or router.is_down:
                continue
            self.arrivals[router.name] += 1
            redirect = self._redirect(router, source, group, wire)
            links = self._outgoing(router, source, group, wire) if redirect is None else (redirect,)
            for outgoing in links:
                self._carry(source, group, outgoing, router, carried, hop_limit - 1)

    def launch(self, packet: Packet, wire: str, sender: Router | None = None) -> None:
        """Put a packet on a wire; it comes to the other ends a hop's delay later."""
        self.at(self.now + HOP_DELAY, partial(self._arrive, packet, wire, sender))

    def _arrive(self, packet: Packet, wire: str, sender: Router | None) -> None:
        if sender is not None:
            self._hear(packet, wire)
        for router in self._plugged[wire]:
            if router.is_down or (sender is not None and router.name == sender.name):
                continue
            redirect = self._redirect(router, packet.source, packet.group, wire)
            if redirect is not None:
                self.launch(packet, redirect, router)
                continue
            links = self._outgoing(router, packet.source, packet.group, wire)
            if len(packet.path) == HOPS:
                continue
            if links and router.name in packet.path:
                self.returned.append((self.now, router.name, packet))
            onward = replace(packet, path=(*packet.path, router.name))
            for link in links:
                self.launch(onward, link, router)

    def _hear(self, packet: Packet, wire: str) -> None:
        for host in self.hosts.values():
            wanted = host.wanted.get(packet.group, NOTHING)
            if host.wire == wire and wanted.accepts(packet.source):
                self.heard[host.name][packet.group, packet.number] += 1

    def _redirect(
        self, router: Router, source: IPv6Address, group: IPv6Address, wire: str
    ) -> str | None:
        """The link to which a router sends a source's data past its multicast routing."""
        return router.redirects.get((source, group)) if wire.endswith("radio") else None

    def _outgoing(
        self, router: Router, source: IPv6Address, group: IPv6Address, wire: str
    ) -> tuple[str, ...]:
        """What a router's kernel makes of a packet that came in by a wire."""
        known = router.cache.get((source, group))
        if known is None or (known.incoming != wire and self._tells(router, source, group)):
            self.perform(router, router.core.upcall(source, group, wire, self.now))
        # What came in by the wrong interface is lost, what had no entry waits for it.
        entry = router.cache.get((source, group)) if known is None else known
        return entry.outgoing if entry is not None and entry.incoming == wire else ()

    def _tells(self, router: Router, source: IPv6Address, group: IPv6Address) -> bool:
        """Linux tells of data on a wrong interface once in 3 s (MFC_ASSERT_THRESH)."""
        last = router.told.get((source, group))
        if last is not None and self.now < last + 3 * SECOND:
            return False
        router.told[source, group] = self.now
        return True

    def _bind(self, router: Router, host: Host, link: str, previous_link: str | None) -> None:
        if link == host.wire:
            actions = router.core.bound(host.address, link, previous_link, self.now)
            self.perform(router, actions)

    def _set_timer(self, host: Host) -> None:
        due = host.part.next_deadline()
        if due is not None:
            self._timers.set(("host", host.name), due)

    def perform(self, router: Router, actions: list[Action]) -> None:
        """Carry out what a router's core asks for, unless the router is dead."""
        if router.is_down:
            return
        due = router.core.next_deadline()
        if due is not None:
            self._timers.set(("router", router.name), due)
        for action in actions:
            if isinstance(action, SendMld):
                address, wire = router.addresses[action.link], action.link
                self._transmit(router.name, address, wire, action.message, action.link_layer)
            elif isinstance(action, SetForwarding):
                router.cache[action.source, action.group] = action
            elif isinstance(action, RemoveForwarding):
                del router.cache[action.source, action.group]
                router.told.pop((action.source, action.group), None)
            elif isinstance(action, RedirectSource):
                channel = (action.source, action.group)
                if action.tunnel is None:
                    del router.redirects[channel]
                else:
                    assert channel not in router.redirects
                    router.redirects[channel] = action.tunnel
            elif isinstance(action, HoldLink):
                assert action.link not in router.held
                router.held.add(action.link)
            elif isinstance(action, ReleaseLink):
                router.held.remove(action.link)
            elif isinstance(action, AskChannelControl):
                self.asked(router, action)

    def asked(self, router: Router, question: AskChannelControl) -> None:
        """A router wants to know where a channel is to come from."""
        raise AssertionError(f"{router.name} has nobody to ask: {question}")

    def _transmit(
        self, sender: str, address: IPv6Address, wire: str, message: Message, to: bytes | None
    ) -> None:
        if not self._loss.loses(sender, wire, message):
            arrival = self.now + HOP_DELAY
            self.at(arrival, lambda: self._deliver(sender, address, wire, message, to))

    def _deliver(
        self, sender: str, address: IPv6Address, wire: str, message: Message, to: bytes | None
    ) -> None:
        for router in self._plugged[wire]:
            if router.name != sender and to is None and not router.is_down:
                actions = router.core.receive(message, address, wire, self.now, address.packed[-6:])
                self.perform(router, actions)
        if isinstance(message, MulticastListenerQuery):
            for host in [host for host in self.hosts.values() if host.wire == wire]:
                if host.name != sender and to in (None, host.link_layer):
                    host.part.query(message, self.now)
                    self._set_timer(host)


def tree(config: ProxyConfig, seed: int, loss: float, hosts_per_mar: int = 2) -> Network:
    """mr1 with a source LAN, mr2 and mr3 below it, two MARs below each, hosts on their radios."""
    network = Network(config, seed, loss)
    network.router("mr1")
    network.plug("mr1", "lan", upstream=False, downstream=True)
    for core, mars in {"mr2": ("mar1", "mar2"), "mr3": ("mar3", "mar4")}.items():
        network.router(core)
        network.plug("mr1", f"{core}-up", upstream=False, downstream=True)
        network.plug(core, f"{core}-up", upstream=True, downstream=False)
        for mar in mars:
            network.router(mar)
            network.plug(core, f"{mar}-core", upstream=False, downstream=True)
            network.plug(mar, f"{mar}-core", upstream=True, downstream=False)
            network.plug(mar, f"{mar}-radio", upstream=False, downstream=True)
            for number in range(hosts_per_mar):
                network.host(f"{mar}-mn{number}", f"{mar}-radio")
    return network


def add_tunnels(network: Network) -> None:
    """A tunnel between any two MARs, upstream and downstream at both ends."""
    mars = [name for name in network.routers if name.startswith("mar")]
    for one, other in itertools.combinations(mars, 2):
        for mar in (one, other):
            network.plug(mar, tunnel(one, other), upstream=True, downstream=True)


def tunnel(one: str, other: str) -> str:
    return "tun-" + "-".join(sorted((one, other)))


def down_path(wire: str) -> set[str]:
    """The wires between the source LAN and a radio of ``tree``."""
    mar = wire.split("-")[0]
    core = "mr2" if mar in ("mar1", "mar2") else "mr3"
    return {"lan", f"{core}-up", f"{mar}-core", wire}
