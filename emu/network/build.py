"""From a topology's name and parameters to a running Mininet network.

Mininet makes the hosts and the switch. Everything inside them is set up with one ``ip -batch`` a
node instead of several commands an interface, which is what lets a network of a hundred hosts start
in seconds.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv6Address, IPv6Network
from pathlib import Path
from typing import Any, Literal

from mininet.link import Intf, Link
from mininet.net import Mininet
from mininet.node import OVSSwitch

from emu.network.addressing import Interface, Node, Plan, plan
from emu.network.namespace import batch, disable_offload, entered, set_ipv6
from emu.network.routes import neighbours, routes
from emu.network.shaping import LINE, DelayBackend, LineReport, Shaper
from emu.sandbox import RUN_DIRECTORY
from emu.topologies import TOPOLOGIES
from topologies.base import RADIO
from topologies.parameters import ISLAND, Dad, EndNode, Parameters

_BRIDGE = "ethernet"


@dataclass(frozen=True)
class Backends:
    """What the running kernel offers for the parts that differ between kernels."""

    switch: Literal["kernel", "user"]
    """Open vSwitch's datapath."""
    delay: DelayBackend


class Network:
    """A running network. It is gone with its sandbox; ``stop`` is for ending it earlier."""

    def __init__(self, net: Mininet, plan: Plan, backends: Backends, shaper: Shaper) -> None:
        self.net = net
        """The Mininet object: ``CLI(network.net)`` works."""
        self.plan = plan
        self.backends = backends
        self._shaper = shaper

    def node(self, name: str) -> Any:
        """The Mininet node."""
        return self.net[name]

    def namespace(self, name: str) -> Path:
        """The node's network namespace, as a file for setns(2)."""
        return Path(f"/proc/{self.net[name].pid}/ns/net")

    def names(self, role: str) -> list[str]:
        """The nodes with this role (mar, mr, cmd, ix, mn, source, server)."""
        return [node.name for node in self.plan.values() if node.role == role]

    def address(self, name: str) -> IPv6Address:
        """The fixed global address of a router, source or server."""
        address = self.plan[name].address
        if address is None:
            raise ValueError(f"{name} has no fixed address")
        return address

    def pool(self, mar: str) -> IPv6Network:
        """The prefixes that the MAR assigns to mobile nodes, one /64 of this to each."""
        pool = self.plan[mar].pool
        if pool is None:
            raise ValueError(f"{mar} has no prefix pool")
        return pool

    def interfaces(self, name: str) -> tuple[Interface, ...]:
        """The node's interfaces, with their peers, kinds, qualities and addresses."""
        return self.plan[name].interfaces

    def interface(self, name: str, kind: str) -> Interface:
        """The node's only interface of this kind, such as a MAR's ``access`` or ``core``."""
        (interface,) = (end for end in self.interfaces(name) if end.kind == kind)
        return interface

    def check(self) -> None:
        """RuntimeError if links are broken, because their delay line has ended by itself."""
        self._shaper.check()

    def forget_lateness(self) -> None:
        """Packets that left a link late while the network was made do not count."""
        self._shaper.forget_lateness()

    def stop_delay_line(self) -> LineReport:
        """End the delay line, and with it the links that it serves; what it did."""
        return self._shaper.stop()

    def stop(self) -> None:
        """End every process of the network."""
        self.stop_delay_line()
        self.net.stop()


def build(
    kind: str,
    parameters: Parameters,
    nodes: Mapping[str, EndNode],
    backends: Backends,
    *,
    seed: int = 1,
    directory: Path = RUN_DIRECTORY,
) -> Network:
    """Build and start the network; the radio connects nobody until its controller says so.

    ``seed`` is for the delay line's loss and jitter, ``directory`` for its configuration file.
    """
    topology = TOPOLOGIES.find(kind).load()(parameters, nodes)
    layout = plan(topology)
    _set_link_layer_addresses(topology, layout)
    switch = partial(OVSSwitch, datapath=backends.switch, protocols="OpenFlow13", batch=True)
    Mininet.inited = True  # its init() would raise kernel-wide limits, which are the machine's own
    net = Mininet(topology, switch=switch, link=_Wire, intf=_Port, controller=None, build=False)
    net.build()
    shaper = Shaper(backends.delay, seed)
    for node in layout.values():
        if node.role != "radio":
            with entered(Path(f"/proc/{net[node.name].pid}/ns/net")):
                set_ipv6(_sysctls(node, nodes[node.name].dad if node.name in nodes else "off"))
    batch("ip", _links(net, layout, shaper))
    _configure_hosts(net, layout, shaper)
    _start_switch(net, layout, shaper)
    shaper.start(directory)
    return Network(net, layout, backends, shaper)


