"""Static routes: along the cheapest paths of the topology, via link-local next hops."""

from __future__ import annotations

import networkx

from emu.network.addressing import HOSTS, Interface, Plan
from topologies.parameters import ISLAND_LINK


def routes(plan: Plan) -> dict[str, list[str]]:
    """For every router, source and server, the arguments of ``ip route add`` for its routes."""
    toward = {
        (node.name, interface.peer): interface
        for node in plan.values()
        for interface in node.interfaces
    }
    commands: dict[str, list[str]] = {name: _of_lans(plan, name) for name in plan}
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
            f"{address} lladdr {far.link_layer_address} dev {interface.name} nud permanent"
            for interface in node.interfaces
            if interface.kind not in ("access", "wireless", ISLAND_LINK)
            for far in [_far_end(plan, interface)]
            for address in [far.link_local, *([far.lan.ip] if far.lan else [])]
        ]
        for node in plan.values()
    }


def _far_end(plan: Plan, interface: Interface) -> Interface:
    return next(
        far for far in plan[interface.peer].interfaces if far.name == interface.peer_interface
    )


def _of_lans(plan: Plan, name: str) -> list[str]:
    """A host's default route; a router's to the only host on each LAN.

    Nobody looks for the other addresses of a LAN: neighbours fill a table of the whole machine's.
    """
    commands = []
    for interface in plan[name].interfaces:
        far = _far_end(plan, interface)
        if interface.lan is None or far.lan is None:
            continue
        if plan[name].role in HOSTS:
            commands.append(f"::/0 via {far.link_local} dev {interface.name}")
        else:
            commands.append(f"{far.lan.ip} dev {interface.name}")
            commands.append(f"unreachable {far.lan.network}")
    return commands


def _routers(plan: Plan) -> networkx.Graph:
    graph = networkx.Graph()
    for node in plan.values():
        for interface in node.interfaces:
            if node.is_router and plan[interface.peer].is_router:
                graph.add_edge(node.name, interface.peer, metric=interface.metric)
    return graph
