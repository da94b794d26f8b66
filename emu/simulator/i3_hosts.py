"""The nodes of a lab's i3 scenario in virtual time: their cores, network and log."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv6Address
from pathlib import Path
from random import Random
from typing import Any

from agents.core import Action, Log
from agents.i3.actions import Deliver, SendDatagram
from agents.i3.host import EndHost
from agents.i3.ring_server import RingServer
from agents.roles import i3_client, i3_server
from agents.roles.daemon import as_json
from agents.roles.i3_port import PORT, Reporting
from agents.wire.i3 import Endpoint, Message, endpoint
from emu.events import Event
from emu.internet import between
from emu.network.addressing import host_address
from emu.scenario.model import Scenario
from emu.simulator.engine import Engine
from topologies.parameters import Quality


@dataclass(frozen=True)
class _Interface:
    name: str
    toward: Mapping[IPv6Address, Quality]


class Addresses:
    """Addresses are those of the lab, so that servers have the same places on the ring."""

    def __init__(self, scenario: Scenario, folder: Path, seed: int) -> None:
        names = enumerate(scenario.nodes, 1)
        self.addresses = {name: host_address(number) for number, name in names}
        self.between = between(scenario, folder, seed)

    def address(self, name: str) -> IPv6Address:
        """Of a host."""
        return self.addresses[name]

    def interfaces(self, name: str) -> list[_Interface]:
        """Of a host, which has one."""
        qualities = {
            self.addresses[other]: quality
            for (one, other), quality in self.between.items()
            if one == name
        }
        return [_Interface(f"{name}-lan", qualities)]

    def interface(self, name: str, kind: str) -> _Interface:
        """Nobody moves here: the one that it has."""
        return self.interfaces(name)[0]


@dataclass(slots=True)
class Node:
    """One node; ``core`` is None while it is down."""

    name: str
    endpoint: Endpoint
    config: dict[str, Any]
    core: RingServer | EndHost | None = None
    reporting: Reporting | None = None
    armed: int | None = None
    sent: Counter[str] = field(default_factory=Counter)
    received: Counter[str] = field(default_factory=Counter)


class Hosts:
    """Carries datagrams between nodes, and keeps what they log."""

    def __init__(self, engine: Engine, network: Addresses, seed: int) -> None:
        self.engine = engine
        self.events: list[Event] = []
        self.delivered: Callable[[str, Deliver], None] = lambda name, packet: None
        self.nodes: dict[str, Node] = {}
        self._network = network
        self._by_endpoint: dict[Endpoint, Node] = {}
        self._losses = Random(f"{seed} datagrams")

    def add(self, name: str, config: dict[str, Any]) -> Node:
        """A node that is down yet."""
        node = Node(name, endpoint(self._network.address(name), PORT), config)
        self.nodes[name] = self._by_endpoint[node.endpoint] = node
        return node

    def start(self, name: str) -> None:
        """Start a node's agent, from nothing."""
        node = self.nodes[name]
        node.sent.clear()
        node.received.clear()
        if "key" in node.config:
            server = i3_server.core_of(node.config)
            node.core, node.armed = server, None
            node.reporting = Reporting(server, "i3_ring", lambda: i3_server.ring_of(server))
            self.act(name, server.chord.start)
        else:
            host = i3_client.core_of(node.config, node.endpoint)
            node.core, node.armed = host, None
            node.reporting = Reporting(host, "i3_place", lambda: i3_client.place_of(host.member))
        self.log(name, "ready")

    def crash(self, name: str) -> None:
        """Kill a node's agent."""
        self.log(name, "crashed")
        node = self.nodes[name]
        node.core = node.reporting = node.armed = None

    def act(self, name: str, call: Callable[[int], list[Action]]) -> None:
        """Have a core that runs do something now, and carry out what it says."""
        node = self.nodes[name]
        if node.reporting is not None:
            self._apply(node, node.reporting.told(call(self.engine.now)))

    def end(self) -> None:
        """Have each that runs say how it is, as an agent does when it ends."""
        for name, node in self.nodes.items():
            counters = {"sent": node.sent, "received": node.received, "unsendable": 0}
            if isinstance(node.core, RingServer):
                self.log(name, "state", i3_server={**i3_server.state_of(node.core), **counters})
            elif node.core is not None:
                state = {**i3_client.state_of(node.core.member), "missed": 0, **counters}
                self.log(name, "state", i3_client=state)

    def log(self, name: str, kind: str, **fields: Any) -> None:
        """Write an event, as the log of a run has it."""
        event = {"t": self.engine.now, "node": name, "kind": kind, **fields}
        self.events.append(json.loads(json.dumps(event, default=as_json)))

    def _apply(self, node: Node, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, SendDatagram):
                self._send(node, action.message, action.destination)
            elif isinstance(action, Deliver):
                self.delivered(node.name, action)
            elif isinstance(action, Log):
                self.log(node.name, action.kind, **action.fields)
        due = node.reporting.next_deadline() if node.reporting is not None else None
        if due is not None and (node.armed is None or due < node.armed):
            node.armed = max(due, self.engine.now)
            self.engine.at(node.armed, self._wake, node, node.armed)

    def _wake(self, node: Node, when: int) -> None:
        if node.armed == when and node.reporting is not None:
            node.armed = None
            self._apply(node, node.reporting.timer(self.engine.now))

    def _send(self, node: Node, message: Message, destination: Endpoint) -> None:
        node.sent[type(message).__name__] += 1
        other = self._by_endpoint.get(destination)
        if other is None:
            return
        quality = self._network.between.get((node.name, other.name), Quality())
        if self._losses.random() >= quality.loss:
            self.engine.after(quality.delay_ns, self._arrive, other, message, node.endpoint)

    def _arrive(self, node: Node, message: Message, source: Endpoint) -> None:
        if node.reporting is not None:
            node.received[type(message).__name__] += 1
            self._apply(node, node.reporting.receive(message, source, self.engine.now))
