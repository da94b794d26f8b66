"""What the equations predict for each handover of a scenario, and for each channel it touches.

Jitter, loss and queues are not in the equations. A mobile node's earlier prefixes all count as
active, so that n is the number of other MARs that it has been at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from agents.wire.channel import ChannelScope
from emu.analysis import hdmm, multicast
from emu.analysis.hdmm import Scheme
from emu.analysis.multicast import Path, Range, Timers
from emu.scenario.model import (
    ChannelControl,
    Detach,
    Handover,
    Join,
    Leave,
    MulticastFlow,
    Scenario,
)

_TENTATIVE_MS = {"normal": (1000.0, 2000.0), "optimistic": (1000.0, 1000.0), "off": (0.0, 0.0)}
"""How long DAD keeps a Linux host's link-local address from reporting (RFC 4862 section 5.4)."""

_VARIANTS = {"relay": Scheme.RELAY, "locator": Scheme.LOCATOR, "proxy": Scheme.PROXY}
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
    neighbours: tuple[str, ...]
    """The mobile nodes that are at the new MAR already."""


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
            neighbours = tuple(name for name, mar in at.items() if mar == event.to)
            found.append(_move(scenario, event, origin, tuple(seen), neighbours))
        at[event.node] = event.to
        seen[event.to] = None
    return found


def predict(scenario: Scenario) -> list[Prediction]:
    """For every handover, and every channel that the node listens to just then."""
    if scenario.multicast.scheme == "none":
        return []
    found = []
    asked: set[tuple[str, str]] = set()
    tunnels: dict[tuple[str, str], str | None] = {}
    """By mobile node and channel: the MAR that the channel comes from by a tunnel."""
    for move in moves(scenario):
        for flow, channel in _listening(scenario, move.mn, move.at_s):
            question = _Question(
                scenario,
                move,
                channel,
                first=(move.target, channel) not in asked,
                relayed=tunnels.get((move.mn, channel)) is not None,
                returned=tunnels.get((move.mn, channel)) == move.target,
            )
            asked.add((move.target, channel))
            tunnels[move.mn, channel] = question.tunnel()
            name = f"{flow}→{move.mn}"
            found.append(Prediction(move, name, question.disruption(), question.leave()))
    return found


def timers(scenario: Scenario) -> Timers:
    """A scenario's MLD timers."""
    settings = scenario.multicast
    return Timers(
        settings.query_interval / 1e6,
        settings.query_response_interval / 1e6,
        settings.last_listener_query_interval / 1e6,
        settings.robustness,
    )


def _move(
    scenario: Scenario,
    event: Handover,
    origin: str,
    seen: tuple[str, ...],
    neighbours: tuple[str, ...],
) -> Move:
    topology = scenario.topology
    numbers = {name: number for number, name in enumerate(topology.access_routers)}
    apart = abs(numbers[origin] - numbers[event.to])
    in_line = topology.kind == "line"
    path = Path(
        gap=event.gap / 1e6,
        access=topology.access.delay / 1e6,
        backhaul=topology.backhaul.delay / 1e6 * (apart if in_line else 1),
        cmd=topology.cmd.delay / 1e6,
        binding=0.0,
        core=topology.core.delay / 1e6,
    )
    path = replace(path, binding=binding_ms(scheme_of(scenario), path))
    previous = tuple(mar for mar in seen if mar != event.to)
    hops = _mean_hops(numbers, previous, event.to) if in_line else _VIA_EXCHANGE
    return Move(event.at / 1e9, event.handover, origin, event.to, previous, path, hops, neighbours)


def _mean_hops(numbers: dict[str, int], previous: tuple[str, ...], target: str) -> float:
    """In a line of MARs."""
    return sum(abs(numbers[mar] - numbers[target]) for mar in previous) / len(previous)


