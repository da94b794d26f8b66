"""What a valid scenario must also keep: names exist, times fit, parts do not contradict."""

from __future__ import annotations

import re
from collections.abc import Iterator

import topologies
from emu.scenario.capacity_checks import check_capacity
from emu.scenario.control_checks import check_channel_control
from emu.scenario.errors import Path, Problem, quote, suggest
from emu.scenario.i3_checks import check_i3, check_internet
from emu.scenario.mobility_checks import check_mobility_scheme
from emu.scenario.model import LISTENERS, Channel, Scenario
from emu.scenario.multicast import MLD_DMM, SCHEMES_OF
from emu.scenario.names import wrong_access_router, wrong_channel, wrong_listener, wrong_node
from emu.scenario.overlay_checks import check_overlay
from emu.scenario.periods import wrong_period
from emu.scenario.service_checks import check_services
from emu.scenario.timeline import check_timeline
from emu.scenario.traffic import I3Flow, Iperf3Flow, MulticastFlow, PingFlow, ProgramFlow
from emu.scenario.units import DURATION

_BINDING_LIFETIME_UNIT = DURATION.parse("4s")
_MLD_TIMERS = {
    "query_interval",
    "query_response_interval",
    "last_listener_query_interval",
    "robustness",
}
_RESERVED = re.compile(r"(mar|dar|mr)[0-9]+|cmd2?|mcc|lma|ha|ix|radio|lo")
"""Names of the nodes that the topology makes, of any number."""


def check(scenario: Scenario) -> list[Problem]:
    """Every contradiction in a scenario whose single values are right."""
    return [
        *_topology(scenario),
        *check_internet(scenario),
        *check_mobility_scheme(scenario),
        *_timers(scenario),
        *_distributed(scenario),
        *check_capacity(scenario),
        *_context_transfer(scenario),
        *check_channel_control(scenario),
        *_nodes(scenario),
        *_channels(scenario),
        *_traffic(scenario),
        *check_services(scenario),
        *check_i3(scenario),
        *check_overlay(scenario),
        *check_timeline(scenario),
    ]


def _topology(scenario: Scenario) -> Iterator[Problem]:
    topology = scenario.topology
    if topology.kind not in topologies.KINDS:
        text = f"no topology {quote(topology.kind)}; {suggest(topology.kind, topologies.KINDS)}"
        yield Problem(("topology", "kind"), text)
    for name in ("access", "backhaul", "cmd", "standby", "mcc", "core", "home"):
        link = getattr(topology, name)
        if link.jitter > link.delay:
            jitter, delay = DURATION.show(link.jitter), DURATION.show(link.delay)
            text = f"{jitter} is more than the delay; write at most the delay of {delay}"
            yield Problem(("topology", name, "jitter"), text)
    for name, remedy in _missing_nodes(scenario):
        if name in topology.model_fields_set:
            yield Problem(("topology", name), f"there is no such node; {remedy}")
    for mar in topology.access.profiles:
        yield from wrong_access_router(scenario, mar, ("topology", "access", "profiles", mar))


def _missing_nodes(scenario: Scenario) -> Iterator[tuple[str, str]]:
    """The links of nodes that the scenario does not have, and what would give it them."""
    control = scenario.multicast.channel_control
    if not (control and control.at == "mcc"):
        yield "mcc", "write multicast: {channel_control: {at: mcc}}"
    if not scenario.mobility.standby:
        yield "standby", "write mobility: {standby: true}"
    if scenario.mobility.scheme not in ("pmipv6", "mipv6"):
        yield "home", "it is the mobility anchor's, of scheme: pmipv6 and mipv6; leave it out"


def _distributed(scenario: Scenario) -> Iterator[Problem]:
    """What needs a CMD, or MARs that reach each other without one."""
    variant = scenario.mobility.variant
    if variant not in ("distributed", "mih"):
        return
    if scenario.topology.kind != "dmm-domain":
        text = "needs the topology dmm-domain, whose exchange carries multicast; write proxy"
        yield Problem(("mobility", "variant"), text)
    if scenario.mobility.standby:
        text = f"there is no CMD in the variant {variant} to stand in for; leave it out"
        yield Problem(("mobility", "standby"), text)
    control = scenario.multicast.channel_control
    if control and control.at == "cmd":
        text = f"there is no CMD in the variant {variant}; write mar or mcc"
        yield Problem(("multicast", "channel_control", "at"), text)
    wait, trip = scenario.mobility.first_attachment_timeout, 2 * scenario.topology.backhaul.delay
    if wait <= trip:
        text = f"{DURATION.show(wait)} is too short for an answer; write more than "
        yield Problem(("mobility", "first_attachment_timeout"), text + DURATION.show(trip))