class _Port(Intf):  # type: ignore[misc]
    """An interface that is configured in a batch, once all exist."""

    def config(self, **_parameters: Any) -> dict[str, Any]:
        """Nothing to do yet."""
        return {}

    def updateIP(self) -> str | None:
        """The node's IPv6 address now, which Mininet's CLI puts in the place of the node's name."""
        shown, _, _ = self.node.pexec("ip -6 -oneline address show scope global -deprecated")
        found = re.search(r"inet6 ([0-9a-f:]+)", shown)
        self.ip = found[1] if found else None
        return self.ip


class _Wire(Link):  # type: ignore[misc]
    """A virtual Ethernet pair that is made in a batch with all others."""

    @classmethod
    def makeIntfPair(cls, *_arguments: Any, **_options: Any) -> None:
        """Nothing to do yet."""

    def stop(self) -> None:
        """Nothing to do: the interfaces go with the hosts' namespaces."""


def _set_link_layer_addresses(topology: Any, layout: Plan) -> None:
    """Tell Mininet the planned addresses, or it would think of random ones."""
    planned = {
        interface.name: interface.link_layer_address
        for node in layout.values()
        for interface in node.interfaces
    }
    for _, _, link in topology.links(withInfo=True):
        link["addr1"], link["addr2"] = planned[link["intfName1"]], planned[link["intfName2"]]


def _sysctls(node: Node, dad: Dad) -> dict[str, int]:
    """What the node's kernel must know before its interfaces exist, whatever it inherited."""
    settings = {"all/disable_ipv6": 0, "default/disable_ipv6": 0}
    if node.role == "mn":
        detection = {"default/accept_dad": int(dad != "off"), "default/dad_transmits": 1}
        if dad == "optimistic":
            detection |= {"default/optimistic_dad": 1, "default/use_optimistic": 1}
        return settings | detection
    settings |= {"default/accept_ra": 0, "default/accept_dad": 0}
    if node.is_router:
        settings |= {"all/forwarding": 1, "default/addr_gen_mode": 1}
    return settings


def _links(net: Mininet, layout: Plan, shaper: Shaper) -> list[str]:
    """The ``ip`` commands that make every link, each end in its node's namespace from the start."""
    ends = {end.name: end for node in layout.values() for end in node.interfaces}
    commands = []
    for wire in net.links:
        a, b = ends[wire.intf1.name], ends[wire.intf2.name]
        line = shaper.line((a, b))
        ours, theirs = _end(net, a), _end(net, b)
        if line is None:
            commands.append(f"link add {ours} type veth peer {theirs}")
        else:
            commands += [
                f"link add {ours} type veth peer name {line.near} netns {LINE}",
                f"link add {theirs} type veth peer name {line.far} netns {LINE}",
            ]
    return commands


def _end(net: Mininet, end: Interface) -> str:
    pid = os.getpid() if end.node == RADIO else net[end.node].pid
    return f"name {end.name} address {end.link_layer_address} netns {pid}"


def _configure_hosts(net: Mininet, layout: Plan, shaper: Shaper) -> None:
    """Addresses, routes and qualities, node by node."""
    all_routes, all_neighbours = routes(layout), neighbours(layout)
    for node in layout.values():
        if node.role == "radio":
            continue
        commands = _addresses(node)
        commands += [f"neighbour add {entry}" for entry in all_neighbours[node.name]]
        commands += [f"route add {route}" for route in all_routes[node.name]]
        if node.role == ISLAND:
            commands += _bridge(node)
        with entered(Path(f"/proc/{net[node.name].pid}/ns/net")):
            disable_offload(interface.name for interface in node.interfaces)
            batch("ip", commands)
            batch("tc", shaper.commands(node.interfaces))
        if node.address is not None:
            net[node.name].defaultIntf().ip = str(node.address)


def _addresses(node: Node) -> list[str]:
    commands = []
    if node.is_router:
        commands.append(f"address add {node.address}/128 dev lo nodad")
    for interface in node.interfaces:
        commands.append(f"link set {interface.name} up")
        if node.is_router:
            commands.append(f"address add {interface.link_local}/64 dev {interface.name} nodad")
        if interface.lan is not None:
            commands.append(f"address add {interface.lan} dev {interface.name} nodad noprefixroute")
    return commands


def _bridge(node: Node) -> list[str]:
    """An Ethernet: a switch that brings every frame for a group to all."""
    ports = [f"link set {interface.name} master {_BRIDGE}" for interface in node.interfaces]
    return [
        f"link add {_BRIDGE} type bridge mcast_snooping 0",
        f"link set {_BRIDGE} up",
        *ports,
    ]


def _start_switch(net: Mininet, layout: Plan, shaper: Shaper) -> None:
    """Start the switch with the access points up and every mobile node's port down.

    Open vSwitch clears the queueing discipline of a port that it is given, so shaping comes after.
    """
    ports = layout[RADIO].interfaces
    batch("ip", (f"link set {port.name} up" for port in ports if port.kind == "access"))
    net.start()
    batch("tc", shaper.commands(ports))
