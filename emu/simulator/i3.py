"""i3 servers and the members of a multicast group in virtual time, on a network of many nodes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from agents.core import Action
from agents.i3.actions import Deliver, SendDatagram
from agents.i3.config import GroupConfig, ServerConfig
from agents.i3.identifiers import PREFIX
from agents.i3.member import Member
from agents.i3.ring import Ring
from agents.i3.server import Server
from agents.wire.i3 import IDENTIFIER_LENGTH, Endpoint, Identifier, Message
from emu.simulator.engine import Engine
from emu.simulator.underlay import Underlay

PORT = b"\x27\x10"
_SPACE = 1 << 64


class _Core(Protocol):
    def receive(self, message: Message, source: Endpoint, now: int) -> list[Action]: ...
    def timer(self, now: int) -> list[Action]: ...
    def next_deadline(self) -> int | None: ...


@dataclass(slots=True, eq=False)
class Host:
    """One core at a node of the network; ``skew`` is its clock less the true time, ns."""

    endpoint: Endpoint
    node: int
    core: _Core
    skew: int = 0
    armed: int | None = None
    """When it will be woken, true time."""
    is_gone: bool = False
    receive: Callable[[Message, Endpoint, int], list[Action]] = field(init=False)
    next_deadline: Callable[[], int | None] = field(init=False)
    """The core's, of which there are several sorts: looked up once, not for each message."""

    def __post_init__(self) -> None:
        self.receive, self.next_deadline = self.core.receive, self.core.next_deadline

    @property
    def is_server(self) -> bool:
        """Whether it is one of the infrastructure's."""
        return isinstance(self.core, Server)


class Overlay:
    """A ring of servers that is settled, and the hosts that use it."""

    def __init__(
        self,
        internet: Underlay,
        servers: int,
        seed: int,
        group: GroupConfig,
        config: ServerConfig | None = None,
    ) -> None:
        self.internet = internet
        self._delay = internet.delay
        self.engine = Engine()
        self.random = Random(seed)
        self.group = group
        self.hosts: dict[Endpoint, Host] = {}
        self.messages: Counter[type[Message]] = Counter()
        """How many of each type have been sent."""
        self.delivered: Callable[[Host, Deliver], None] = lambda host, packet: None
        self.lost: Callable[[Host, Host], bool] | None = None
        """Says of each datagram from one host to another whether it is lost."""
        self.sent: Callable[[Message, Host], None] | None = None
        """Is told of each datagram, and of the host for which it is."""
        self._config = config or ServerConfig(group.degree + 1)
        self._endpoints = 0
        self._positions: dict[int, int] = {}
        self._nearest_known: dict[int, int] = {}
        self.servers: list[Host] = []
        self._add_servers(servers)

    def root_near(self, node: int) -> Identifier:
        """A group's identifier that the server nearest to a node has."""
        prefix = self._prefix(self._nearest(node))
        return Identifier(prefix + self.random.randbytes(IDENTIFIER_LENGTH - PREFIX))

    def add_member(self, root: Identifier, node: int, skew: int = 0) -> tuple[Host, Member]:
        """Somebody at a node, who is not in the group yet."""
        endpoint = self._endpoint()
        core, member = self._end_host(endpoint, root, node)
        host = self.hosts[endpoint] = Host(endpoint, node, core, skew)
        return host, member

    def call(self, host: Host, call: Callable[[int], list[Action]]) -> None:
        """Have a host's core do something now, and carry out what it says."""
        self._apply(host, call(self.engine.now + host.skew))

    def crash(self, host: Host) -> None:
        """A host is gone, and says nothing any more."""
        del self.hosts[host.endpoint]
        host.armed, host.is_gone = None, True

    def server_of(self, identifier: Identifier) -> Host:
        """The server that has an identifier."""
        return self.hosts[self._ring.server_of(identifier)]

    def _end_host(self, endpoint: Endpoint, root: Identifier, node: int) -> tuple[_Core, Member]:
        """The core of a host at a node, and the member that it is or has in it."""
        near = self._nearest(node)
        member = Member(
            endpoint, root, self._ring, lambda: self._prefix(near), self.random, self.group
        )
        return member, member

    def _places(self, number: int) -> list[int]:
        """Nodes for servers."""
        nodes = self.internet.sites
        return self.random.sample(nodes, number) if number <= len(nodes) else [*nodes]

    def _add_servers(self, number: int) -> None:
        endpoints = {node: self._endpoint() for node in self._places(number)}
        self._set_ring({self.random.getrandbits(64): one for one in endpoints.items()})
        for node, endpoint in endpoints.items():
            server = Server(endpoint, self._ring, self.random.randbytes(16), self._config)
            host = self.hosts[endpoint] = Host(endpoint, node, server)
            self.servers.append(host)

    def _set_ring(self, servers: Mapping[int, tuple[int, Endpoint]]) -> None:
        """The nodes and endpoints of all servers by their positions."""
        self._ring = Ring({place: endpoint for place, (_, endpoint) in servers.items()})
        self._positions = {node: place for place, (node, _) in servers.items()}
        self._nearest_known.clear()
        ordered = sorted(servers)
        self._before = dict(zip(ordered, [ordered[-1], *ordered[:-1]], strict=True))

    def _nearest(self, node: int) -> int:
        """The position of the server that is nearest to a node."""
        position = self._nearest_known.get(node)
        if position is None:
            near = [place for place in self.internet.neighbours(node) if place in self._positions]
            places = near or self._positions
            place = min(places, key=lambda place: self.internet.delay(node, place))
            position = self._nearest_known[node] = self._positions[place]
        return position

    def _prefix(self, position: int) -> bytes:
        """The first 64 bits of an identifier that the server at a position has."""
        before = self._before[position]
        span = (position - before) % _SPACE or _SPACE
        return ((before + 1 + self.random.randrange(span)) % _SPACE).to_bytes(PREFIX, "big")

    def _apply(self, host: Host, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, SendDatagram):
                message, other = action.message, self.hosts.get(action.destination)
                self.messages[type(message)] += 1
                if other is not None:
                    self._send(host, message, other)
            elif isinstance(action, Deliver):
                self.delivered(host, action)
        due = host.next_deadline()
        if due is not None:
            due -= host.skew
            if host.armed is None or due < host.armed:
                host.armed = due
                self.engine.at(due, self._wake, host, due)

    def _wake(self, host: Host, when: int) -> None:
        if host.armed == when:
            host.armed = None
            self._apply(host, host.core.timer(self.engine.now + host.skew))

    def _send(self, host: Host, message: Message, other: Host) -> None:
        if self.sent is not None:
            self.sent(message, other)
        if self.lost is None or not self.lost(host, other):
            delay = self._delay(host.node, other.node)
            self.engine.after(delay, self._arrive, other, message, host.endpoint)

    def _arrive(self, host: Host, message: Message, source: Endpoint) -> None:
        if not host.is_gone:
            self._apply(host, host.receive(message, source, self.engine.now + host.skew))

    def _endpoint(self) -> Endpoint:
        self._endpoints += 1
        return Endpoint(self._endpoints.to_bytes(16, "big") + PORT)