def _timers(scenario: Scenario) -> Iterator[Problem]:
    lifetime = scenario.mobility.binding_lifetime
    if lifetime % _BINDING_LIFETIME_UNIT:
        text = f"{DURATION.show(lifetime)} is not a multiple of 4s; write one such as 300s"
        yield Problem(("mobility", "binding_lifetime"), text)
    multicast = scenario.multicast
    if multicast.scheme == "none":
        for key in sorted(_MLD_TIMERS & multicast.model_fields_set):
            yield Problem(("multicast", key), "does nothing in the scheme none; leave it out")
    elif multicast.query_response_interval >= multicast.query_interval:
        response, query = (
            DURATION.show(interval)
            for interval in (multicast.query_response_interval, multicast.query_interval)
        )
        text = f"{response} is not less than query_interval; write less than {query}"
        yield Problem(("multicast", "query_response_interval"), text)


def _context_transfer(scenario: Scenario) -> Iterator[Problem]:
    """Settings without what they are for."""
    multicast = scenario.multicast
    needs = {"prediction_lifetime": multicast.predictive != "off",
             "buffer_size": multicast.predictive == "buffer"}  # fmt: skip
    for key, is_used in needs.items():
        if key in multicast.model_fields_set and not is_used:
            mode = "buffer" if key == "buffer_size" else "on, bicast or buffer"
            text = f"is of no use while predictive is {multicast.predictive}; write {mode} there"
            yield Problem(("multicast", key), text)
    if "upstream" in multicast.model_fields_set and multicast.scheme != MLD_DMM:
        text = f"does nothing in the scheme {multicast.scheme}; write scheme: {MLD_DMM}, or "
        yield Problem(("multicast", "upstream"), text + "leave it out")


def _nodes(scenario: Scenario) -> Iterator[Problem]:
    routers = scenario.topology.access_routers
    for name, node in scenario.nodes.items():
        path: Path = ("nodes", name)
        if _RESERVED.fullmatch(name):
            yield Problem(path, f"{quote(name)} is a name of the topology's; choose another name")
        if node.role == "mn":
            if node.attach is None:
                first = routers[0] if routers else "mar1"
                yield Problem((*path, "attach"), f"is missing; write attach: {first}")
            else:
                yield from wrong_access_router(scenario, node.attach, (*path, "attach"))
            continue
        for key in sorted({"attach", "dad"} & node.model_fields_set):
            yield Problem((*path, key), f"is for mobile nodes only; leave it out of a {node.role}")


def _channels(scenario: Scenario) -> Iterator[Problem]:
    seen: dict[tuple[object, ...], str] = {}
    for name, channel in scenario.channels.items():
        path: Path = ("channels", name)
        if channel.source not in scenario.nodes_of(*LISTENERS):
            yield from wrong_node(scenario, channel.source, (*path, "source"), "source")
        first = seen.setdefault(_destination(channel), name)
        if first != name:
            text = f"{channel.group} port {channel.port} is already {first}'s; choose another group"
            yield Problem((*path, "group"), text)


def _destination(channel: Channel) -> tuple[object, ...]:
    """What a listener's socket tells channels apart by."""
    source = channel.source if channel.source_specific else None
    return channel.group, channel.port, source


def _traffic(scenario: Scenario) -> Iterator[Problem]:
    names: dict[str, int] = {}
    carried: dict[str, int] = {}
    for index, flow in enumerate(scenario.traffic):
        path: Path = ("traffic", index)
        yield from wrong_period(flow.start, flow.stop, scenario.duration, path)
        if flow.name is not None and names.setdefault(flow.name, index) != index:
            text = f"{quote(flow.name)} is already traffic[{names[flow.name]}]; choose another name"
            yield Problem((*path, "name"), text)
        if isinstance(flow, MulticastFlow):
            yield from _multicast(scenario, flow, path)
            first = carried.setdefault(flow.channel, index)
            if first != index:
                text = (
                    f"{flow.channel} is already sent by traffic[{first}]; list all listeners there"
                )
                yield Problem((*path, "channel"), text)
        elif isinstance(flow, ProgramFlow):
            yield from wrong_node(scenario, flow.node, (*path, "node"))
        elif not isinstance(flow, I3Flow):
            yield from _unicast(scenario, flow, path)


def _multicast(scenario: Scenario, flow: MulticastFlow, path: Path) -> Iterator[Problem]:
    if scenario.multicast.scheme == "none" and not scenario.alm:
        mobility = scenario.mobility.scheme
        scheme = SCHEMES_OF[mobility][0]
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


def _unicast(scenario: Scenario, flow: PingFlow | Iperf3Flow, path: Path) -> Iterator[Problem]:
    yield from wrong_node(scenario, flow.from_, (*path, "from"))
    yield from wrong_node(scenario, flow.to, (*path, "to"))
    if flow.from_ == flow.to:
        yield Problem((*path, "to"), f"{quote(flow.to)} is also its from; choose another node")
    if isinstance(flow, Iperf3Flow) and flow.protocol == "udp" and flow.rate is None:
        yield Problem((*path, "rate"), "is missing, and udp needs it; write rate: 1mbit")
    if isinstance(flow, Iperf3Flow) and flow.protocol == "tcp" and flow.packet is not None:
        yield Problem((*path, "packet"), "is of udp only; leave it out, or write protocol: udp")
