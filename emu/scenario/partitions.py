"""Partitions, and their ends: of which hosts, and in which order."""

from __future__ import annotations

from collections.abc import Iterator

from emu.host_based.keys import Security
from emu.scenario.errors import Path, Problem
from emu.scenario.events import Heal, Partition
from emu.scenario.model import Scenario
from emu.scenario.names import wrong_node


def wrong_hosts(scenario: Scenario, event: Partition | Heal, path: Path) -> Iterator[Problem]:
    """Names that are not hosts', and sets that would leave nobody on one side."""
    where: Path = (*path, event.verb)
    hosts = event.hosts
    for name in hosts:
        yield from wrong_node(scenario, name, where)
    if not hosts or set(hosts) >= set(scenario.nodes):
        yield Problem(where, "cuts nobody off; name some of the nodes, not all")
    elif scenario.mobility.of(Security).security.cga and scenario.nodes_of("mn"):
        text = "mobile nodes with CGAs cannot be told by their addresses; leave it out"
        yield Problem(where, text)


def check_partitions(scenario: Scenario) -> Iterator[Problem]:
    """A host is on one side at a time; what is healed must have been cut off, as a whole."""
    cut: list[frozenset[str]] = []
    for index, event in sorted(enumerate(scenario.events), key=lambda entry: entry[1].at):
        if not isinstance(event, (Partition, Heal)):
            continue
        hosts, where = frozenset(event.hosts), ("events", index, event.verb)
        if isinstance(event, Partition):
            twice = sorted(hosts & frozenset().union(*cut))
            if twice:
                text = f"{twice[0]} is cut off already then; write its heal before"
                yield Problem(where, text)
            cut.append(hosts)
        elif hosts in cut:
            cut.remove(hosts)
        else:
            names = ", ".join(event.hosts)
            text = f"there is no partition of {names} then; write the hosts of one"
            yield Problem(where, text)
