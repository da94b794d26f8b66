"""What a multicast tree on i3 is like: its latency, and what it puts on the network's links."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from agents.i3.server import Server
from agents.wire.i3 import Endpoint, Identifier, is_endpoint
from emu.simulator.i3 import Host, Overlay
from emu.simulator.underlay import Link, Underlay


@dataclass(frozen=True)
class Hop:
    """A packet's way along one trigger: to the next server, or to a member (``end``)."""

    level: int
    origin: int
    target: int
    """Nodes of the network."""
    delay: int
    """From the source to the target by the tree, ns."""
    end: Endpoint | None


def hops(overlay: Overlay, root: Identifier, source: int) -> list[Hop]:
    """Every way that a packet from a node takes, along the triggers as they are."""
    first = overlay.server_of(root)
    found = [Hop(0, source, first.node, overlay.internet.delay(source, first.node), None)]
    to_see = [(root, found[0])]
    while to_see:
        identifier, before = to_see.pop()
        server = overlay.server_of(identifier).core
        assert isinstance(server, Server)
        for target in server.triggers.at(identifier):
            end = Endpoint(target) if is_endpoint(target) else None
            host = overlay.hosts.get(end) if end else overlay.server_of(Identifier(target))
            if host is None:
                continue
            delay = before.delay + overlay.internet.delay(before.target, host.node)
            hop = Hop(before.level + (end is None), before.target, host.node, delay, end)
            found.append(hop)
            if end is None:
                to_see.append((Identifier(target), hop))
    return found


@dataclass(frozen=True)
class Tree:
    """A tree's figures (section 6.1)."""

    receivers: int
    rmd: float
    """Maximum delay by the tree over maximum delay by the shortest paths."""
    rad: float
    """The same of the average delays."""
    stretch_p90: float
    """90th percentile of the receivers' own ratios."""
    stress_max: int
    """Copies of a packet on the link that carries most."""
    stress_p99: float
    """99th percentile over the links that carry any."""
    depth: float
    """Mean number of triggers between identifiers on the way to a receiver."""
    depth_max: int


def link_stress(internet: Underlay, found: Iterable[Hop], source: Host) -> Counter[Link]:
    """How many copies of a packet each link carries; what comes back to the source is none."""
    stress: Counter[Link] = Counter()
    for hop in found:
        if hop.end != source.endpoint:
            stress.update(internet.path(hop.origin, hop.target))
    return stress


def measure(overlay: Overlay, root: Identifier, source: Host, members: Iterable[Host]) -> Tree:
    """The figures of a tree as it is; receivers at the source's own node have no stretch."""
    internet = overlay.internet
    found = hops(overlay, root, source.node)
    ends = {hop.end: hop for hop in found if hop.end}
    reached = [(host, ends[host.endpoint]) for host in members if host.endpoint in ends]
    tree = np.array([hop.delay for _, hop in reached], float)
    direct = np.array([internet.delay(source.node, host.node) for host, _ in reached], float)
    away = direct > 0
    copies = np.array(list(link_stress(internet, found, source).values()))
    levels = [hop.level for _, hop in reached]
    return Tree(
        receivers=len(reached),
        rmd=float(tree.max() / direct.max()),
        rad=float(tree.mean() / direct.mean()),
        stretch_p90=float(np.percentile(tree[away] / direct[away], 90)),
        stress_max=int(copies.max()),
        stress_p99=float(np.percentile(copies, 99)),
        depth=float(np.mean(levels)),
        depth_max=max(levels),
    )
