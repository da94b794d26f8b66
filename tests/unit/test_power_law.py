"""Power-law networks: delays and paths against a graph library's, and who has how many links."""

from __future__ import annotations

from collections import Counter
from random import Random

import networkx as nx
import pytest

from agents.core import MILLISECOND
from emu.simulator.power_law import PowerLaw

SHAPE = PowerLaw(nodes=60, links=2, delay=(5 * MILLISECOND, 15 * MILLISECOND))


@pytest.mark.parametrize("seed", range(3))
def test_delays_and_paths_are_the_shortest(seed):
    network = SHAPE.draw(Random(seed))
    graph = nx.Graph()
    for (one, other), delay in network.delays.items():
        assert one < other
        assert 5 * MILLISECOND <= delay <= 15 * MILLISECOND
        graph.add_edge(one, other, delay=delay)
    lengths = dict(nx.all_pairs_dijkstra_path_length(graph, weight="delay"))
    for one in network.sites:
        for other in network.sites:
            assert network.delay(one, other) == lengths[one][other]
            assert (
                sum(network.delays[link] for link in network.path(one, other))
                == (lengths[one][other])
            )


def test_few_nodes_have_very_many_links():
    network = PowerLaw(nodes=3000).draw(Random(1))
    links = Counter(end for link in network.delays for end in link)
    assert len(network.delays) == 3 + 2 * (3000 - 3)
    assert min(links.values()) == 2
    assert max(links.values()) > 60
    few = [number for number in links.values() if number <= 4]
    assert len(few) > 0.7 * 3000


def test_a_network_is_drawn_from_its_seed():
    one, same, other = (SHAPE.draw(Random(seed)).delays for seed in (1, 1, 2))
    assert one == same != other
