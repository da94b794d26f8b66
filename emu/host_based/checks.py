"""What a scenario keeps whose mobile nodes send Binding Updates themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from emu.host_based.keys import RouteOptimisation, Security
from emu.scenario.errors import Problem, quote

if TYPE_CHECKING:
    from emu.scenario.model import Scenario


def check_host_based(scenario: Scenario) -> Iterator[Problem]:
    """No mobile sources; and what each key needs."""
    if not scenario.alm:
        yield from _mobile_sources(scenario)
    yield from check_correspondents(scenario)


def check_correspondents(scenario: Scenario) -> Iterator[Problem]:
    """Route optimisation has a correspondent."""
    if scenario.mobility.of(RouteOptimisation).route_optimisation and not scenario.nodes_of(
        "server"
    ):
        text = "does nothing without a node of role server; add one, or leave it out"
        yield Problem(("mobility", "route_optimisation"), text)


def check_security(scenario: Scenario) -> Iterator[Problem]:
    """A token is given to the owner of a CGA."""
    security = scenario.mobility.of(Security).security
    if security.permanent_keygen_token and not security.cga:
        text = "is given to the owner of a CGA; write cga: true beside it"
        yield Problem(("mobility", "security", "permanent_keygen_token"), text)


def _mobile_sources(scenario: Scenario) -> Iterator[Problem]:
    """Channels of mobile nodes, which native multicast routers would expect elsewhere."""
    for name, channel in scenario.channels.items():
        if channel.source in scenario.nodes_of("mn"):
            text = f"is mobile, which a source cannot be in the scheme {scenario.mobility.scheme}"
            path = ("channels", name, "source")
            yield Problem(path, f"{quote(channel.source)} {text}; write a node of role source")
