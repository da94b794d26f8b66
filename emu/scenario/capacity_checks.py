"""What the kernel can carry: multicast between so many interfaces of one router."""

from __future__ import annotations

from collections.abc import Iterator

from agents.kernel.mroute import MAXIMUM_INTERFACES
from emu.scenario.errors import Problem
from emu.scenario.model import Scenario
from emu.scenario.multicast import BIDIRECTIONAL_TUNNEL, RFC6224


def check_capacity(scenario: Scenario) -> Iterator[Problem]:
    """Routers whose links alone are too many; tunnels come and go, and are not counted here."""
    topology = scenario.topology
    if scenario.mobility.variant == "distributed" and topology.mars > MAXIMUM_INTERFACES:
        yield _problem("mars", "ix", topology.mars, f"at most {MAXIMUM_INTERFACES}")
    if scenario.multicast.scheme == "none":
        return
    anchor = 1 + topology.mars  # its link, and a tunnel to each MAG
    if scenario.multicast.scheme == RFC6224 and anchor > MAXIMUM_INTERFACES:
        yield _problem("mars", "lma", anchor, f"at most {MAXIMUM_INTERFACES - 1}")
    nodes = len(scenario.nodes_of("mn"))
    agent = 1 + nodes + 1  # its link, a tunnel to each mobile node, and one to where it moves
    if scenario.multicast.scheme == BIDIRECTIONAL_TUNNEL and agent > MAXIMUM_INTERFACES:
        text = f"gives ha {agent} multicast interfaces, of which the kernel has "
        remedy = f"at most {MAXIMUM_INTERFACES - 2} mobile nodes"
        yield Problem(("nodes",), f"{text}{MAXIMUM_INTERFACES}; write {remedy}")
    lans = sum(node.role != "mn" for node in scenario.nodes.values())
    lans += scenario.mobility.scheme != "dmm"  # the mobility anchor's link
    edges = topology.routers - 1
    root = lans + (edges or topology.mars)
    edge = 1 + -(-topology.mars // edges) if edges else 0
    if edge > MAXIMUM_INTERFACES:
        fitting = 1 + -(-topology.mars // (MAXIMUM_INTERFACES - 1))
        yield _problem("routers", "mr2", edge, f"at least {fitting}")
    elif root > MAXIMUM_INTERFACES:
        least = 1 + -(-topology.mars // (MAXIMUM_INTERFACES - 1))
        most = MAXIMUM_INTERFACES - lans + 1
        remedy = f"{least} to {most}" if least <= most else "fewer sources and servers"
        yield _problem("routers", "mr1", root, remedy)


def _problem(key: str, router: str, interfaces: int, remedy: str) -> Problem:
    text = f"gives {router} {interfaces} multicast interfaces, of which the kernel has "
    return Problem(("topology", key), f"{text}{MAXIMUM_INTERFACES}; write {remedy}")
