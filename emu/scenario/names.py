"""Names in a scenario that must be names of something else in it."""

from __future__ import annotations

from collections.abc import Iterator

from emu.scenario.errors import Path, Problem, quote, suggest
from emu.scenario.model import Scenario

_ROLES = {
    "mn": "a mobile node",
    "source": "a source",
    "server": "a server",
    "i3-server": "an i3 server",
    "i3-client": "an i3 client",
}


def wrong_node(
    scenario: Scenario, name: str, path: Path, role: str | None = None
) -> Iterator[Problem]:
    """The problem of a name that is not a node, or not one of the role asked for."""
    fitting = scenario.nodes if role is None else scenario.nodes_of(role)
    node = scenario.nodes.get(name)
    if node is None:
        yield Problem(path, f"no node {quote(name)}; {suggest(name, fitting)}")
    elif role is not None and node.role != role:
        complaint = f"{quote(name)} is {_ROLES[node.role]}, not {_ROLES[role]}"
        yield Problem(path, f"{complaint}; {suggest(name, fitting)}")


def wrong_channel(scenario: Scenario, name: str, path: Path) -> Iterator[Problem]:
    """The problem of a name that is not a channel."""
    if name not in scenario.channels:
        yield Problem(path, f"no channel {quote(name)}; {suggest(name, scenario.channels)}")


def wrong_listener(scenario: Scenario, name: str, channel: str, path: Path) -> Iterator[Problem]:
    """The problem of a name that is not a mobile node, or one that sends the channel itself."""
    yield from wrong_node(scenario, name, path, "mn")
    if channel in scenario.channels and scenario.channels[channel].source == name:
        yield Problem(path, f"{quote(name)} sends {channel} itself; name another mobile node")


def wrong_access_router(scenario: Scenario, name: str, path: Path) -> Iterator[Problem]:
    """The problem of a name that is not one of the topology's MARs."""
    routers = scenario.topology.access_routers
    if name not in routers:
        yield Problem(path, f"no access router {quote(name)}; {suggest(name, routers)}")
