"""The multicast schemes that come with the toolkit."""

from __future__ import annotations

from collections.abc import Iterator

from agents.kernel.mroute import MAXIMUM_INTERFACES
from emu.scenario.capacity_checks import too_many_links
from emu.scenario.errors import Problem
from emu.scenario.model import Scenario
from emu.scenario.multicast_scheme import MulticastScheme

_EQUATIONS = "emu.analysis.multicast_schemes"


def _tunnels_of_the_lma(scenario: Scenario) -> Iterator[Problem]:
    anchor = 1 + scenario.topology.mars  # its link, and a tunnel to each MAG
    if anchor > MAXIMUM_INTERFACES:
        yield too_many_links("mars", "lma", anchor, f"at most {MAXIMUM_INTERFACES - 1}")


def _tunnels_of_the_home_agent(scenario: Scenario) -> Iterator[Problem]:
    nodes = len(scenario.nodes_of("mn"))
    agent = 1 + nodes + 1  # its link, a tunnel to each mobile node, and one to where it moves
    if agent > MAXIMUM_INTERFACES:
        text = f"gives ha {agent} multicast interfaces, of which the kernel has "
        remedy = f"at most {MAXIMUM_INTERFACES - 2} mobile nodes"
        yield Problem(("nodes",), f"{text}{MAXIMUM_INTERFACES}; write {remedy}")


MLD_DMM = MulticastScheme(natively=False, keys=("upstream",), prediction=f"{_EQUATIONS}:MLD_DMM")
MULTI_UPSTREAM = MulticastScheme(
    natively=False,
    keys=("context_transfer", "predictive", "channel_control"),
    defaults={"context_transfer": "pbu", "explicit_tracking": True, "channel_control": {}},
    prediction=f"{_EQUATIONS}:MULTI_UPSTREAM",
)
RFC6224 = MulticastScheme(
    natively=False, check=_tunnels_of_the_lma, prediction=f"{_EQUATIONS}:RFC6224"
)
RFC7028 = MulticastScheme(natively=True, prediction=f"{_EQUATIONS}:RFC7028")
REMOTE_SUBSCRIPTION = MulticastScheme(natively=True, prediction=f"{_EQUATIONS}:REMOTE_SUBSCRIPTION")
BIDIRECTIONAL_TUNNEL = MulticastScheme(
    natively=False,
    check=_tunnels_of_the_home_agent,
    prediction=f"{_EQUATIONS}:BIDIRECTIONAL_TUNNEL",
)
NONE = MulticastScheme(natively=False)