def _listening(scenario: Scenario, mn: str, at_s: float) -> Iterator[tuple[str, str]]:
    """The flows that a node listens to at a time, and the channel of each."""
    when = at_s * 1e9
    for name, flow in zip(scenario.flow_names, scenario.traffic, strict=True):
        if not isinstance(flow, MulticastFlow):
            continue
        listens = mn in flow.to
        own = (event for event in scenario.timeline if isinstance(event, (Join, Leave)))
        for event in own:
            if (event.node, event.channel) == (mn, flow.channel) and event.at <= when:
                listens = isinstance(event, Join)
        stop = scenario.duration if flow.stop is None else flow.stop
        if listens and flow.start < when < stop:
            yield name, flow.channel


@dataclass(frozen=True)
class _Question:
    """How long one handover interrupts one channel."""

    scenario: Scenario
    move: Move
    channel: str
    first: bool
    """Whether the new MAR has not met the channel yet, and has to ask about it."""
    relayed: bool
    """Whether the MAR just left has the channel by a tunnel, and not natively."""
    returned: bool
    """Whether that tunnel is from the MAR that is the new one now."""

    def disruption(self) -> Range:
        """Link down to the first packet."""
        settings, path = self.scenario.multicast, self.move.path
        if self._on_the_radio():
            return Range.exactly(path.gap)
        if settings.scheme == "mld-dmm":
            return multicast.mld_dmm_disruption(path, self._report(), relayed=self.relayed)
        report = self._report() if settings.context_transfer == "off" else None
        if self.returned:
            return multicast.multi_upstream_shared(path, report)
        decision = self._decision_ms()
        return Range.any_of(
            multicast.multi_upstream_disruption(path, scope, decision, report, relayed=self.relayed)
            for scope in self._scopes()
        )

    def tunnel(self) -> str | None:
        """The MAR that the channel comes from by a tunnel afterwards; None: native."""
        if self.scenario.multicast.scheme == "mld-dmm":
            return self.move.origin
        remote = self._scopes() == [ChannelScope.REMOTE] and not self.returned
        return self.move.origin if remote else None

    def leave(self) -> Range:
        """Link down to the previous MAR's end of the membership."""
        if self.scenario.multicast.explicit_tracking:
            return multicast.multi_upstream_leave(self.move.path)
        return multicast.mld_dmm_leave(timers(self.scenario))

    def _on_the_radio(self) -> bool:
        """Whether the new MAR sends the channel to its radio already, for another listener."""
        return any(
            self.channel in (heard for _, heard in _listening(self.scenario, mn, self.move.at_s))
            for mn in self.move.neighbours
        )

    def _report(self) -> Range:
        """When the new MAR has a report of the listener, after link up.

        After a loss of carrier Linux reports any-source memberships by itself, source-specific ones
        only when DAD has ended, and else when it is asked.
        """
        path, dad = self.move.path, self.scenario.nodes[self.move.mn].dad
        asked = self.scenario.channels[self.channel].source_specific and dad == "off"
        if asked or self.scenario.topology.access.carrier == "keep":
            return multicast.report_asked(path, timers(self.scenario))
        return multicast.report_unasked(path) + Range.uniform(*_TENTATIVE_MS[dad])

    def _control(self) -> ChannelControl:
        control = self.scenario.multicast.channel_control
        assert control is not None  # the scheme always has one
        return control

    def _decision_ms(self) -> float:
        """The MCC's answer takes a round trip; those of the static policy are remembered."""
        control = self._control()
        if control.at == "mar" or (control.policy == "static" and not self.first):
            return 0.0
        return 2 * self.move.path.cmd

    def _scopes(self) -> list[ChannelScope]:
        """What the channel control may decide: one thing, or under other policies anything."""
        control = self._control()
        fixed = control.channels.get(self.channel)
        if fixed is None and control.policy == "static":
            fixed = control.default
        return list(ChannelScope) if fixed is None else [ChannelScope[fixed.upper()]]


def scheme_of(scenario: Scenario) -> Scheme:
    """The paper's name for the scenario's mobility scheme."""
    return _VARIANTS[scenario.mobility.variant]


def binding_ms(scheme: Scheme, path: Path) -> float:
    """T_binding of one handover under any of the HDMM paper's schemes, equations 12 to 18.

    The LMA and the HA are where the CMD is; the previous MAR that counts is the one just left.
    """
    to_cmd, access, between = 2 * path.cmd, 2 * path.access, 2 * path.backhaul
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
