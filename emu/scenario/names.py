"""Names in a scenario that must be names of something else in it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from emu.scenario.errors import Path, Problem, quote, suggest
from emu.scenario.model import LISTENERS, Scenario
from emu.scenario.overlay import MEMBER

RESERVED = re.compile(r"(mar|dar|mr)[0-9]+|cmd2?|mcc|lma|ha|ix|radio|lo")
"""Names of the nodes that the topology makes, of any number, whatever the scheme."""
_ROLES = {
    "mn": "a mobile node",
    "source": "a source",
    "server": "a server",
    "i3-server": "an i3 server",
    "i3-client": "an i3 client",
    "member": "a member of the overlay",
    "host": "a host on an island",
}


def wrong_node(scenario: Scenario, name: str, path: Path, *roles: str) -> Iterator[Problem]:
    """The problem of a name that is not a node, or not one of the roles asked for, if any."""
    fitting = scenario.nodes_of(*roles) if roles else scenario.nodes
    node = scenario.nodes.get(name)
    if node is None:
        yield Problem(path, f"no node {quote(name)}; {suggest(name, fitting)}")
    elif roles and node.role not in roles:
        wanted = " or ".join(_ROLES[role] for role in roles)
        complaint = f"{quote(name)} is {_ROLES[node.role]}, not {wanted}"
        yield Problem(path, f"{complaint}; {suggest(name, fitting)}")


def wrong_channel(scenario: Scenario, name: str, path: Path) -> Iterator[Problem]:
    """The problem of a name that is not a channel."""
    if name not in scenario.channels:
        yield Problem(path, f"no channel {quote(name)}; {suggest(name, scenario.channels)}")


def wrong_listener(scenario: Scenario, name: str, channel: str, path: Path) -> Iterator[Problem]:
    """The problem of a name that is not a listener's, or one that sends the channel itself."""
    roles = [role for role in LISTENERS if role == "mn" or scenario.nodes_of(role)]
    yield from wrong_node(scenario, name, path, *(roles if scenario.alm else ("mn",)))
    yield from wrong_gateway(scenario, name, path)
    if channel in scenario.channels and scenario.channels[channel].source == name:
        yield Problem(path, f"{quote(name)} sends {channel} itself; name another node")


def wrong_gateway(scenario: Scenario, name: str, path: Path) -> Iterator[Problem]:
    """The problem of an island's gateway that would send or listen itself."""
    node = scenario.nodes.get(name)
    if node is not None and node.role == MEMBER and node.island is not None:
        text = f"{quote(name)} is the gateway of {node.island}, where programs take no part; "
        yield Problem(path, text + "name another node")


def wrong_access_router(scenario: Scenario, name: str, path: Path) -> Iterator[Problem]:
    """The problem of a name that is not one of the topology's MARs."""
    routers = scenario.topology.access_routers
    if name not in routers:
        yield Problem(path, f"no access router {quote(name)}; {suggest(name, routers)}")
