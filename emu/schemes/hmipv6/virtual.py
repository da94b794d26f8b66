"""A network of Hierarchical Mobile IPv6 in virtual time: a home agent, MAPs, nodes that move."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from ipaddress import IPv6Address, IPv6Network
from random import Random
from typing import TYPE_CHECKING

from agents.core import SECOND, Action
from agents.mipv6.actions import (
    Bind,
    GiveUp,
    LeaveHome,
    LeaveLink,
    Send,
    TakeRegional,
    Unbind,
    UseTunnel,
)
from agents.mipv6.config import HomeAgentConfig, MobileNodeConfig
from agents.mipv6.hmipv6.anchor_point import AnchorPointCore
from agents.mipv6.hmipv6.node import HierarchicalNode
from agents.mipv6.home_agent import HomeAgentCore
from agents.mipv6.packets import Packet
from agents.mipv6.update_list import Phase
from agents.mobility.context import Records
from agents.wire import mobility
from agents.wire.ndp import MapOption
from emu.simulator.engine import Engine
from emu.simulator.host import Host
from emu.simulator.network import Network, Quality
from emu.simulator.playing import play

if TYPE_CHECKING:
    from emu.simulator.domain import DomainConfig
    from emu.simulator.schedule import Schedule

AGENT, POOL = IPv6Address("2001:db8:ffff::8:1"), IPv6Network("2001:db8:a000::/48")
POOLS = [IPv6Network(f"2001:db8:b00{number}::/48") for number in (1, 2)]
"""Of the MAPs; the first two access routers tell of the first one, the next two of the other."""


class Node:
    """A mobile node, its host, and the addresses that it sends from by a tunnel."""

    def __init__(self, core: HierarchicalNode, home: IPv6Address, number: int) -> None:
        self.core = core
        self.home = home
        self.number = number
        self.host: Host
        self.tunnelled: set[IPv6Address] = set()
        self.regional: set[IPv6Address] = set()


class HierarchicalDomain:
    """The nodes, and the network between them. What is for a bound address goes where that is."""

    def __init__(self, config: DomainConfig, seed: int) -> None:
        self.config = config
        self.engine = Engine()
        self.where: dict[str, int] = {}
        self.to_agent = 0
        """Binding Updates that were sent to the home agent so far."""
        self._network: Network[Packet] = Network(self.engine, Random(seed), config.quality)
        self.nodes: dict[str, Node] = {}
        self.bound: dict[IPv6Address, IPv6Address] = {}
        links = [_link(number) for number in range(1, config.mars + 1)]
        lifetime = config.binding_lifetime_s
        self._join(HomeAgentCore(HomeAgentConfig(AGENT, POOL, lifetime)), AGENT)
        for pool in POOLS:
            settings = HomeAgentConfig(pool[1], pool, lifetime)
            self._join(AnchorPointCore(settings, links=links), pool[1])
            self._network.join(_inside(pool), self._up)

    def change_quality(self, quality: Quality) -> None:
        """Of the network between all nodes, the radio included."""
        self._network.change(quality)

    def attach(self, mn: str, number: int) -> None:
        """The mobile node comes up at an access router, and hears what that advertises."""
        self.where[mn] = number
        node = self._node(mn)
        maps = tuple(MapOption(pool[1], 7200) for pool in _pools(number))
        self._network.join(_on_link(node, number), partial(self._at_node, mn, number))
        node.host.carry_out(node.core.moved(_on_link(node, number), maps, self.engine.now))

    def detach(self, mn: str) -> int | None:
        """The mobile node goes, and knows it."""
        number = self.where.pop(mn, None)
        if number is not None:
            node = self.nodes[mn]
            self._network.leave(_on_link(node, number))
            node.host.carry_out(node.core.moved(None, (), self.engine.now))
        return number

    def link_down(self, mn: str, number: int) -> None:
        """Access routers have no part in it."""

    def report(self, mn: str, number: int, records: Records) -> None:
        """Nor has multicast."""

    def end_of(self, address: IPv6Address) -> IPv6Address:
        """Where a packet to an address ends, as the home agent and the MAPs have it."""
        for _ in range(len(POOLS) + 1):
            address = self.bound.get(address, address)
        return address

    def faults(self) -> list[str]:
        """Every difference between what is and what has to be, one line each.

        Only the movements say what has to be: who is at an access router has a binding at its MAP,
        if there is one, and the home agent has the regional address, or else the one on the link;
        nobody else has any, once lifetimes are over. Packets to the home address find the node.
        """
        wanted: dict[IPv6Address, IPv6Address] = {}
        found: list[str] = []
        for mn, node in self.nodes.items():
            number = self.where.get(mn)
            own = {} if number is None else _bindings(node, number)
            wanted |= own
            phases = {home: b.phase for home, b in node.core.bindings().items()}
            waits = {} if own else {node.home: Phase.AWAY}
            found += _differences(f"{mn} bindings", phases, dict.fromkeys(own, Phase.BOUND) | waits)
            found += _differences(f"{mn} tunnels", node.tunnelled, set(own))
            found += _differences(f"{mn} regional addresses", node.regional, set(own) - {node.home})
            end = node.home if number is None else _on_link(node, number)
            found += _differences(f"{mn} is at", self.end_of(node.home), end)
        return [*_differences("bindings", self.bound, wanted), *found]

    def _node(self, mn: str) -> Node:
        if mn not in self.nodes:
            number = len(self.nodes) + 1
            home = POOL[number + 1]
            core = HierarchicalNode(MobileNodeConfig(mn, self.config.binding_lifetime_s))
            node = self.nodes[mn] = Node(core, home, number)
            node.host = Host(self.engine, core, partial(self._perform_at_node, node))
            node.host.carry_out(core.add_home(home, AGENT, self.engine.now))
            for pool in POOLS:
                self._network.join(pool[number + 1], partial(self._down, pool[number + 1]))
        return self.nodes[mn]

    def _join(self, core: HomeAgentCore, address: IPv6Address) -> None:
        host = Host(self.engine, core, self._perform)

        def receive(packet: Packet, source: IPv6Address) -> None:
            host.carry_out(core.receive(packet, self.engine.now))

        self._network.join(address, receive)

    def _down(self, regional: IPv6Address, packet: Packet, source: IPv6Address) -> None:
        """A MAP has something for a regional address."""
        if regional in self.bound:
            self._network.send(packet, source, self.bound[regional])

    def _up(self, packet: Packet, on_link: IPv6Address) -> None:
        """A MAP has something from a regional address, out of its tunnel."""
        if self.bound.get(packet.source) == on_link:
            self._network.send(packet, packet.source, packet.destination)

    def _at_node(self, mn: str, number: int, packet: Packet, source: IPv6Address) -> None:
        if self.where.get(mn) == number:
            node = self.nodes[mn]
            node.host.carry_out(node.core.receive(packet, self.engine.now))

    def _perform(self, action: Action) -> None:
        """What the home agent or a MAP asks for."""
        if isinstance(action, Send):
            packet = self._sent(action.packet)
            self._network.send(packet, packet.source, packet.destination)
        elif isinstance(action, Bind):
            self.bound[action.home_address] = action.care_of
        elif isinstance(action, Unbind):
            del self.bound[action.home_address]  # one that is not there would be an error

    def _perform_at_node(self, node: Node, action: Action) -> None:
        if isinstance(action, Send):
            packet = self._sent(action.packet)
            self.to_agent += packet.destination == AGENT
            if packet.source in node.regional:
                if packet.source in node.tunnelled and node.core.regional.care_of is not None:
                    pool = next(pool for pool in POOLS if packet.source in pool)
                    self._network.send(packet, node.core.regional.care_of, _inside(pool))
            else:
                self._network.send(packet, packet.source, packet.destination)
        elif isinstance(action, TakeRegional):
            node.regional.add(action.address)
        elif isinstance(action, UseTunnel):
            node.tunnelled.add(action.home_address)
        elif isinstance(action, LeaveHome | LeaveLink | GiveUp):
            node.tunnelled.discard(action.home_address)
            if isinstance(action, GiveUp):
                node.regional.discard(action.home_address)

    def _sent(self, packet: Packet) -> Packet:
        """A packet as it comes."""
        if not self.config.encoded:
            return packet
        ends = packet.sender, packet.receiver
        return replace(
            packet, message=mobility.decode(mobility.encode(packet.message, *ends), *ends)
        )


def _link(number: int) -> IPv6Network:
    """What an access router advertises."""
    return IPv6Network(f"2001:db8:{number}:1::/64")


def _on_link(node: Node, number: int) -> IPv6Address:
    return _link(number)[node.number + 1]


def _pools(number: int) -> list[IPv6Network]:
    """Of the MAP that an access router tells of; the fifth tells of none."""
    return POOLS[(number - 1) // 2 : (number + 1) // 2]


def _inside(pool: IPv6Network) -> IPv6Address:
    """Where the tunnels of a MAP end."""
    return pool[0]


def _bindings(node: Node, number: int) -> dict[IPv6Address, IPv6Address]:
    """Those of a node that is at an access router."""
    on_link = _on_link(node, number)
    for pool in _pools(number):
        regional = pool[node.number + 1]
        return {node.home: regional, regional: on_link}
    return {node.home: on_link}


def _differences(what: str, found: object, wanted: object) -> list[str]:
    return [] if found == wanted else [f"{what}: is {found}, has to be {wanted}"]


def run(schedule: Schedule) -> list[str]:
    """Play a schedule, then let a network without faults settle; what is wrong then."""
    domain = HierarchicalDomain(schedule.config, schedule.seed)
    play(schedule, domain, 2 * schedule.config.binding_lifetime_s * SECOND)
    return domain.faults()
