"""Crashes and restarts of agents: of which nodes, and in which order."""

from __future__ import annotations

from collections.abc import Iterator

from emu.scenario.errors import Path, Problem, quote, suggest
from emu.scenario.events import Crash, Restart
from emu.scenario.i3 import CLIENT, SERVER
from emu.scenario.model import Scenario
from emu.scenario.services import servers
from emu.scenario.traffic import I3Flow
from emu.schemes.registry import SCHEMES


def wrong_agent(scenario: Scenario, event: Crash | Restart, path: Path) -> Iterator[Problem]:
    """The problem of a name that is not that of an agent that can be started again."""
    name = event.crash if isinstance(event, Crash) else event.restart
    web = servers(scenario.services)
    if "@" in name:
        if name not in web:
            text = f"no web server {quote(name)}; {suggest(name, web)}"
            yield Problem((*path, event.verb), text)
        return
    agents = [*scenario.nodes_of(SERVER, CLIENT), *scenario.members, *_mobile_in_group(scenario)]
    agents += SCHEMES.find(scenario.mobility.scheme).restartable(scenario)
    if not agents:
        text = f"no agent can be started again in the scheme {scenario.mobility.scheme}"
        yield Problem((*path, event.verb), f"{text}; leave the event out")
        return
    if name not in agents:
        yield Problem((*path, event.verb), f"no agent {quote(name)}; {suggest(name, agents)}")


def _mobile_in_group(scenario: Scenario) -> Iterator[str]:
    """The mobile nodes that have an i3 client."""
    for flow in scenario.traffic:
        if isinstance(flow, I3Flow):
            yield from (name for name in flow.to if name in scenario.nodes_of("mn"))


def check_crashes(scenario: Scenario) -> Iterator[Problem]:
    """What is killed must run, and what is restarted must have been killed."""
    down: set[str] = set()
    indexed = sorted(enumerate(scenario.events), key=lambda entry: entry[1].at)
    for index, event in indexed:
        path: Path = ("events", index)
        if isinstance(event, Crash):
            if event.crash in down:
                text = f"{event.crash} is down already then; leave the event out"
                yield Problem((*path, "crash"), text)
            down.add(event.crash)
        elif isinstance(event, Restart):
            if event.restart not in down:
                text = f"{event.restart} runs then; write its crash before"
                yield Problem((*path, "restart"), text)
            down.discard(event.restart)
