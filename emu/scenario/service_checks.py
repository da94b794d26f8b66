"""What the services of a scenario need of it, and of each other."""

from __future__ import annotations

from collections.abc import Iterator

from emu.scenario.errors import Path, Problem, quote, suggest
from emu.scenario.model import Scenario
from emu.scenario.names import wrong_node
from emu.scenario.periods import wrong_period
from emu.scenario.services import SERVICES, Cache, Call, Origin, Player
from emu.scenario.units import DURATION
from emu.schemes.registry import SCHEMES

MOST_CALLS = 16
"""So that the ports of calls end before those of iperf3 begin."""


def check_services(scenario: Scenario) -> Iterator[Problem]:
    """Every contradiction of a service whose single values are right."""
    for name, service in scenario.services.items():
        path: Path = ("services", name)
        if isinstance(service, Origin):
            yield from _origin(scenario, name, service, path)
        elif isinstance(service, Cache):
            yield from _cache(scenario, name, service, path)
        elif isinstance(service, Player):
            yield from _player(scenario, service, path)
        elif isinstance(service, Call):
            yield from _call(scenario, name, service, path)


def wrong_service(scenario: Scenario, name: str, path: Path, kind: str) -> Iterator[Problem]:
    """The problem of a name that is not a service of this kind."""
    fitting = [other for other, one in scenario.services.items() if isinstance(one, SERVICES[kind])]
    if name not in fitting:
        yield Problem(path, f"no {kind} {quote(name)} in services; {suggest(name, fitting)}")


def _origin(scenario: Scenario, name: str, service: Origin, path: Path) -> Iterator[Problem]:
    yield from wrong_node(scenario, service.node, (*path, "node"), "server")
    others = (
        other
        for other, one in scenario.services.items()
        if isinstance(one, Origin) and one.node == service.node and other != name
    )
    for other in others:
        if list(scenario.services).index(other) < list(scenario.services).index(name):
            text = f"{service.node} is already the web server of {other}; choose another server"
            yield Problem((*path, "node"), text)
    if service.segment > service.length:
        text = f"{DURATION.show(service.segment)} is longer than the video; write at most "
        yield Problem((*path, "segment"), text + DURATION.show(service.length))
    if list(service.bitrates) != sorted(set(service.bitrates)):
        text = "are not from the lowest to the highest, each once; write them in this order"
        yield Problem((*path, "bitrates"), text)


def _cache(scenario: Scenario, name: str, service: Cache, path: Path) -> Iterator[Problem]:
    yield from wrong_service(scenario, service.origin, (*path, "origin"), "origin")
    if service.filled and getattr(scenario.services.get(service.origin), "live", False):
        text = f"{service.origin} is live, of which nothing is there beforehand; leave it out"
        yield Problem((*path, "filled"), text)
    anchors = SCHEMES.find(scenario.mobility.scheme).caches(scenario)
    taken = {
        place: other
        for other, one in scenario.services.items()
        if isinstance(one, Cache)
        for place in one.at
    }
    for index, place in enumerate(service.at):
        if not anchors:
            text = f"there are no caches with the mobility scheme {scenario.mobility.scheme}; "
            yield Problem((*path, "at", index), text + "leave the service out")
        elif place not in anchors:
            text = f"{quote(place)} anchors no prefix here; {suggest(place, anchors)}"
            yield Problem((*path, "at", index), text)
        elif taken[place] != name or place in service.at[:index]:
            text = f"{place} has a cache already; write it once"
            yield Problem((*path, "at", index), text)


def _player(scenario: Scenario, service: Player, path: Path) -> Iterator[Problem]:
    yield from wrong_node(scenario, service.node, (*path, "node"), "mn")
    yield from wrong_service(scenario, service.origin, (*path, "origin"), "origin")
    yield from wrong_period(service.start, service.stop, scenario.duration, path)


def _call(scenario: Scenario, name: str, service: Call, path: Path) -> Iterator[Problem]:
    calls = [other for other, one in scenario.services.items() if isinstance(one, Call)]
    if calls.index(name) == MOST_CALLS:
        yield Problem(path, f"is one call too many; write at most {MOST_CALLS}")
    yield from wrong_node(scenario, service.from_, (*path, "from"), "mn")
    yield from wrong_node(scenario, service.to, (*path, "to"), "server")
    yield from wrong_period(service.start, service.stop, scenario.duration, path)
