"""Handovers of a scenario as the HDMM paper's equations see them.

A mobile node's earlier prefixes all count as active, so that n is the number of other MARs that it
has been at. Jitter, loss and queues are not in the equations.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from emu.analysis import hdmm
from emu.analysis.hdmm import Scheme
from emu.analysis.journey import Equations, Task
from emu.analysis.multicast import Path
from emu.scenario.events import Detach, Handover
from emu.scenario.model import Scenario
from emu.schemes.registry import SCHEMES
from emu.topologies import TOPOLOGIES


@dataclass(frozen=True)
class Move:
    """One handover, as the equations see what one mobility management does in it."""

    at_s: float
    mn: str
    origin: str
    target: str
    previous: tuple[str, ...]
    """The MARs that anchor its earlier prefixes: P-DARs."""
    scheme: Scheme | Equations
    """What keeps them: by the paper's name for it, or by the equations of another source."""
    path: Path
    authentication: float
    """T_auth by the access network, ms; it is in the path's ``gap``."""
    hops: float
    """From the new MAR to those of them that hear of it from there, on average."""
    ways: tuple[float, ...]
    """One-way delay from the new MAR to each of ``previous``, ms."""
    farthest: float
    """One-way delay from the new MAR to the farthest of these, ms."""
    neighbours: tuple[str, ...]
    """The mobile nodes that are at the new MAR already."""
    announced: float | None
    """How long before link down the MAR left was told, ms."""
    secured: bool
    """Whether a mobile node's care-of address is tested before each Binding Update."""


def moves(scenario: Scenario) -> list[Move]:
    """Every handover in the order of time; attaching again after a detachment is none.

    Where both the network and the client act in one, it is there twice, in their order; where
    nobody acts, as there is no mobility management, or nobody has equations, there is none.
    """
    tasks = SCHEMES.find(scenario.mobility.scheme).load_prediction()
    if tasks is None:
        return []
    found = []
    at = {name: scenario.nodes[name].attach for name in scenario.nodes_of("mn")}
    visited = {name: [str(mar)] for name, mar in at.items()}
    for event in scenario.timeline:
        if isinstance(event, Detach):
            at[event.node] = None
        if not isinstance(event, Handover):
            continue
        origin, route = at[event.node], visited[event.node]
        if origin is not None:
            neighbours = tuple(name for name, mar in at.items() if mar == event.to)
            found += [
                _move(scenario, event, origin, what, neighbours)
                for what in tasks(scenario, route, event.to)
            ]
        at[event.node] = event.to
        route.append(event.to)
    return found


def _move(
    scenario: Scenario,
    event: Handover,
    origin: str,
    what: Task,
    neighbours: tuple[str, ...],
) -> Move:
    topology = scenario.topology
    hop = topology.backhaul.delay / 1e6
    nearest = what.previous[-1] if what.previous else origin
    path = Path(
        gap=(event.gap + topology.access.authentication) / 1e6,
        access=topology.radio(event.to)[0].delay / 1e6,
        backhaul=hop * _apart(scenario, nearest, event.to),
        cmd=topology.cmd.delay / 1e6,
        binding=0.0,
        notice=0.0,
        core=topology.core.delay / 1e6,
    )
    notice = path.backhaul if what.scheme is Scheme.FULLY else 2 * path.cmd
    farthest = hop * max((_apart(scenario, mar, event.to) for mar in what.told), default=0)
    binding = binding_ms(what.scheme, path, farthest, secured=what.secured)
    path = replace(path, binding=binding, notice=notice)
    return Move(
        at_s=event.at / 1e9,
        mn=event.handover,
        origin=origin,
        target=event.to,
        previous=what.previous,
        scheme=what.scheme,
        path=path,
        authentication=topology.access.authentication / 1e6,
        hops=_mean_hops(scenario, what.told, event.to),
        ways=tuple(hop * _apart(scenario, mar, event.to) for mar in what.previous),
        farthest=farthest,
        neighbours=neighbours,
        announced=None if event.announced is None else event.announced / 1e6,
        secured=what.secured,
    )


