"""What a packet meets between any two hosts of an internet, from the scenario and the seed.

Both worlds ask here, so that a scenario has the same delays and shares of loss in both.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

from emu.scenario import delays
from emu.scenario.i3 import SERVER, HopLoss
from emu.scenario.model import Scenario
from topologies.parameters import ISLANDER, Quality

Pair = tuple[str, str]
"""Whoever sends, and whoever receives."""


def between(scenario: Scenario, folder: Path, seed: int) -> dict[Pair, Quality]:
    """The quality of each pair of nodes; none in another topology."""
    if scenario.topology.delays is None:
        return {}
    one_way = delays.read(folder / scenario.topology.delays)
    sites = delays.sites(scenario, len(one_way))
    losses = _losses(scenario, seed)
    there = [name for name, node in scenario.nodes.items() if node.role != ISLANDER]
    return {
        (one, other): Quality(one_way[sites[one]][sites[other]], loss=losses[one, other])
        for one in there
        for other in there
        if one != other
    }


def _losses(scenario: Scenario, seed: int) -> dict[Pair, float]:
    """What each pair loses: the pair's own share between servers, else those of its clients."""
    random = Random(f"{seed} losses")
    most = scenario.i3.loss if scenario.i3 else HopLoss()
    servers = scenario.nodes_of(SERVER)
    own = {
        name: 0.0 if name in servers else random.uniform(0, most.last_hop)
        for name in scenario.nodes
    }
    return {
        (one, other): random.uniform(0, most.hop)
        if one in servers and other in servers
        else 1 - (1 - own[one]) * (1 - own[other])
        for one in scenario.nodes
        for other in scenario.nodes
        if one != other
    }
