"""Static routes: along the cheapest paths of the topology, via link-local next hops."""

from __future__ import annotations

import networkx

from emu.network.addressing import HOSTS, ROUTERS, Interface, Plan


def routes(plan: Plan) -> dict[str, list[str]]:
    """For every router, source and server, the arguments of ``ip route add`` for its routes."""
    toward = {
        (node.name, interface.peer): interface
        for node in plan.values()
        for interface in node.interfaces
    }
    commands: dict[str, list[str]] = {name: _default(plan, name) for name in plan}
    graph = _routers(plan)
    for destination in graph:
        prefixes = list(plan[destination].prefixes())
        paths = networkx.single_source_dijkstra_path(graph, destination, weight="metric")
        for router, path in paths.items():
            if router == destination:
                continue
            # The path starts at the destination; links cost the same in both directions.
            outgoing, incoming = toward[router, path[-2]], toward[path[-2], router]
            source = plan[router].address
            for prefix in prefixes:
                commands[router].append(
                    f"{prefix} via {incoming.link_local} dev {outgoing.name} src {source}"
                )
    return commands


def neighbours(plan: Plan) -> dict[str, list[str]]:
    """The arguments of ``ip neighbour add`` for the far ends of every wire between fixed nodes.

    These never change, so nothing is left to Neighbor Discovery there: its delay on the first
    packet would be measured as the protocol's.
    """
    return {
        node.name: [
            f"{far.link_local} lladdr {far.link_layer_address} dev {interface.name} nud permanent"
            for interface in node.interfaces
            if interface.kind not in ("access", "wireless")
            for far in [_far_end(plan, interface)]
        ]
        for node in plan.values()
    }


def _far_end(plan: Plan, interface: Interface) -> Interface:
    return next(
        far for far in plan[interface.peer].interfaces if far.name == interface.peer_interface
    )


def _default(plan: Plan, name: str) -> list[str]:
    """The default route of a host, to the router on its LAN."""
    if plan[name].role not in HOSTS:
        return []
    interface = plan[name].interfaces[0]
    return [f"::/0 via {_far_end(plan, interface).link_local} dev {interface.name}"]


def _routers(plan: Plan) -> networkx.Graph:
    graph = networkx.Graph()
    for node in plan.values():
        for interface in node.interfaces:
            if node.role in ROUTERS and plan[interface.peer].role in ROUTERS:
                graph.add_edge(node.name, interface.peer, metric=interface.metric)
    return graph
