"""The kinds of traffic that come with the toolkit."""

from __future__ import annotations

from collections.abc import Iterator

from emu.scenario.errors import Path, Problem, quote
from emu.scenario.model import Scenario
from emu.scenario.names import wrong_channel, wrong_listener, wrong_node
from emu.scenario.overlay import HOST
from emu.scenario.traffic import I3Flow, Iperf3Flow, MulticastFlow, PingFlow, ProgramFlow
from emu.scenario.traffic_kind import TrafficKind
from emu.schemes.registry import SCHEMES


def _check_multicast(scenario: Scenario, flow: MulticastFlow, path: Path) -> Iterator[Problem]:
    if scenario.multicast.scheme == "none" and not scenario.alm:
        mobility = scenario.mobility.scheme
        scheme = SCHEMES.find(mobility).multicast[0]
        text = f"multicast traffic needs a multicast scheme; write multicast: {{scheme: {scheme}}}"
        if scheme == "none":
            text = f"there is no multicast with the mobility scheme {mobility}; leave it out"
        yield Problem((*path, "kind"), text)
    yield from wrong_channel(scenario, flow.channel, (*path, "channel"))
    for key, names in (("to", flow.to), ("only_source", flow.only_source)):
        for position, name in enumerate(names):
            yield from wrong_listener(scenario, name, flow.channel, (*path, key, position))
            if name in names[:position]:
                text = f"{quote(name)} is listed twice; list it once"
                yield Problem((*path, key, position), text)


def _check_unicast(
    scenario: Scenario, flow: PingFlow | Iperf3Flow, path: Path
) -> Iterator[Problem]:
    yield from wrong_node(scenario, flow.from_, (*path, "from"))
    yield from wrong_node(scenario, flow.to, (*path, "to"))
    for key, name in (("from", flow.from_), ("to", flow.to)):
        if name in scenario.nodes_of(HOST):
            text = f"{quote(name)} is on an island, which has multicast only; name another node"
            yield Problem((*path, key), text)
    if flow.from_ == flow.to:
        yield Problem((*path, "to"), f"{quote(flow.to)} is also its from; choose another node")
    if isinstance(flow, Iperf3Flow) and flow.protocol == "udp" and flow.rate is None:
        yield Problem((*path, "rate"), "is missing, and udp needs it; write rate: 1mbit")
    if isinstance(flow, Iperf3Flow) and flow.protocol == "tcp" and flow.packet is not None:
        yield Problem((*path, "packet"), "is of udp only; leave it out, or write protocol: udp")


def _check_program(scenario: Scenario, flow: ProgramFlow, path: Path) -> Iterator[Problem]:
    yield from wrong_node(scenario, flow.node, (*path, "node"))


MULTICAST = TrafficKind(
    keys=MulticastFlow,
    plan="emu.traffic.kinds:multicast",
    programs=("emu.traffic.source", "emu.traffic.listener"),
    check=_check_multicast,
)
PING = TrafficKind(
    keys=PingFlow,
    plan="emu.traffic.kinds:ping",
    programs=("emu.traffic.ping",),
    check=_check_unicast,
)
IPERF3 = TrafficKind(
    keys=Iperf3Flow,
    plan="emu.traffic.kinds:iperf3",
    programs=("emu.traffic.iperf",),
    check=_check_unicast,
)
PROGRAM = TrafficKind(
    keys=ProgramFlow,
    plan="emu.traffic.kinds:program",
    programs=("emu.traffic.program",),
    check=_check_program,
)
I3 = TrafficKind(
    keys=I3Flow,
    plan="emu.traffic.kinds:i3",
    programs=("emu.traffic.i3_source", "emu.traffic.i3_receiver"),
)
