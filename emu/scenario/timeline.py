"""The events of a scenario in the order of time: what each finds must be what it needs."""

from __future__ import annotations

from collections.abc import Iterator

from emu.scenario.control_checks import without_control, wrong_change
from emu.scenario.crashes import check_crashes, wrong_agent
from emu.scenario.errors import Path, Problem, quote
from emu.scenario.events import (
    AnyEvent,
    Crash,
    Detach,
    Handover,
    Heal,
    Join,
    Leave,
    NewPolicy,
    Partition,
    PolicyChange,
    Restart,
)
from emu.scenario.model import LISTENERS, Scenario
from emu.scenario.names import wrong_access_router, wrong_channel, wrong_listener, wrong_node
from emu.scenario.partitions import check_partitions, wrong_hosts
from emu.scenario.traffic import MulticastFlow
from emu.scenario.units import DURATION

Entries = list[tuple[int, Handover | Detach | Join | Leave]]
"""What happens to mobile nodes, with the indices in the scenario."""


def check_timeline(scenario: Scenario) -> Iterator[Problem]:
    """Every event that names nothing, comes too late, or finds a state that contradicts it."""
    sound: Entries = []
    for index, event in enumerate(scenario.events):
        problems = list(_alone(scenario, event, ("events", index)))
        yield from problems
        if not problems and isinstance(event, (Handover, Detach, Join, Leave)):
            sound.append((index, event))
    sound.sort(key=lambda entry: entry[1].at)
    for name in scenario.nodes_of(*LISTENERS):
        entries = [(index, event) for index, event in sound if event.node == name]
        yield from _movement(scenario, name, entries)
        yield from _listening(scenario, name, entries)
    yield from check_crashes(scenario)
    yield from check_partitions(scenario)


def _alone(scenario: Scenario, event: AnyEvent, path: Path) -> Iterator[Problem]:
    """What is wrong with an event whatever the others are."""
    if isinstance(event, PolicyChange):
        yield from wrong_change(scenario, event, path)
    elif isinstance(event, NewPolicy):
        yield from without_control(scenario, (*path, "new_policy"))
    elif isinstance(event, (Crash, Restart)):
        yield from wrong_agent(scenario, event, path)
    elif isinstance(event, (Partition, Heal)):
        yield from wrong_hosts(scenario, event, path)
    elif isinstance(event, (Join, Leave)):
        yield from wrong_listener(scenario, event.node, event.channel, (*path, event.verb))
    else:
        yield from wrong_node(scenario, event.node, (*path, event.verb), "mn")
    end = f"the end at {DURATION.show(scenario.duration)}"
    if event.at >= scenario.duration:
        text = f"{DURATION.show(event.at)} is not before {end}; write an earlier time"
        yield Problem((*path, "at"), text)
    elif isinstance(event, Handover) and event.at + _off(scenario, event) >= scenario.duration:
        more = " with the authentication" if scenario.topology.access.authentication else ""
        off = DURATION.show(_off(scenario, event))
        text = f"{off}{more} lasts past {end}; write a shorter gap"
        yield Problem((*path, "gap"), text)
    if isinstance(event, Handover):
        yield from wrong_access_router(scenario, event.to, (*path, "to"))
    elif isinstance(event, (Join, Leave)):
        yield from wrong_channel(scenario, event.channel, (*path, "channel"))
        sent = {flow.channel for flow in scenario.traffic if isinstance(flow, MulticastFlow)}
        if event.channel in scenario.channels and event.channel not in sent:
            remedy = f"write {{kind: multicast, channel: {event.channel}}} in traffic"
            yield Problem((*path, "channel"), f"{quote(event.channel)} is never sent; {remedy}")


def _movement(scenario: Scenario, name: str, entries: Entries) -> Iterator[Problem]:
    """Follows a mobile node from router to router."""
    router = scenario.nodes[name].attach
    settled = -1
    for index, event in entries:
        path: Path = ("events", index)
        if not isinstance(event, (Handover, Detach)):
            continue
        if event.at <= settled:
            text = f"{name} is still moving until {DURATION.show(settled)}; write a later time"
            yield Problem((*path, "at"), text)
        elif isinstance(event, Handover) and event.announced:
            yield from _announcement(event, router, settled, path)
        settled = event.at
        if isinstance(event, Handover):
            if event.to == router:
                text = f"{name} is already at {router} then; write another access router"
                yield Problem((*path, "to"), text)
            router = event.to
            settled += _off(scenario, event)
        else:
            if router is None:
                text = f"{name} is already detached then; leave the event out"
                yield Problem((*path, "detach"), text)
            router = None


def _off(scenario: Scenario, event: Handover) -> int:
    """How long the node cannot send: the gap, and its authentication."""
    return event.gap + scenario.topology.access.authentication


def _announcement(
    event: Handover, router: str | None, settled: int, path: Path
) -> Iterator[Problem]:
    """``router`` is where the mobile node is from ``settled`` on, and would be told."""
    where: Path = (*path, "announced")
    if router is None:
        text = f"{event.handover} is detached then, and nobody would be told; leave it out"
        yield Problem(where, text)
    elif event.begins <= settled:
        since = "the start" if settled < 0 else DURATION.show(settled)
        room = DURATION.show(event.at - max(settled, 0))
        text = f"{event.handover} is at {router} only since {since}; write less than {room}"
        yield Problem(where, text)


def _listening(scenario: Scenario, name: str, entries: Entries) -> Iterator[Problem]:
    """Follows what a mobile node listens to."""
    listening: set[str] = set()
    changes: list[tuple[int, int | None, bool, str]] = []
    for flow in scenario.traffic:
        if isinstance(flow, MulticastFlow) and name in flow.to:
            changes.append((flow.start, None, True, flow.channel))
            if flow.stop is not None:
                changes.append((flow.stop, None, False, flow.channel))
    for index, event in entries:
        if isinstance(event, (Join, Leave)):
            changes.append((event.at, index, isinstance(event, Join), event.channel))
    for _, origin, joins, channel in sorted(changes, key=lambda change: change[0]):
        if origin is not None and joins == (channel in listening):
            verb, state = ("join", "already listens") if joins else ("leave", "does not listen")
            text = f"{name} {state} to {channel} then; leave the event out"
            yield Problem(("events", origin, verb), text)
        (listening.add if joins else listening.discard)(channel)
