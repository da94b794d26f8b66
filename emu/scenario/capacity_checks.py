"""What the kernel can carry: multicast between so many interfaces of one router."""

from __future__ import annotations

from collections.abc import Iterator

from agents.kernel.mroute import MAXIMUM_INTERFACES
from emu.scenario.errors import Problem
from emu.scenario.model import Scenario
from emu.schemes.registry import SCHEMES


def check_capacity(scenario: Scenario) -> Iterator[Problem]:
    """Routers whose links alone are too many; tunnels come and go, and are not counted here."""
    topology = scenario.topology
    if scenario.multicast.scheme == "none":
        return
    lans = sum(node.role != "mn" for node in scenario.nodes.values())
    lans += SCHEMES.find(scenario.mobility.scheme).centre.anchors  # its link
    edges = topology.routers - 1
    root = lans + (edges or topology.mars)
    edge = 1 + -(-topology.mars // edges) if edges else 0
    if edge > MAXIMUM_INTERFACES:
        fitting = 1 + -(-topology.mars // (MAXIMUM_INTERFACES - 1))
        yield too_many_links("routers", "mr2", edge, f"at least {fitting}")
    elif root > MAXIMUM_INTERFACES:
        least = 1 + -(-topology.mars // (MAXIMUM_INTERFACES - 1))
        most = MAXIMUM_INTERFACES - lans + 1
        remedy = f"{least} to {most}" if least <= most else "fewer sources and servers"
        yield too_many_links("routers", "mr1", root, remedy)


def too_many_links(key: str, router: str, interfaces: int, remedy: str) -> Problem:
    """That a key of the topology gives a router more multicast interfaces than there may be."""
    text = f"gives {router} {interfaces} multicast interfaces, of which the kernel has "
    return Problem(("topology", key), f"{text}{MAXIMUM_INTERFACES}; write {remedy}")
