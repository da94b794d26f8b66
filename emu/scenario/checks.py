"""What a valid scenario must also keep: names exist, times fit, parts do not contradict."""

from __future__ import annotations

from collections.abc import Iterator

from emu.extensions import is_there
from emu.scenario.capacity_checks import check_capacity
from emu.scenario.control_checks import check_channel_control
from emu.scenario.errors import Path, Problem, each_of, one_of, quote
from emu.scenario.i3_checks import check_i3, check_internet
from emu.scenario.mobility_checks import check_mobility_scheme
from emu.scenario.model import LISTENERS, Channel, Scenario
from emu.scenario.multicast_scheme import MULTICAST_SCHEMES, having
from emu.scenario.names import (
    RESERVED,
    wrong_access_router,
    wrong_gateway,
    wrong_node,
)
from emu.scenario.overlay_checks import check_amt, check_islands, check_overlay
from emu.scenario.periods import wrong_period
from emu.scenario.service_checks import check_services
from emu.scenario.timeline import check_timeline
from emu.scenario.traffic import MulticastFlow
from emu.scenario.traffic_kind import TRAFFIC
from emu.scenario.units import DURATION
from emu.schemes.registry import SCHEMES
from emu.topologies import TOPOLOGIES

_BINDING_LIFETIME_UNIT = DURATION.parse("4s")
_MLD_TIMERS = {
    "query_interval",
    "query_response_interval",
    "last_listener_query_interval",
    "robustness",
}


def check(scenario: Scenario) -> list[Problem]:
    """Every contradiction in a scenario whose single values are right."""
    return [
        *_topology(scenario),
        *check_internet(scenario),
        *check_mobility_scheme(scenario),
        *_timers(scenario),
        *check_capacity(scenario),
        *_context_transfer(scenario),
        *check_channel_control(scenario),
        *_nodes(scenario),
        *_channels(scenario),
        *_traffic(scenario),
        *check_services(scenario),
        *check_i3(scenario),
        *check_overlay(scenario),
        *check_islands(scenario),
        *check_amt(scenario),
        *check_timeline(scenario),
    ]


def _topology(scenario: Scenario) -> Iterator[Problem]:
    topology = scenario.topology
    module = TOPOLOGIES.find(topology.kind).topo.partition(":")[0]
    if not is_there(module):
        text = f"the declaration of {topology.kind} is not whole: there is no module {module}"
        yield Problem(("topology", "kind"), f"{text}; mend it")
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
    links = SCHEMES.find(scenario.mobility.scheme).links(scenario)
    if "standby" not in links:
        yield "standby", "write mobility: {standby: true}"
    if "home" not in links:
        anchored = [name for name, one in SCHEMES.all().items() if one.centre.anchors]
        text = f"it is the mobility anchor's, of scheme: {each_of(anchored)}; leave it out"
        yield "home", text


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
    known = MULTICAST_SCHEMES.find(multicast.scheme).keys
    if "upstream" in multicast.model_fields_set and "upstream" not in known:
        remedy = f"write scheme: {one_of(having('upstream'))}, or "
        text = f"does nothing in the scheme {multicast.scheme}; {remedy}"
        yield Problem(("multicast", "upstream"), text + "leave it out")


def _nodes(scenario: Scenario) -> Iterator[Problem]:
    routers = scenario.topology.access_routers
    scheme = SCHEMES.find(scenario.mobility.scheme)
    taken = {scheme.centre.role, *(extra.name for extra in scheme.nodes(scenario))}
    for name, node in scenario.nodes.items():
        path: Path = ("nodes", name)
        if name in taken or RESERVED.fullmatch(name):
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
        yield from wrong_gateway(scenario, channel.source, (*path, "source"))
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
        kind = TRAFFIC.find(flow.kind)
        for fault in kind.faults():
            text = f"the declaration of {flow.kind} is not whole: {fault}; mend it"
            yield Problem((*path, "kind"), text)
        yield from kind.check(scenario, flow, path)
        if isinstance(flow, MulticastFlow):
            first = carried.setdefault(flow.channel, index)
            if first != index:
                text = (
                    f"{flow.channel} is already sent by traffic[{first}]; list all listeners there"
                )
                yield Problem((*path, "channel"), text)
