"""Networks of very many nodes: delays and paths against a graph library's."""

from __future__ import annotations

from random import Random

import networkx as nx
import pytest

from agents.core import MILLISECOND
from emu.simulator.internet import Internet, TransitStub

SHAPE = TransitStub(domains=3, routers=3, stubs=2, stub_nodes=6, inside_domain=(1, 3))


@pytest.fixture(scope="module", params=range(5))
def network(request):
    return Internet(SHAPE, Random(request.param))


@pytest.fixture(scope="module")
def graph(network):
    graph = nx.Graph()
    for (one, other), delay in network.delays.items():
        assert one < other
        graph.add_edge(one, other, delay=delay)
    return graph


def test_delays_are_those_of_the_shortest_paths(network, graph):
    lengths = dict(nx.all_pairs_dijkstra_path_length(graph, weight="delay"))
    assert len(graph) == 9 + 9 * 2 * 6
    for one in graph:
        for other in graph:
            assert network.delay(one, other) == lengths[one][other]


def test_a_path_is_made_of_links_and_as_long_as_its_delay(network, graph):
    for one in range(0, len(graph), 7):
        for other in graph:
            links = list(network.path(one, other))
            assert sum(network.delays[link] for link in links) == network.delay(one, other)
            assert len(set(links)) == len(links)


def test_links_are_as_slow_as_the_shape_says(network):
    transit = SHAPE.domains * SHAPE.routers
    for (one, other), delay in network.delays.items():
        if other < transit:
            same = one // SHAPE.routers == other // SHAPE.routers
            low, high = SHAPE.inside_domain if same else SHAPE.between_transit
        else:
            low, high = SHAPE.transit_to_stub if one < transit else SHAPE.inside_stub
        assert low * MILLISECOND <= delay <= high * MILLISECOND


def test_neighbours_are_nearer_than_all_others(network):
    for node in network.sites[::5]:
        near = network.neighbours(node)
        others = [other for other in network.sites if other not in near]
        farthest = max(network.delay(node, other) for other in near)
        assert node in near
        assert farthest < min(network.delay(node, other) for other in others)


def test_a_seed_gives_the_same_network_again():
    one, same, another = (Internet(SHAPE, Random(seed)).delays for seed in (1, 1, 2))
    assert one == same
    assert one != another