def _apart(scenario: Scenario, mar: str, other: str) -> float:
    """How many times the backhaul's delay is between two MARs."""
    topology = scenario.topology
    kind, places = TOPOLOGIES.find(topology.kind), topology.access_routers
    return kind.apart(places.index(mar) + 1, places.index(other) + 1, topology.mars)


def _mean_hops(scenario: Scenario, told: tuple[str, ...], target: str) -> float:
    """From the new MAR to those that are told; 0 if none is."""
    hop = TOPOLOGIES.find(scenario.topology.kind).hop
    return sum(_apart(scenario, mar, target) / hop for mar in told) / max(len(told), 1)


def binding_ms(
    scheme: Scheme | Equations, path: Path, farthest: float, *, secured: bool = False
) -> float:
    """T_binding of one handover: of the HDMM paper's schemes, equations 12 to 18.

    The LMA and the HA are where the CMD is. Who serves waits for every previous MAR that is told
    from there, so the one that counts is ``farthest`` (one way, ms).
    """
    if isinstance(scheme, Equations):
        return scheme.binding(path, farthest, secured=secured)
    to_cmd, access, between = 2 * path.cmd, 2 * path.access, 2 * farthest
    latencies = {
        Scheme.MIPV6: hdmm.mipv6_binding(access + to_cmd),
        Scheme.CLIENT: hdmm.client_binding(access + between, secured=secured),
        Scheme.PMIPV6: hdmm.pmipv6_binding(to_cmd),
        Scheme.RELAY: hdmm.relay_binding(to_cmd, to_cmd),
        Scheme.LOCATOR: hdmm.locator_binding(to_cmd, to_cmd, between),
        Scheme.PROXY: hdmm.proxy_binding(to_cmd, to_cmd),
        Scheme.FULLY: hdmm.fully_binding(between),
    }
    return float(latencies[scheme])


def messages(scheme: Scheme | Equations, move: Move) -> float:
    """Of its signalling: the factors of equations 4 to 10."""
    if isinstance(scheme, Equations):
        return scheme.messages(move)
    return float(hdmm.messages(scheme, len(move.previous), secured=move.secured))


def cost(scheme: Scheme | Equations, move: Move, tau: float = 1.0, omega: float = 1.0) -> float:
    """Weighted hops of its signalling, equations 4 to 10; the CMD is one hop from every MAR."""
    if isinstance(scheme, Equations):
        return scheme.cost(move, tau, omega)
    n = len(move.previous)
    costs = {
        Scheme.MIPV6: hdmm.mipv6_cost(omega, tau, 1),
        Scheme.CLIENT: hdmm.client_cost(omega, tau, n, move.hops, secured=move.secured),
        Scheme.PMIPV6: hdmm.pmipv6_cost(tau, 1),
        Scheme.RELAY: hdmm.relay_cost(tau, n, 1),
        Scheme.LOCATOR: hdmm.locator_cost(tau, n, 1, 1, move.hops),
        Scheme.PROXY: hdmm.proxy_cost(tau, n, 1),
        Scheme.FULLY: hdmm.fully_cost(tau, n, move.hops),
    }
    return float(costs[scheme])


def session_cost(scheme: Scheme | Equations, move: Move, subnets: int) -> float:
    """C_SIGNAL, equation 1, of sessions that each last as long as a stay (SMR = 1).

    Such a handover is the one in a domain of so many subnets (equation 2). Between domains the
    scheme acts itself if it can (equation 3), else the client-based one of its kind.
    """
    of_its_kind = Scheme.MIPV6 if scheme is Scheme.PMIPV6 else Scheme.CLIENT
    between = scheme if scheme in hdmm.INTER else of_its_kind
    return float(hdmm.signalling_cost(1, subnets, cost(scheme, move), cost(between, move)))
