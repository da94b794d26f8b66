"""What the equations predict for each handover of a scenario, and for each channel it touches.

Jitter, loss and queues are not in the equations. A mobile node's earlier prefixes all count as
active, so that n is the number of other MARs that it has been at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from emu.analysis import hdmm, multicast
from emu.analysis.hdmm import Scheme
from emu.analysis.multicast import Path, Range, Timers
from emu.scenario.model import Detach, Handover, Join, Leave, MulticastFlow, Scenario

_TENTATIVE_MS = {"normal": (1000.0, 2000.0), "optimistic": (1000.0, 1000.0), "off": (0.0, 0.0)}
"""How long DAD keeps a Linux host's link-local address from reporting (RFC 4862 section 5.4)."""

_VIA_EXCHANGE = 2.0
"""Hops from any MAR to any other in ``dmm-domain``."""


@dataclass(frozen=True)
class Move:
    """One handover, as the equations see it."""

    at_s: float
    mn: str
    origin: str
    target: str
    previous: tuple[str, ...]
    """The MARs that anchor its earlier prefixes: P-DARs."""
    path: Path
    hops: float
    """From the new MAR to these, on average."""


@dataclass(frozen=True)
class Prediction:
    """One handover and one channel that the node listens to; ms from link down."""

    move: Move
    flow: str
    disruption: Range
    leave: Range
    """When the previous MAR has ended the membership."""


def moves(scenario: Scenario) -> list[Move]:
    """Every handover in the order of time; attaching again after a detachment is none."""
    found = []
    at = {name: scenario.nodes[name].attach for name in scenario.nodes_of("mn")}
    visited: dict[str, dict[str, None]] = {name: {str(mar): None} for name, mar in at.items()}
    for event in scenario.timeline:
        if isinstance(event, Detach):
            at[event.node] = None
        if not isinstance(event, Handover):
            continue
        origin, seen = at[event.node], visited[event.node]
        if origin is not None:
            found.append(_move(scenario, event, origin, tuple(mar for mar in seen)))
        at[event.node] = event.to
        seen[event.to] = None
    return found


def predict(scenario: Scenario) -> list[Prediction]:
    """For every handover, and every channel that the node listens to just then."""
    if scenario.multicast.scheme == "none":
        return []
    return [
        Prediction(move, flow, _disruption(scenario, move), _leave(scenario, move))
        for move in moves(scenario)
        for flow in _listening(scenario, move)
    ]


def timers(scenario: Scenario) -> Timers:
    """A scenario's MLD timers."""
    settings = scenario.multicast
    return Timers(
        settings.query_interval / 1e6,
        settings.query_response_interval / 1e6,
        settings.last_listener_query_interval / 1e6,
        settings.robustness,
    )


def _move(scenario: Scenario, event: Handover, origin: str, seen: tuple[str, ...]) -> Move:
    topology = scenario.topology
    numbers = {name: number for number, name in enumerate(topology.access_routers)}
    apart = abs(numbers[origin] - numbers[event.to])
    in_line = topology.kind == "line"
    path = Path(
        gap=event.gap / 1e6,
        access=topology.access.delay / 1e6,
        backhaul=topology.backhaul.delay / 1e6 * (apart if in_line else 1),
        cmd=topology.cmd.delay / 1e6,
        core=topology.core.delay / 1e6,
    )
    previous = tuple(mar for mar in seen if mar != event.to)
    hops = _mean_hops(numbers, previous, event.to) if in_line else _VIA_EXCHANGE
    return Move(event.at / 1e9, event.handover, origin, event.to, previous, path, hops)


def _mean_hops(numbers: dict[str, int], previous: tuple[str, ...], target: str) -> float:
    """In a line of MARs."""
    return sum(abs(numbers[mar] - numbers[target]) for mar in previous) / len(previous)


def _listening(scenario: Scenario, move: Move) -> Iterator[str]:
    """The flows of the channels that a node listens to at a time."""
    when = move.at_s * 1e9
    for name, flow in zip(scenario.flow_names, scenario.traffic, strict=True):
        if not isinstance(flow, MulticastFlow):
            continue
        listens = move.mn in flow.to
        own = (event for event in scenario.timeline if isinstance(event, (Join, Leave)))
        for event in own:
            if (event.node, event.channel) == (move.mn, flow.channel) and event.at <= when:
                listens = isinstance(event, Join)
        stop = scenario.duration if flow.stop is None else flow.stop
        if listens and flow.start < when < stop:
            yield f"{name}→{move.mn}"


def _report(scenario: Scenario, move: Move) -> Range:
    """When the new MAR has a report of the listener, after link up."""
    asked = multicast.report_asked(move.path, timers(scenario))
    if scenario.topology.access.carrier == "keep":
        return asked
    low, high = _TENTATIVE_MS[scenario.nodes[move.mn].dad]
    return multicast.report_unasked(move.path) + Range.uniform(low, high)


def _disruption(scenario: Scenario, move: Move) -> Range:
    return multicast.mld_dmm_disruption(move.path, _report(scenario, move))


def _leave(scenario: Scenario, move: Move) -> Range:
    return multicast.mld_dmm_leave(timers(scenario))


def binding_ms(scheme: Scheme, move: Move) -> float:
    """T_binding of one handover under any of the HDMM paper's schemes, equations 12 to 18.

    The LMA and the HA are where the CMD is; the previous MAR that counts is the one just left.
    """
    to_cmd, access, between = 2 * move.path.cmd, 2 * move.path.access, 2 * move.path.backhaul
    latencies = {
        Scheme.MIPV6: hdmm.mipv6_binding(access + to_cmd),
        Scheme.CLIENT: hdmm.client_binding(access + between),
        Scheme.PMIPV6: hdmm.pmipv6_binding(to_cmd),
        Scheme.RELAY: hdmm.relay_binding(to_cmd, to_cmd),
        Scheme.LOCATOR: hdmm.locator_binding(to_cmd, to_cmd, between),
        Scheme.PROXY: hdmm.proxy_binding(to_cmd, to_cmd),
        Scheme.FULLY: hdmm.fully_binding(between),
    }
    return float(latencies[scheme])


def cost(scheme: Scheme, move: Move, tau: float = 1.0, omega: float = 1.0) -> float:
    """Weighted hops of its signalling, equations 4 to 10; the CMD is one hop from every MAR."""
    n = len(move.previous)
    costs = {
        Scheme.MIPV6: hdmm.mipv6_cost(omega, tau, 1),
        Scheme.CLIENT: hdmm.client_cost(omega, tau, n, move.hops, secured=False),
        Scheme.PMIPV6: hdmm.pmipv6_cost(tau, 1),
        Scheme.RELAY: hdmm.relay_cost(tau, n, 1),
        Scheme.LOCATOR: hdmm.locator_cost(tau, n, 1, 1, move.hops),
        Scheme.PROXY: hdmm.proxy_cost(tau, n, 1),
        Scheme.FULLY: hdmm.fully_cost(tau, n, move.hops),
    }
    return float(costs[scheme])
